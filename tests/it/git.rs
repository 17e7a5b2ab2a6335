//! What git finds in a service: one commit of exactly the rendered tree, by the right author.

use std::fs;
use std::path::Path;

use crate::sandbox::{Run, Sandbox, listing, script};

/// What a `git` of the user's says in `dir`, trimmed.
#[track_caller]
pub fn git(sandbox: &Sandbox, dir: &Path, words: &[&str]) -> String {
    let run = Run::of(sandbox.command("git").args(words).current_dir(dir)).ok();
    run.stdout.trim_end().to_owned()
}

/// A complete service: its repository is sound, on one commit, and nothing differs from that.
#[track_caller]
pub fn is_whole(sandbox: &Sandbox, service: &Path) {
    let fsck = ["fsck", "--strict", "--no-progress"];
    assert_eq!(git(sandbox, service, &fsck), "");
    assert_eq!(git(sandbox, service, &["rev-list", "--count", "HEAD"]), "1");
    let status = ["status", "--porcelain", "--untracked-files=all"];
    assert_eq!(git(sandbox, service, &status), "");
}

/// The tree that the plan promises.
#[track_caller]
pub fn planned_tree(sandbox: &Sandbox, words: &[&str]) -> String {
    let tree = &planned(sandbox, words)["tree"];
    tree.as_str().expect("a tree").to_owned()
}

/// A port that is free, and that no test listens on: for trees that are to be equal.
#[track_caller]
pub fn quiet_port(sandbox: &Sandbox) -> String {
    planned(sandbox, &["orders", "--port-range", "7000-7999"])["port"].to_string()
}

#[track_caller]
fn planned(sandbox: &Sandbox, words: &[&str]) -> serde_json::Value {
    let mut command = sandbox.generator();
    let run = Run::of(command.args(words).args(["--dry-run", "--format", "json"])).ok();
    let plan = run.stdout.lines().next().expect("a plan");
    serde_json::from_str(plan).expect("JSON")
}

#[track_caller]
fn generate(sandbox: &Sandbox, environment: &[(&str, &str)]) {
    let mut command = sandbox.generator();
    command.args(["orders", "--build", "none", "--quiet"]);
    Run::of(command.envs(environment.iter().copied())).ok();
}

/// Author and committer with their dates.
#[track_caller]
fn people(sandbox: &Sandbox) -> String {
    let format = "--format=%an <%ae> %ad | %cn <%ce> %cd";
    let words = ["log", "--date=raw", format];
    git(sandbox, &sandbox.work().join("orders"), &words)
}

/// Author and committer, without dates.
#[track_caller]
fn names(sandbox: &Sandbox) -> String {
    let words = ["log", "--format=%an <%ae> | %cn <%ce>"];
    git(sandbox, &sandbox.work().join("orders"), &words)
}

#[test]
fn one_commit_of_exactly_the_planned_tree() {
    let sandbox = Sandbox::new();
    let port = quiet_port(&sandbox);
    let words = ["orders", "--build", "none", "--quiet", "--port", &port];
    let planned = planned_tree(&sandbox, &words);
    sandbox.run(words).ok();
    let service = sandbox.work().join("orders");
    is_whole(&sandbox, &service);
    assert_eq!(
        git(&sandbox, &service, &["rev-parse", "HEAD^{tree}"]),
        planned
    );
    let message = git(&sandbox, &service, &["log", "--format=%B"]);
    let port = format!(", HTTP port {port}, by generate-service ");
    assert!(message.starts_with("Generate orders\n\n"), "{message}");
    assert!(message.contains(&port), "{message}");
}

#[test]
fn the_tree_holds_every_file_that_lies_there() {
    let sandbox = Sandbox::new();
    generate(&sandbox, &[]);
    let service = sandbox.work().join("orders");
    let tracked = git(&sandbox, &service, &["ls-files"]);
    let mut there = listing(&service);
    there.retain(|path| service.join(path).is_file());
    there.sort();
    assert_eq!(tracked.lines().collect::<Vec<_>>(), there);
}

#[test]
fn the_branch_is_main() {
    let sandbox = Sandbox::new();
    generate(&sandbox, &[]);
    let head = ["symbolic-ref", "HEAD"];
    let head = git(&sandbox, &sandbox.work().join("orders"), &head);
    assert_eq!(head, "refs/heads/main");
}

