//! On a branch of its own: whatever its owner is doing, it goes on undisturbed.

use super::world::{LINES, Service, World, events};
use crate::sandbox::Run;

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

/// HEAD, what is staged, and what is on disk.
fn around(service: &Service) -> (String, String, Vec<String>) {
    let head = service.git(&["rev-parse", "HEAD"]);
    let staged = service.git(&["ls-files", "--stage"]);
    let files = crate::sandbox::snapshot(&service.dir).into_iter();
    let files = files.filter(|(path, _)| !path.components().any(|part| part.as_os_str() == ".git"));
    (
        head,
        staged,
        files.map(|file| format!("{file:?}")).collect(),
    )
}

#[test]
fn head_index_and_files_are_left_alone_even_when_dirty() {
    let world = world();
    let service = world.service();
    service.write("a.txt", "unfinished\n");
    service.write("staged.txt", "staged\n");
    service.git(&["add", "staged.txt"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let before = around(&service);
    let run = service.update(&["--branch"]).ok();
    assert_eq!(around(&service), before);
    let commit = service.git(&["rev-parse", "update/jobs-1.1.0"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        format!(
            "Updating jobs from worker 1.0.0 to worker 1.1.0:\n\n  M  a.txt  +1 -1\n  M  service.toml  \
             +3 -3\n\nAll done! jobs is at worker 1.1.0 (commit {}, on the branch \
             update/jobs-1.1.0)\n  git -C [ROOT]/work/jobs push origin update/jobs-1.1.0\n",
            &commit[..12]
        )
    );
    assert_eq!(service.shown("update/jobs-1.1.0:a.txt"), NEW.trim_end());
    assert_eq!(
        service.git(&["rev-parse", "update/jobs-1.1.0^@"]),
        service.git(&["rev-parse", "HEAD"])
    );
}

#[test]
fn twice_the_same_is_once() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.update(&["--branch"]).ok();
    let first = service.git(&["rev-parse", "update/jobs-1.1.0"]);
    service.update(&["--branch"]).ok();
    assert_eq!(service.git(&["rev-parse", "update/jobs-1.1.0"]), first);
    // A new HEAD is new ground.
    service.commit(&[("mine.txt", "mine\n")]);
    service.update(&["--branch"]).ok();
    assert_ne!(service.git(&["rev-parse", "update/jobs-1.1.0"]), first);
}

#[test]
fn a_branch_that_somebody_else_made_is_not_touched() {
    let world = world();
    let service = world.service();
    service.git(&["branch", "theirs"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let before = service.git(&["for-each-ref"]);
    let run = service.update(&["--branch=theirs", "--quiet"]);
    run.fails(
        7,
        "error: the branch `theirs` is there, and somebody else made it\n\
         help: choose another: --branch=NAME\n",
    );
    assert_eq!(service.git(&["for-each-ref"]), before);
}

/// Commits of others on top of an update are theirs.
#[test]
fn a_branch_with_work_on_top_of_the_update_is_not_reset() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.update(&["--branch=up"]).ok();
    service.git(&["checkout", "--quiet", "up"]);
    service.commit(&[("fix.txt", "a fix\n")]);
    let fixed = service.git(&["rev-parse", "up"]);
    service.git(&["checkout", "--quiet", "main"]);
    service.commit(&[("mine.txt", "mine\n")]);
    assert_eq!(service.update(&["--branch=up"]).code, 7);
    assert_eq!(service.git(&["rev-parse", "up"]), fixed);
}

/// The branch somebody stands on cannot be moved below their feet.
#[test]
fn the_branch_that_is_checked_out_is_not_moved() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.update(&["--branch=up"]).ok();
    service.git(&["checkout", "--quiet", "up"]);
    world.release("1.2.0", &[("a.txt", "other\n")]);
    let text = "error: the branch `up` is checked out\nhelp: choose another: --branch=NAME\n";
    service.refuses(&["--branch=up"], 7, text);
    // Nor is one that is so in another worktree.
    service.git(&["checkout", "--quiet", "main"]);
    service.git(&["worktree", "add", "--quiet", "../side", "up"]);
    service.refuses(&["--branch=up"], 7, text);
    world
        .at("side")
        .refuses(&["--branch=main"], 7, &text.replace("`up`", "`main`"));
}

#[test]
fn a_name_that_no_branch_can_have() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    for name in ["a..b", "-x", "a b", "a~1", "refs/", "x.lock"] {
        let text = format!(
            "error: `{name}` is no name for a branch\nhelp: choose another: --branch=NAME\n"
        );
        service.refuses(&[&format!("--branch={name}")], 2, &text);
    }
}

#[test]
fn conflicts_have_no_place_there() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let before = (around(&service), service.git(&["for-each-ref"]));
    let run = service.update(&["--branch"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "Updating jobs from worker 1.0.0 to worker 1.1.0:\n\n  M  a.txt  +8 -0\n  M  service.toml  \
         +3 -3\n\nConflicts:\n  a.txt  changed on both sides\n\nerror: 1 file conflicts with worker \
         1.1.0: `a.txt`\nhelp: update where it can be resolved: generate-service update \
         [ROOT]/work/jobs\n"
    );
    assert_eq!(run.code, 17);
    assert_eq!((around(&service), service.git(&["for-each-ref"])), before);
}

#[test]
fn the_result_in_json_says_branch_and_commit() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.update(&["--branch", "--format=json"]).ok();
    let events = events(&run);
    let result = events.last().expect("a result");
    assert_eq!(result["status"], "done");
    assert_eq!(result["branch"], "update/jobs-1.1.0");
    assert_eq!(
        result["commit"],
        service.git(&["rev-parse", "update/jobs-1.1.0"]).as_str()
    );
}

/// Two at once: one of them does it, the other finds it done.
#[test]
fn two_runs_at_once() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    let start = || {
        let mut command = service.updating(&["--no-verify", "--quiet"]);
        command.stderr(std::process::Stdio::piped());
        command.spawn().expect("it runs")
    };
    let runs = [start(), start(), start()];
    for run in runs {
        let run = Run::from(run.wait_with_output().expect("it ends"));
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert_eq!(service.git(&["rev-list", "--count", "HEAD"]), "2");
    service.is_clean();
}

/// A run that is killed while it makes the branch leaves git's lock, and nobody else would take it
/// away.
#[test]
fn the_lock_of_a_run_that_was_killed_stops_no_other() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    let lock = ".git/refs/heads/update/jobs-1.1.0.lock";
    service.write(lock, "");
    service.update(&["--branch"]).ok();
    assert!(!service.path(lock).exists());
    assert_eq!(service.shown("update/jobs-1.1.0:a.txt"), NEW.trim_end());
}

/// One that says something else is somebody's.
#[test]
fn the_lock_of_somebody_else_is_respected() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    let lock = ".git/refs/heads/update/jobs-1.1.0.lock";
    let head = service.git(&["rev-parse", "HEAD"]);
    service.write(lock, &head);
    assert_eq!(service.update(&["--branch"]).code, 7);
    assert_eq!(service.read(lock), head);
}
