//! Names of files that could be taken for something else: never as patterns, options or words.

use std::fs;

use super::world::{LINES, World};
use crate::sandbox::Run;

/// Those that a template may have: it has to fit on Windows, too.
const NAMES: [&str; 8] = [
    "with space.txt",
    " leading.txt",
    "-rf.txt",
    "it's.txt",
    "grüße-ごあいさつ.txt",
    "!not.txt",
    "[ab].txt",
    "#comment.txt",
];

fn with_names(text: &str) -> Vec<(&'static str, &str)> {
    NAMES.iter().map(|name| (*name, text)).collect()
}

#[test]
fn they_are_merged() {
    let world = World::with(&with_names(LINES));
    let service = world.service();
    service.commit(&with_names("ONE\ntwo\nthree\nfour\nfive\n"));
    world.release("1.1.0", &with_names("one\ntwo\nthree\nfour\nFIVE\n"));
    service.updated(&[]);
    for name in NAMES {
        assert_eq!(
            service.read(name),
            "ONE\ntwo\nthree\nfour\nFIVE\n",
            "{name}"
        );
    }
}

#[test]
fn they_conflict_and_are_taken_back() {
    let world = World::with(&with_names(LINES));
    let service = world.service();
    service.commit(&with_names("mine\n"));
    world.release("1.1.0", &with_names("theirs\n"));
    let mut sorted = NAMES;
    sorted.sort_unstable();
    service.conflicts(&[], &sorted);
    for name in NAMES {
        let marked = "<<<<<<< service\nmine\n=======\ntheirs\n>>>>>>> template 1.1.0\n";
        assert_eq!(service.read(name), marked, "{name}");
    }
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(service.read("[ab].txt"), "mine\n");
}

/// A deleted `[ab].txt` deletes no `a.txt`.
#[test]
fn they_are_deleted_alone() {
    let mut files = with_names(LINES);
    files.push(("a.txt", LINES));
    let world = World::with(&files);
    let service = world.service();
    for name in NAMES {
        fs::remove_file(world.template(name)).expect("removed");
    }
    world.release("1.1.0", &[("a.txt", "other\n")]);
    service.updated(&[]);
    for name in NAMES {
        assert!(!service.path(name).exists(), "{name}");
    }
    assert_eq!(service.read("a.txt"), "other\n");
}

/// Names that no template can have, and an owner may.
#[test]
fn files_of_the_owner_may_be_called_anything() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    let latin = std::ffi::OsStr::from_bytes(b"gr\xfc\xdfe\n\"*?\\.txt");
    fs::write(service.dir.join(latin), "mine\n").expect("written");
    let run = service.run(&["diff", "--stat"]).ok();
    assert_eq!(run.stdout, "");
    service.commit_all();
    world.release("1.1.0", &[("a.txt", "one\n")]);
    service.updated(&[]);
    assert_eq!(fs::read(service.dir.join(latin)).expect("there"), b"mine\n");
}

#[test]
fn the_help_of_a_conflict_can_be_pasted() {
    let world = World::with(&[("a.txt", LINES)]);
    let made = world.service();
    let dir = world.sandbox.work().join("my jobs");
    fs::rename(&made.dir, &dir).expect("renamed");
    let service = world.at("my jobs");
    service.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", "theirs\n")]);
    let run = service.conflicts(&[], &["a.txt"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr).lines().last(),
        Some(
            "help: git -C '[ROOT]/work/my jobs' mergetool, then git -C '[ROOT]/work/my jobs' commit; \
             or back: generate-service update --abort '[ROOT]/work/my jobs'"
        )
    );
}
