//! What only looks: `--check`, `--dry-run`, `diff`.

use serde_json::json;

use super::world::{LINES, World, events};

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

#[test]
fn a_check_says_in_words_and_by_its_exit_code_what_is_there() {
    let world = world();
    let service = world.service();
    let before = service.state();
    let run = service.update(&["--check"]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker 1.0.0.\n");
    let run = service.update(&["--check", "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.update(&["--check"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "jobs is at worker 1.0.0; the newest is worker 1.1.0.\nerror: jobs is at worker 1.0.0, and \
         worker 1.1.0 is there\nhelp: generate-service update [ROOT]/work/jobs\n"
    );
    assert_eq!(run.code, 18);
    service.state().is(&before);
}

#[test]
fn a_check_in_json_is_an_event_and_a_result() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.update(&["--check", "--format=json", "--quiet"]);
    assert_eq!(run.code, 18);
    let events = events(&run);
    let path = service.dir.display().to_string();
    assert_eq!(
        events[0],
        json!({
            "event": "check", "service": "jobs", "path": path, "template": "worker",
            "current": "worker 1.0.0", "newest": "worker 1.1.0", "commits_behind": null,
            "outdated": true, "conflicts": 1,
        })
    );
    assert_eq!(events[1]["status"], "outdated");
    assert_eq!(events[1]["exit_code"], 18);
    let run = service.update(&["--check", "--format=json", "--to", "1.0.0"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
}

#[test]
fn a_check_counts_the_templates_commits() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "--branch", "main"]);
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        world.release(version, &[("a.txt", version)]);
        world.publish(version);
    }
    let run = service.update(&["--check"]);
    assert_eq!(
        run.stderr.lines().next(),
        Some("jobs is at worker 1.0.0, 3 commits behind; the newest is worker 1.3.0.")
    );
    let run = service.update(&["--check", "--format=json", "--quiet"]);
    assert_eq!(events(&run)[0]["commits_behind"], 3);
    service.updated(&[]);
    let run = service.update(&["--check", "--format=json", "--quiet"]);
    assert_eq!(events(&run)[0]["commits_behind"], 0);
    // One that makes the same of the service is nothing to update to.
    world.release("1.3.1", &[]);
    world.publish("same");
    let run = service.update(&[]).ok();
    assert_eq!(
        run.stderr,
        "jobs is up to date: worker 1.3.1 makes the same of it as worker 1.3.0.\n"
    );
    world.git(
        &world.template(""),
        &["reset", "--quiet", "--hard", "1.3.0"],
    );
    world.release("1.4.0", &[("a.txt", "1.4.0")]);
    world.publish("next");
    let run = service.update(&["--check"]);
    assert_eq!(
        run.stderr.lines().next(),
        Some("jobs is at worker 1.3.0, 1 commit behind; the newest is worker 1.4.0.")
    );
}

#[test]
fn a_dry_run_prints_a_patch_and_touches_nothing() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    world.release("1.1.0", &[("a.txt", NEW), ("b.txt", "new\n")]);
    let before = service.state();
    let run = service.update(&["--dry-run"]).ok();
    service.state().is(&before);
    assert_eq!(
        run.stderr,
        "Updating jobs from worker 1.0.0 to worker 1.1.0:\n\n  M  a.txt  +1 -1\n  A  b.txt  +1 -0\n  M  \
         service.toml  +3 -3\n\n"
    );
    // The patch is one that git takes.
    let patch = world.sandbox.write("work/the.patch", &run.stdout);
    service.git(&["apply", "--index", &patch.display().to_string()]);
    service.git(&["commit", "--quiet", "--message", "by hand"]);
    let again = service.update(&[]).ok();
    assert_eq!(again.stderr, "jobs is up to date with worker 1.1.0.\n");
}

#[test]
fn a_dry_run_shows_conflicts_and_is_no_failure() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let before = service.state();
    let run = service.update(&["--dry-run"]).ok();
    assert!(
        run.stderr
            .contains("Conflicts:\n  a.txt  changed on both sides\n")
    );
    assert!(
        run.stdout.contains("+>>>>>>> template 1.1.0\n"),
        "{}",
        run.stdout
    );
    let run = service
        .update(&["--dry-run", "--format=json", "--quiet"])
        .ok();
    let events = events(&run);
    assert_eq!(events[0]["status"], "conflicts");
    assert_eq!(events[1]["status"], "planned");
    service.state().is(&before);
}

#[test]
fn diff_says_how_far_a_service_has_drifted() {
    let world = world();
    let service = world.service();
    let before = service.state();
    let run = service.run(&["diff"]).ok();
    assert_eq!(
        run.stderr,
        "jobs has drifted from worker 1.0.0 in 0 files (+0 -0); 4 are as they were made.\n"
    );
    assert_eq!(run.stdout, "");
    service.state().is(&before);
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    // A newer template is no drift.
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.run(&["diff"]).ok();
    assert_eq!(
        run.stderr,
        "jobs has drifted from worker 1.0.0 in 1 file (+1 -1); 3 are as they were made.\n"
    );
    assert_eq!(
        run.stdout,
        "diff --git a/a.txt b/a.txt\nindex b2f931a..5ccba2f 100644\n--- a/a.txt\n+++ b/a.txt\n\
         @@ -1,4 +1,4 @@\n-one\n+ONE\n two\n three\n four\n"
    );
}

#[test]
fn diff_in_numbers_and_in_json() {
    let world = world();
    let service = world.service();
    service.git(&["rm", "--quiet", "a.txt"]);
    service.commit(&[("new file.txt", "a\nb\n")]);
    let run = service.run(&["diff", "--stat"]).ok();
    assert_eq!(run.stdout, "  D  a.txt  +0 -5\n  A  new file.txt  +2 -0\n");
    let run = service.run(&["diff", "--format=json"]).ok();
    let path = service.dir.display().to_string();
    assert_eq!(
        events(&run)[0],
        json!({
            "event": "diff", "service": "jobs", "path": path, "template": "worker 1.0.0",
            "untouched": 3,
            "files": [
                { "path": "a.txt", "what": "deleted", "added": 0, "removed": 5 },
                { "path": "new file.txt", "what": "added", "added": 2, "removed": 0 },
            ],
        })
    );
}

/// Right after an update, the service has drifted by what its owner did.
#[test]
fn diff_after_an_update_is_the_owners_work() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    let run = service.run(&["diff", "--stat"]).ok();
    assert_eq!(run.stdout, "  M  a.txt  +1 -1\n");
}
