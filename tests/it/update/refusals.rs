//! Where nothing is done, and why; what is there stays as it is, to the byte.

use std::fs;

use super::world::{LINES, Service, World};
use crate::sandbox::{Run, snapshot};

/// A world in which an update of this template waits.
fn waiting() -> World {
    World::with(&[("a.txt", LINES)])
}

fn service(world: &World) -> Service<'_> {
    let service = world.service();
    world.release("1.1.0", &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    service
}

#[test]
fn a_directory_that_is_no_service() {
    let world = waiting();
    let service = service(&world);
    let said = |words: &[&str], stderr: &str| {
        let run = Run::of(world.generator().arg("update").args(words));
        let stderr = stderr.replace("[ROOT]", &world.sandbox.root().display().to_string());
        run.fails(19, &stderr);
    };
    said(
        &["worker"],
        "error: `[ROOT]/work/worker` is no service: it has no service.toml\n\
         help: generate-service update DIR, where DIR is the service's directory\n",
    );
    said(
        &["."],
        "error: `[ROOT]/work/.` is no service: it has no service.toml\n\
         help: generate-service update [ROOT]/work/./jobs\n",
    );
    fs::create_dir(world.sandbox.work().join("other")).expect("a directory");
    fs::copy(
        service.path("service.toml"),
        world.sandbox.work().join("other/service.toml"),
    )
    .expect("a record");
    said(
        &[],
        "error: `[ROOT]/work` is no service: it has no service.toml\n\
         help: generate-service update --all [ROOT]/work\n",
    );
}

#[test]
fn a_service_in_no_repository() {
    let world = waiting();
    let service = service(&world);
    fs::remove_dir_all(service.path(".git")).expect("removed");
    let before = snapshot(&service.dir);
    let run = service.update(&[]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "error: `[ROOT]/work/jobs` is in no git repository, so an update could not be undone\n\
         help: git init [ROOT]/work/jobs && git -C [ROOT]/work/jobs add . && git -C \
         [ROOT]/work/jobs commit -m 'Before the update'\n"
    );
    assert_eq!(run.code, 7);
    assert_eq!(snapshot(&service.dir), before);
}

#[test]
fn a_repository_with_nothing_committed() {
    let world = waiting();
    let service = service(&world);
    fs::remove_dir_all(service.path(".git")).expect("removed");
    service.git(&["init", "--quiet"]);
    let run = service.update(&[]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "error: nothing of `[ROOT]/work/jobs` is committed, so an update could not be undone\n\
         help: git -C [ROOT]/work/jobs add . && git -C [ROOT]/work/jobs commit -m \
         'Before the update'\n"
    );
    assert_eq!(run.code, 7);
}

#[test]
fn a_record_that_is_not_committed() {
    let world = waiting();
    let service = service(&world);
    service.git(&["rm", "--quiet", "--cached", "service.toml"]);
    service.git(&["commit", "--quiet", "--message", "no record"]);
    service.refuses(
        &[],
        19,
        "error: service.toml is not committed\nhelp: git -C [ROOT]/work/jobs add service.toml && git \
         -C [ROOT]/work/jobs commit -m 'Add the record'\n",
    );
}

#[test]
fn changes_that_are_not_committed() {
    let world = waiting();
    let service = service(&world);
    service.write("src/main.rs", "fn main() { }\n");
    let refusal = |what: &str| {
        format!(
            "error: there are changes that are not committed: {what}\nhelp: git -C [ROOT]/work/jobs \
             commit --all, or `git stash`; or update on a branch beside it: --branch\n"
        )
    };
    service.refuses(&[], 7, &refusal("`src/main.rs`"));
    service.write("staged.txt", "staged\n");
    service.git(&["add", "staged.txt"]);
    service.refuses(&[], 7, &refusal("`src/main.rs` and 1 more"));
    // What only looks does not mind.
    let before = service.state();
    assert_eq!(service.update(&["--check"]).code, 18);
    service.update(&["--dry-run"]).ok();
    service.state().is(&before);
}

#[test]
fn a_file_that_git_does_not_know_is_in_nobodys_way_until_it_is() {
    let world = waiting();
    let service = service(&world);
    service.write("notes.txt", "mine\n");
    service.update(&[]).ok();
    assert_eq!(service.read("notes.txt"), "mine\n");
    world.release("1.2.0", &[("notes.txt", "theirs\n")]);
    service.refuses(
        &["--quiet"],
        7,
        "error: `notes.txt` is not in git, and the template has a file of that name now\n\
         help: move it away: mv notes.txt notes.txt.mine\n",
    );
    // One that says the same is in nobody's way.
    service.write("notes.txt", "theirs\n");
    service.updated(&[]);
}

