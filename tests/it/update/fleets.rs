//! Many services at once: each as if it were alone, and one table at the end.

use std::fs;

use super::world::{LINES, Service, World, events};
use crate::sandbox::Run;

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

/// The service `name`, in `work/all`.
fn member<'a>(world: &'a World, name: &str, port: &str) -> Service<'a> {
    let dir = world.sandbox.work().join("all");
    fs::create_dir_all(&dir).expect("a directory");
    let mut command = world.generator();
    command.args([
        name,
        "--port",
        port,
        "--template",
        "worker",
        "--into",
        "all",
    ]);
    command.args(["--quiet", "--trust", "--build=none"]);
    Run::of(&mut command).ok();
    world.at(&format!("all/{name}"))
}

fn all(world: &World, words: &[&str]) -> Run {
    let mut command = world.generator();
    command.args(["update", "--all", "--no-verify", "all"]);
    let run = Run::of(command.args(words));
    Run {
        stdout: world.sandbox.anonymous(&run.stdout),
        stderr: world.sandbox.anonymous(&run.stderr),
        ..run
    }
}

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

#[test]
fn each_gets_a_branch_and_one_that_fails_stops_no_other() {
    let world = world();
    let [bills, jobs, mails] = [("bills", "5000"), ("jobs", "5001"), ("mails", "5002")]
        .map(|(name, port)| member(&world, name, port));
    jobs.commit(&[("a.txt", "mine\n")]);
    fs::remove_dir_all(bills.path(".git")).expect("removed");
    world.release("1.1.0", &[("a.txt", NEW)]);
    mails.write("a.txt", "unfinished\n");
    let run = all(&world, &[]);
    assert_eq!(
        run.stdout,
        "bills  failed      `[ROOT]/work/all/bills` is in no git repository, so an update could not be \
         undone\njobs   conflicts   worker 1.0.0 -> worker 1.1.0  a.txt\nmails  updated     worker 1.0.0 \
         -> worker 1.1.0  update/mails-1.1.0\n\n1 updated, 1 conflicts, 1 failed\n"
    );
    assert_eq!(
        run.stderr,
        "error: 1 of 3 services could not be updated\nhelp: generate-service update \
         [ROOT]/work/all/bills\n"
    );
    assert_eq!(run.code, 11);
    assert_eq!(mails.shown("update/mails-1.1.0:a.txt"), NEW.trim_end());
    assert_eq!(mails.read("a.txt"), "unfinished\n");
    assert_eq!(jobs.git(&["status", "--porcelain"]), "");
    assert_eq!(jobs.git(&["branch", "--list", "update/*"]), "");
}

#[test]
fn in_json_each_is_an_event_with_what_a_request_for_a_merge_needs() {
    let world = world();
    let jobs = member(&world, "jobs", "5000");
    let mails = member(&world, "mails", "5001");
    mails.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = all(&world, &["--format=json"]);
    assert_eq!(run.code, 17, "{}", run.stderr);
    let events = events(&run);
    assert_eq!(events.len(), 3);
    let commit = jobs.git(&["rev-parse", "update/jobs-1.1.0"]);
    assert_eq!(
        events[0],
        serde_json::json!({
            "event": "service", "path": "[ROOT]/work/all/jobs", "status": "updated",
            "from": "worker 1.0.0", "to": "worker 1.1.0", "branch": "update/jobs-1.1.0",
            "commit": commit,
            "message": "Update jobs from worker 1.0.0 to worker 1.1.0\n\nTemplate-Update: worker 1.1.0\n",
        })
    );
    assert_eq!(events[1]["status"], "conflicts");
    assert_eq!(events[1]["conflicts"], serde_json::json!(["a.txt"]));
    assert_eq!(events[2]["status"], "conflicts");
    assert_eq!(events[2]["exit_code"], 17);
}

#[test]
fn in_place_each_is_committed_where_it_is() {
    let world = world();
    let jobs = member(&world, "jobs", "5000");
    let mails = member(&world, "mails", "5001");
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = all(&world, &["--in-place", "--jobs=1"]).ok();
    assert_eq!(
        run.stdout,
        "jobs   updated     worker 1.0.0 -> worker 1.1.0\nmails  updated     worker 1.0.0 -> worker \
         1.1.0\n\n2 updated\n"
    );
    for service in [jobs, mails] {
        service.is_clean();
        assert_eq!(service.read("a.txt"), NEW);
    }
    let run = all(&world, &["--in-place"]).ok();
    assert_eq!(
        run.stdout,
        "jobs   up to date  worker 1.1.0\nmails  up to date  worker 1.1.0\n\n2 up to date\n"
    );
}

#[test]
fn a_check_of_all_touches_none() {
    let world = world();
    let jobs = member(&world, "jobs", "5000");
    let before = jobs.state();
    let run = all(&world, &["--check"]).ok();
    assert_eq!(
        run.stdout,
        "jobs  up to date  worker 1.0.0\n\n1 up to date\n"
    );
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = all(&world, &["--check"]);
    assert_eq!(
        run.stdout,
        "jobs  outdated    worker 1.0.0 -> worker 1.1.0\n\n1 outdated\n"
    );
    assert_eq!(run.code, 18);
    let run = all(&world, &["--dry-run"]);
    assert_eq!(run.code, 18, "{}", run.stderr);
    jobs.state().is(&before);
}

/// One after the other, on one branch or on two.
#[test]
fn two_services_of_one_repository() {
    let world = world();
    let mono = world.at("all");
    fs::create_dir(&mono.dir).expect("a directory");
    mono.git(&["init", "--quiet", "--initial-branch=main"]);
    mono.commit(&[("README.md", "all\n")]);
    let jobs = member(&world, "jobs", "5000");
    let mails = member(&world, "mails", "5001");
    if !mono.git(&["status", "--porcelain"]).is_empty() {
        mono.commit_all();
    }
    world.release("1.1.0", &[("a.txt", NEW)]);
    all(&world, &[]).ok();
    let branches = mono.git(&[
        "for-each-ref",
        "--format=%(refname:short)",
        "refs/heads/update",
    ]);
    assert_eq!(branches, "update/jobs-1.1.0\nupdate/mails-1.1.0");
    assert_eq!(
        mono.git(&["diff", "--name-only", "main", "update/jobs-1.1.0"]),
        "jobs/a.txt\njobs/service.toml"
    );
    // One branch for both would hold one of them alone.
    let run = all(&world, &["--branch=up"]);
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(
        run.stdout
            .contains("the branch `up` is there, and somebody else made it"),
        "{}",
        run.stdout
    );
    all(&world, &["--in-place"]).ok();
    mono.is_clean();
    assert_eq!(jobs.read("a.txt"), NEW);
    assert_eq!(mails.read("a.txt"), NEW);
}

#[test]
fn a_directory_without_services() {
    let world = world();
    fs::create_dir(world.sandbox.work().join("all")).expect("a directory");
    all(&world, &[]).fails(
        19,
        "error: there is no service in `[ROOT]/work/all` or below\nhelp: a service has a service.toml; \
         generate-service update --all DIR\n",
    );
}