#[test]
fn the_branch_is_the_users() {
    for (config, branch) in [
        ("[init]\n\tdefaultBranch = trunk\n", "refs/heads/trunk"),
        (
            "[init]\n\tdefaultBranch = team/dev\n",
            "refs/heads/team/dev",
        ),
        ("[init]\n\tdefaultbranch = \"\"\n", "refs/heads/main"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("home/.gitconfig", config);
        generate(&sandbox, &[]);
        let head = ["symbolic-ref", "HEAD"];
        let head = git(&sandbox, &sandbox.work().join("orders"), &head);
        assert_eq!(head, branch);
    }
}

const ADA: &str = "[user]\n\tname = Ada\n\temail = ada@example.org\n";

#[test]
fn the_author_comes_from_the_home_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", ADA);
    generate(&sandbox, &[]);
    assert_eq!(
        names(&sandbox),
        "Ada <ada@example.org> | Ada <ada@example.org>"
    );
}

#[test]
fn the_author_comes_from_xdg() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.config/git/config", ADA);
    generate(&sandbox, &[]);
    assert_eq!(
        names(&sandbox),
        "Ada <ada@example.org> | Ada <ada@example.org>"
    );
    let sandbox = Sandbox::new();
    let config = sandbox.write("xdg/git/config", ADA);
    let xdg = config.ancestors().nth(2).and_then(Path::to_str);
    generate(&sandbox, &[("XDG_CONFIG_HOME", xdg.expect("a path"))]);
    assert_eq!(
        names(&sandbox),
        "Ada <ada@example.org> | Ada <ada@example.org>"
    );
}

#[test]
fn the_home_directory_outranks_xdg() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.config/git/config", ADA);
    sandbox.write("home/.gitconfig", "[user]\n\tname = Grace\n");
    generate(&sandbox, &[]);
    assert_eq!(
        names(&sandbox),
        "Grace <ada@example.org> | Grace <ada@example.org>"
    );
}

#[test]
fn the_author_comes_from_the_file_a_variable_names() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", "[user]\n\tname = Nobody\n");
    let config = sandbox.write("ci.gitconfig", ADA);
    let config = config.to_str().expect("a path");
    generate(&sandbox, &[("GIT_CONFIG_GLOBAL", config)]);
    assert_eq!(
        names(&sandbox),
        "Ada <ada@example.org> | Ada <ada@example.org>"
    );
}

#[test]
fn the_author_comes_from_counted_variables() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", ADA);
    generate(
        &sandbox,
        &[
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "user.name"),
            ("GIT_CONFIG_VALUE_0", "Grace"),
            ("GIT_CONFIG_KEY_1", "user.email"),
            ("GIT_CONFIG_VALUE_1", "grace@example.org"),
        ],
    );
    assert_eq!(
        names(&sandbox),
        "Grace <grace@example.org> | Grace <grace@example.org>"
    );
}

#[test]
fn an_included_file_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", "[include]\n\tpath = ada\n");
    sandbox.write("home/ada", ADA);
    generate(&sandbox, &[]);
    assert_eq!(
        names(&sandbox),
        "Ada <ada@example.org> | Ada <ada@example.org>"
    );
}

#[test]
fn the_variables_outrank_every_file() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", ADA);
    generate(
        &sandbox,
        &[
            ("GIT_AUTHOR_NAME", "Grace"),
            ("GIT_AUTHOR_EMAIL", "grace@example.org"),
            ("GIT_AUTHOR_DATE", "1700000000 +0100"),
            ("GIT_COMMITTER_NAME", "CI"),
            ("GIT_COMMITTER_EMAIL", "ci@example.org"),
            ("GIT_COMMITTER_DATE", "@1700000060 -0330"),
        ],
    );
    assert_eq!(
        people(&sandbox),
        "Grace <grace@example.org> 1700000000 +0100 | CI <ci@example.org> 1700000060 -0330"
    );
}

/// Git itself has to find the same moment in them.
#[test]
fn dates_are_understood_as_git_does() {
    for date in [
        "1700000000 +0100",
        "@1700000000",
        "2023-11-14T23:13:20+01:00",
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20 +0000",
        "Tue Nov 14 23:13:20 2023 +0100",
        "Tue, 14 Nov 2023 23:13:20 +0100",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "14 Nov 2023 17:13:20 -0500",
    ] {
        let sandbox = Sandbox::new();
        generate(&sandbox, &[("GIT_AUTHOR_DATE", date), ("TZ", "UTC")]);
        let ours = people(&sandbox);
        let ours = ours.split(" | ").next().expect("an author");
        let mut theirs = sandbox.command("git");
        theirs.args(["var", "GIT_AUTHOR_IDENT"]);
        theirs
            .env("GIT_AUTHOR_DATE", date)
            .env("TZ", "UTC")
            .env("GIT_AUTHOR_NAME", "generate-service")
            .env("GIT_AUTHOR_EMAIL", "generate-service@localhost");
        assert_eq!(ours, Run::of(&mut theirs).ok().stdout.trim(), "{date}");
    }
}

