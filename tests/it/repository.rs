//! A service inside a repository that is there already.

use std::fs;

use crate::git::{git, is_whole};
use crate::sandbox::{Run, Sandbox};

const WORDS: [&str; 3] = ["orders", "--build", "none"];

/// A repository of the user's around the working directory, with one commit of `README`.
fn repository() -> Sandbox {
    let sandbox = Sandbox::new();
    let ada = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n";
    sandbox.write("home/.gitconfig", ada);
    git(&sandbox, &sandbox.work(), &["init", "--quiet"]);
    sandbox.write("work/README", "theirs\n");
    git(&sandbox, &sandbox.work(), &["add", "README"]);
    let commit = ["commit", "--quiet", "--message", "First"];
    git(&sandbox, &sandbox.work(), &commit);
    sandbox
}

/// What `git` says in the working directory.
#[track_caller]
fn here(sandbox: &Sandbox, words: &[&str]) -> String {
    git(sandbox, &sandbox.work(), words)
}

#[track_caller]
fn status(sandbox: &Sandbox) -> String {
    here(sandbox, &["status", "--porcelain"])
}

#[track_caller]
fn is_sound(sandbox: &Sandbox) {
    let fsck = ["fsck", "--strict", "--no-progress", "--no-dangling"];
    assert_eq!(here(sandbox, &fsck), "");
}

#[test]
fn nothing_is_committed_and_that_is_said() {
    let sandbox = repository();
    let run = sandbox.run(WORDS).ok();
    assert!(!sandbox.work().join("orders/.git").exists());
    assert_eq!(here(&sandbox, &["rev-list", "--count", "--all"]), "1");
    assert_eq!(status(&sandbox), "?? orders/");
    let said = sandbox.anonymous(&run.stderr);
    assert!(
        said.ends_with(
            "It stands in the Git repository [ROOT]/work, \
             where nothing was committed (--commit does).\n"
        ),
        "{said}"
    );
    assert!(!said.contains("Initializing Git"), "{said}");
}

#[test]
fn deep_inside_it_is_the_same() {
    let sandbox = repository();
    let deep = sandbox.work().join("services/europe");
    fs::create_dir_all(&deep).expect("directories");
    Run::of(sandbox.generator().args(WORDS).current_dir(&deep)).ok();
    assert!(!deep.join("orders/.git").exists());
    assert_eq!(status(&sandbox), "?? services/");
}

#[test]
fn on_demand_the_service_alone_is_committed_and_staged_and_unstaged_changes_stay() {
    let sandbox = repository();
    sandbox.write("work/staged", "staged\n");
    here(&sandbox, &["add", "staged"]);
    sandbox.write("work/README", "staged too\n");
    here(&sandbox, &["add", "README"]);
    sandbox.write("work/README", "changed again\n");
    sandbox.write("work/untracked", "untracked\n");
    let before = status(&sandbox);
    let diffs = |sandbox: &Sandbox| {
        let staged = here(sandbox, &["diff", "--cached", "--binary"]);
        staged + here(sandbox, &["diff", "--binary"]).as_str()
    };
    let diff = diffs(&sandbox);
    sandbox.run(WORDS.into_iter().chain(["--commit"])).ok();
    assert_eq!(status(&sandbox), before);
    assert_eq!(diffs(&sandbox), diff);
    let changed = ["diff", "--name-status", "HEAD~", "HEAD"];
    let changed = here(&sandbox, &changed);
    assert!(changed.contains("A\torders/Cargo.toml"), "{changed}");
    for line in changed.lines() {
        assert!(line.starts_with("A\torders/"), "{line}");
    }
    assert_eq!(here(&sandbox, &["rev-list", "--count", "HEAD"]), "2");
    is_sound(&sandbox);
}

#[test]
fn the_commit_is_the_planned_tree_in_its_place() {
    let sandbox = repository();
    let port = crate::git::quiet_port(&sandbox);
    let planned = crate::git::planned_tree(&sandbox, &["orders", "--port", &port]);
    let words = ["--commit", "--format", "json", "--port", &port];
    let words = WORDS.into_iter().chain(words);
    let run = sandbox.run(words).ok();
    let tree = here(&sandbox, &["rev-parse", "HEAD:orders"]);
    assert_eq!(tree, planned);
    let result = run.stdout.lines().last().expect("a result");
    let result: serde_json::Value = serde_json::from_str(result).expect("JSON");
    assert_eq!(
        result["commit"].as_str(),
        Some(here(&sandbox, &["rev-parse", "HEAD"]).as_str())
    );
}

#[test]
fn on_an_unborn_branch_it_is_the_first_commit() {
    let sandbox = Sandbox::new();
    let init = ["init", "--quiet", "--initial-branch", "trunk"];
    here(&sandbox, &init);
    sandbox.write("work/staged", "staged\n");
    here(&sandbox, &["add", "staged"]);
    sandbox.run(WORDS.into_iter().chain(["--commit"])).ok();
    assert_eq!(here(&sandbox, &["rev-list", "--count", "trunk"]), "1");
    assert_eq!(status(&sandbox), "A  staged");
    is_sound(&sandbox);
}