#[test]
fn a_merge_a_rebase_or_a_bisection_under_way() {
    let world = waiting();
    let service = service(&world);
    service.git(&["branch", "other"]);
    service.commit(&[("a.txt", "mine\n")]);
    service.git(&["checkout", "--quiet", "other"]);
    service.commit(&[("a.txt", "other\n")]);
    let git = |words: &[&str]| {
        let mut command = world.sandbox.command("git");
        Run::of(command.args(words).current_dir(&service.dir))
    };
    assert_ne!(git(&["merge", "main"]).code, 0);
    let refusal = |what: &str, back: &str| {
        format!(
            "error: {what} is under way in `[ROOT]/work/jobs`\nhelp: finish it, or git -C \
             [ROOT]/work/jobs {back}\n"
        )
    };
    service.refuses(&[], 7, &refusal("a merge", "merge --abort"));
    // It is no update, so it is not ours to take back.
    let help = "error: no update is under way here\nhelp: git -C [ROOT]/work/jobs status\n";
    service.refuses(&["--abort"], 7, help);
    service.git(&["merge", "--abort"]);
    assert_ne!(git(&["rebase", "main"]).code, 0);
    service.refuses(&[], 7, &refusal("a rebase", "rebase --abort"));
    service.git(&["rebase", "--abort"]);
    assert_ne!(git(&["cherry-pick", "main"]).code, 0);
    service.refuses(&[], 7, &refusal("a cherry-pick", "cherry-pick --abort"));
    service.git(&["cherry-pick", "--abort"]);
    service.git(&["bisect", "start"]);
    service.refuses(&[], 7, &refusal("a bisection", "bisect reset"));
}

#[test]
fn a_head_that_is_no_branch() {
    let world = waiting();
    let service = service(&world);
    service.git(&["checkout", "--quiet", "--detach"]);
    service.refuses(
        &[],
        7,
        "error: no branch is checked out (detached HEAD)\nhelp: git -C [ROOT]/work/jobs switch \
         --create my-branch\n",
    );
    // A branch beside it needs none.
    service.update(&["--branch=up"]).ok();
}

#[test]
fn a_template_that_is_older_now() {
    let world = waiting();
    let service = service(&world);
    service.updated(&[]);
    world.release("1.0.0", &[("a.txt", LINES)]);
    service.refuses(
        &[],
        2,
        "error: the service is at worker 1.1.0 already, and worker 1.0.0 is older\nhelp: to go back: \
         git revert of the commit of the update\n",
    );
}

#[test]
fn a_template_that_does_not_render_any_more() {
    let world = waiting();
    let service = service(&world);
    world.release("1.2.0", &[("b.txt.hbs", "{{nobody}}\n")]);
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 6, "{}", run.stderr);
    service.state().is(&before);
    fs::remove_file(world.template("b.txt.hbs")).expect("removed");
    let more = "generate-service = \">=99\"\n";
    world.release_with("1.2.0", more, &[]);
    let run = service.update(&[]);
    assert_eq!(run.code, 6, "{}", run.stderr);
    service.state().is(&before);
    let traces = crate::sandbox::listing(&world.sandbox.work());
    assert!(
        !traces.iter().any(|path| path.contains(".generate")),
        "{traces:?}"
    );
}

#[test]
fn a_template_that_is_not_there_any_more() {
    let world = waiting();
    let service = service(&world);
    fs::rename(world.template(""), world.sandbox.work().join("moved")).expect("renamed");
    let before = service.state();
    let run = service.update(&[]);
    assert_ne!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    service.state().is(&before);
    // Its owner says where it is now.
    service.updated(&["--template", "moved"]);
    assert!(service.read("service.toml").contains("/work/moved\""));
    assert_eq!(service.read("a.txt"), "one\ntwo\nthree\nfour\nFIVE\n");
}

#[test]
fn options_that_do_not_go_together() {
    let world = waiting();
    let service = service(&world);
    for words in [
        &["--check", "--dry-run"][..],
        &["--abort", "--to", "1.0.0"],
        &["--in-place"],
        &["--jobs", "2"],
        &["--to", "nowhere"],
        &["--with", "nothing"],
        &["--define", "nobody=1"],
    ] {
        let before = service.state();
        let run = service.update(words);
        assert_eq!(run.code, 2, "{words:?}: {}", run.stderr);
        service.state().is(&before);
    }
}

#[test]
fn another_git_that_is_at_work() {
    let world = waiting();
    let service = service(&world);
    service.write(".git/index.lock", "");
    let before = service.git(&["rev-parse", "HEAD"]);
    let run = service.update(&[]);
    let text = "error: another git is at work in `[ROOT]/work/jobs`\nhelp: wait for it; if there is \
        none: rm [ROOT]/work/jobs/.git/index.lock\n";
    assert_eq!(world.sandbox.anonymous(&run.stderr), text);
    assert_eq!(run.code, 7);
    assert_eq!(service.read("a.txt"), LINES);
    assert_eq!(service.git(&["rev-parse", "HEAD"]), before);
    fs::remove_file(service.path(".git/index.lock")).expect("removed");
    service.updated(&[]);
}
