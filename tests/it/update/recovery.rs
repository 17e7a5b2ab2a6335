//! Runs that died on the way: the next one ends what they began.

use std::fs;

use serde_json::json;

use super::world::{LINES, Service, World};

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

/// What a run leaves that dies right after it has written down what is to be done: the commit is
/// there and nobody's, the files and the branch are as they were.
fn cut_off<'a>(world: &'a World, service: &Service<'a>) -> String {
    service.update(&["--branch=up"]).ok();
    let commit = service.git(&["rev-parse", "up"]);
    service.git(&["branch", "--quiet", "-D", "up"]);
    let home = service.path(".git/generate-service");
    let mut files = Vec::new();
    for (number, path) in ["a.txt", "b.txt", "service.toml"].into_iter().enumerate() {
        let id = |what: &str| service.git(&["rev-parse", "--quiet", &format!("{what}:{path}")]);
        let was = if path == "b.txt" {
            None
        } else {
            Some(format!("file {}", id("HEAD")))
        };
        let text = service.shown(&format!("{commit}:{path}")) + "\n";
        world
            .sandbox
            .write(home.join(format!("draft/files/{number}")), &text);
        let becomes = json!([number, 0o100_644, id(&commit)]);
        files.push(json!({ "path": path.as_bytes(), "was": was, "becomes": becomes }));
    }
    let journal = json!({
        "root": service.dir, "prefix": "", "head": service.git(&["rev-parse", "HEAD"]),
        "commit": commit, "message": "Update jobs\n", "files": files, "open": [],
    });
    world
        .sandbox
        .write(home.join("journal.json"), &journal.to_string());
    commit
}

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

#[test]
fn the_next_run_finishes_it() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW), ("b.txt", "b\n")]);
    let commit = cut_off(&world, &service);
    let run = service.update(&[]).ok();
    assert_eq!(
        run.stderr,
        "warning: an update was cut off here; it is finished now\n\
         jobs is up to date with worker 1.1.0.\n"
    );
    assert_eq!(service.git(&["rev-parse", "HEAD"]), commit);
    service.is_clean();
    assert_eq!(service.read("a.txt"), NEW);
    assert!(!service.path(".git/generate-service/journal.json").exists());
}

/// Half of it may be done by then.
#[test]
fn wherever_it_stopped() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW), ("b.txt", "b\n")]);
    let commit = cut_off(&world, &service);
    service.write("a.txt", NEW);
    service.git(&["add", "a.txt"]);
    service.update(&[]).ok();
    assert_eq!(service.git(&["rev-parse", "HEAD"]), commit);
    service.is_clean();
}

#[test]
fn what_its_owner_has_changed_since_is_left_alone() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW), ("b.txt", "b\n")]);
    cut_off(&world, &service);
    // As long as its stamp of time was before, git would believe the index.
    let same_size = NEW.replace("one", "uno");
    service.write("a.txt", &same_size);
    let file = fs::File::options().write(true).open(service.path("a.txt"));
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    file.and_then(|file| file.set_modified(hour_ago))
        .expect("a time");
    let run = service.update(&[]);
    assert_eq!(
        run.stderr.lines().take(2).collect::<Vec<_>>(),
        [
            "warning: an update was cut off here; it is finished now",
            "warning: `a.txt` was changed meanwhile and was left alone",
        ]
    );
    assert_eq!(service.read("a.txt"), same_size);
    assert_eq!(service.git(&["status", "--porcelain"]), " M a.txt");
}

/// Another commit by then is what counts.
#[test]
fn one_that_was_overtaken_is_given_up() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW), ("b.txt", "b\n")]);
    cut_off(&world, &service);
    service.commit(&[("mine.txt", "mine\n")]);
    let head = service.git(&["rev-parse", "HEAD"]);
    let run = service.update(&[]);
    assert_eq!(
        run.stderr.lines().next(),
        Some("error: a commit was made in the middle of the update, which was given up")
    );
    assert_eq!(service.git(&["rev-parse", "HEAD"]), head);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), NEW);
}

#[test]
fn a_damaged_journal_is_told() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.update(&["--branch=up"]).ok();
    let journal = service.path(".git/generate-service/journal.json");
    world.sandbox.write(&journal, "{");
    let run = service.update(&[]);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("is damaged"), "{}", run.stderr);
    fs::remove_file(journal).expect("removed");
    service.updated(&[]);
}