#[test]
fn with_nobody_configured_the_program_signs() {
    let sandbox = Sandbox::new();
    generate(&sandbox, &[]);
    let fallback = "generate-service <generate-service@localhost>";
    assert_eq!(names(&sandbox), format!("{fallback} | {fallback}"));
}

#[test]
fn no_git_program_is_needed() {
    let sandbox = Sandbox::new();
    let empty = sandbox.root().join("empty");
    fs::create_dir(&empty).expect("a directory");
    generate(&sandbox, &[("PATH", empty.to_str().expect("a path"))]);
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

#[test]
fn what_the_user_ignores_everywhere_is_committed_all_the_same() {
    let sandbox = Sandbox::new();
    let port = quiet_port(&sandbox);
    let words = ["orders", "--build", "none", "--quiet", "--port", &port];
    let planned = planned_tree(&sandbox, &words);
    sandbox.write(
        "home/.gitconfig",
        "[core]\n\texcludesFile = ~/ignored\n\tautocrlf = true\n\tsafecrlf = true\n",
    );
    sandbox.write("home/ignored", "Cargo.lock\n*.rs\n.github\n");
    sandbox.write("home/.config/git/ignore", "*.toml\n");
    sandbox.write("home/.config/git/attributes", "* text eol=crlf\n");
    sandbox.run(words).ok();
    let service = sandbox.work().join("orders");
    let tree = git(&sandbox, &service, &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(tree, planned);
    let tracked = git(&sandbox, &service, &["ls-files", "Cargo.lock"]);
    assert_eq!(tracked, "Cargo.lock");
    let bytes = fs::read(service.join("src/main.rs")).expect("a file");
    assert!(!bytes.contains(&b'\r'), "line endings were changed");
}

#[test]
fn a_wish_for_signed_commits_breaks_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "home/.gitconfig",
        "[commit]\n\tgpgsign = true\n[user]\n\tsigningkey = DEADBEEF\n\
         [gpg]\n\tprogram = /nonexistent/gpg\n",
    );
    generate(&sandbox, &[]);
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

#[test]
fn hooks_of_the_users_template_are_there_but_do_not_run() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", "[init]\n\ttemplateDir = ~/template\n");
    fs::create_dir_all(sandbox.home().join("template/hooks")).expect("a directory");
    for hook in ["pre-commit", "commit-msg", "post-commit"] {
        let name = format!("home/template/hooks/{hook}");
        script(&sandbox, &name, "touch \"$HOME/ran\"; exit 1\n");
    }
    generate(&sandbox, &[]);
    let service = sandbox.work().join("orders");
    is_whole(&sandbox, &service);
    assert!(service.join(".git/hooks/pre-commit").is_file());
    assert!(!sandbox.home().join("ran").exists(), "a hook ran");
}

#[test]
fn a_template_directory_that_is_not_there_breaks_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.gitconfig", "[init]\n\ttemplateDir = /nonexistent\n");
    generate(&sandbox, &[]);
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

/// As in a hook or in `git rebase --exec`: the repository they name is somebody else's.
#[test]
fn variables_of_a_git_around_us_are_not_for_us() {
    let sandbox = Sandbox::new();
    let other = sandbox.root().join("other");
    git(&sandbox, &sandbox.root(), &["init", "--quiet", "other"]);
    let path = |name: &str| other.join(name).display().to_string();
    generate(
        &sandbox,
        &[
            ("GIT_DIR", &path(".git")),
            ("GIT_WORK_TREE", &path("")),
            ("GIT_INDEX_FILE", &path(".git/index")),
            ("GIT_OBJECT_DIRECTORY", &path(".git/objects")),
        ],
    );
    is_whole(&sandbox, &sandbox.work().join("orders"));
    let words = ["rev-list", "--all", "--count"];
    assert_eq!(git(&sandbox, &other, &words), "0");
}

#[test]
fn without_git_there_is_none() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["orders", "--build", "none", "--no-git"]).ok();
    assert!(!run.stderr.contains("Git"), "{}", run.stderr);
    assert!(!sandbox.work().join("orders/.git").exists());
    assert!(sandbox.work().join("orders/Cargo.toml").is_file());
}