/// As after `git checkout v1.0`, or in CI: the commit goes where `git commit` would put it.
#[test]
fn on_a_detached_head_no_branch_moves() {
    let sandbox = repository();
    here(&sandbox, &["checkout", "--quiet", "--detach"]);
    let main = here(&sandbox, &["rev-parse", "main"]);
    sandbox.run(WORDS.into_iter().chain(["--commit"])).ok();
    assert_eq!(here(&sandbox, &["rev-parse", "main"]), main);
    assert_eq!(here(&sandbox, &["rev-parse", "HEAD~"]), main);
    assert_eq!(status(&sandbox), "");
    is_sound(&sandbox);
}

#[test]
fn in_the_middle_of_a_merge_the_merge_stays_as_it_was() {
    let sandbox = repository();
    here(&sandbox, &["checkout", "--quiet", "-b", "side"]);
    sandbox.write("work/README", "side\n");
    here(&sandbox, &["commit", "--quiet", "-am", "Side"]);
    here(&sandbox, &["checkout", "--quiet", "main"]);
    sandbox.write("work/README", "main\n");
    here(&sandbox, &["commit", "--quiet", "-am", "Main"]);
    let mut merge = sandbox.command("git");
    let merge = Run::of(merge.args(["merge", "side"]).current_dir(sandbox.work()));
    assert_eq!(merge.code, 1, "no conflict: {}", merge.stdout);
    let before = here(&sandbox, &["ls-files", "--stage"]);
    sandbox.run(WORDS.into_iter().chain(["--commit"]));
    let after = here(&sandbox, &["ls-files", "--stage"]);
    let theirs = after.lines().filter(|line| !line.contains("\torders/"));
    assert_eq!(
        theirs.collect::<Vec<_>>(),
        before.lines().collect::<Vec<_>>()
    );
    is_sound(&sandbox);
}

#[test]
fn a_commit_that_fails_takes_everything_back() {
    let sandbox = repository();
    let before = here(&sandbox, &["rev-parse", "HEAD"]);
    let lock = sandbox.write("work/.git/index.lock", "");
    let words = WORDS.into_iter().chain(["--commit", "--quiet"]);
    let run = sandbox.run(words);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert_eq!(here(&sandbox, &["rev-parse", "HEAD"]), before);
    assert_eq!(sandbox.listing(), [".git", "README"]);
    fs::remove_file(lock).expect("the lock");
    assert_eq!(status(&sandbox), "");
    sandbox.run(WORDS.into_iter().chain(["--commit"])).ok();
    assert_eq!(status(&sandbox), "");
    is_sound(&sandbox);
}

#[test]
fn where_the_repository_ignores_it_the_service_has_its_own() {
    let sandbox = repository();
    sandbox.write("work/.gitignore", "/scratch/\n");
    let scratch = sandbox.work().join("scratch");
    fs::create_dir(&scratch).expect("a directory");
    let words = WORDS.into_iter().chain(["--commit"]);
    Run::of(sandbox.generator().args(words).current_dir(&scratch)).ok();
    is_whole(&sandbox, &scratch.join("orders"));
    assert_eq!(here(&sandbox, &["rev-list", "--count", "HEAD"]), "1");
}

#[test]
fn in_a_worktree_the_commit_is_on_the_worktrees_branch() {
    let sandbox = repository();
    let add = ["worktree", "add", "--quiet", "../tree", "-b", "side"];
    here(&sandbox, &add);
    let tree = sandbox.root().join("tree");
    assert!(tree.join(".git").is_file());
    let words = WORDS.into_iter().chain(["--commit"]);
    Run::of(sandbox.generator().args(words).current_dir(&tree)).ok();
    assert!(!tree.join("orders/.git").exists());
    assert_eq!(git(&sandbox, &tree, &["status", "--porcelain"]), "");
    assert_eq!(here(&sandbox, &["rev-list", "--count", "side"]), "2");
    assert_eq!(here(&sandbox, &["rev-list", "--count", "main"]), "1");
    is_sound(&sandbox);
}

/// There is no working tree a service could be part of.
#[test]
fn in_a_bare_repository_the_service_has_its_own() {
    let sandbox = Sandbox::new();
    here(&sandbox, &["init", "--quiet", "--bare"]);
    sandbox.run(WORDS).ok();
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

#[test]
fn a_repository_above_the_ceiling_is_not_seen() {
    let sandbox = repository();
    let below = sandbox.work().join("below");
    fs::create_dir(&below).expect("a directory");
    let mut command = sandbox.generator();
    command.args(WORDS).current_dir(&below);
    Run::of(command.env("GIT_CEILING_DIRECTORIES", sandbox.work())).ok();
    is_whole(&sandbox, &below.join("orders"));
}

/// As a submodule's directory copied elsewhere: to git too this is no repository.
#[test]
fn a_git_file_that_leads_nowhere_is_no_repository() {
    let sandbox = Sandbox::new();
    sandbox.write("work/.git", "gitdir: /nonexistent\n");
    sandbox.run(WORDS).ok();
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

#[test]
fn without_git_the_repository_is_left_alone() {
    let sandbox = repository();
    let words = WORDS.into_iter().chain(["--commit", "--no-git"]);
    sandbox.run(words).ok();
    assert_eq!(here(&sandbox, &["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(status(&sandbox), "?? orders/");
}
