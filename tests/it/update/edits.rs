//! What both sides did, where it goes together: nobody's work is lost, and nobody is asked.

use std::fs;

use super::world::{LINES, World};

#[test]
fn both_sides_changes_are_there_and_the_commit_says_what_happened() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    world.release("1.1.0", &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    let run = service.updated(&[]);
    let commit = service.git(&["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        format!(
            "Updating jobs from worker 1.0.0 to worker 1.1.0:\n\n  M  a.txt  +1 -1\n  M  service.toml  \
             +3 -3\n\nAll done! jobs is at worker 1.1.0 (commit {commit})\n  git -C [ROOT]/work/jobs \
             show     # back: git revert\n"
        )
    );
    assert_eq!(run.stdout, "");
    assert_eq!(service.read("a.txt"), "ONE\ntwo\nthree\nfour\nFIVE\n");
    assert_eq!(
        service.git(&["log", "-1", "--format=%an <%ae>%n%B"]),
        "A <a@example.invalid>\nUpdate jobs from worker 1.0.0 to worker 1.1.0\n\n\
         Template-Update: worker 1.1.0"
    );
    assert!(service.read("service.toml").contains("version = \"1.1.0\""));
    // Nothing is left to do, and nothing is done.
    let head = service.git(&["rev-parse", "HEAD"]);
    let again = service.update(&[]).ok();
    assert_eq!(again.stderr, "jobs is up to date with worker 1.1.0.\n");
    assert_eq!(service.git(&["rev-parse", "HEAD"]), head);
}

#[test]
fn an_update_after_an_update_starts_from_there() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    for (version, last) in [("1.1.0", "FIVE"), ("1.2.0", "fünf"), ("1.3.0", "cinq")] {
        let text = format!("one\ntwo\nthree\nfour\n{last}\n");
        world.release(version, &[("a.txt", &text)]);
        service.updated(&[]);
        let merged = format!("ONE\ntwo\nthree\nfour\n{last}\n");
        assert_eq!(service.read("a.txt"), merged);
    }
}

#[test]
fn an_update_that_came_in_as_one_squashed_commit_is_as_good_as_any() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    world.release("1.1.0", &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    service.update(&["--branch=up"]).ok();
    service.commit(&[("a.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    service.git(&["merge", "--quiet", "--squash", "up"]);
    service.git(&["commit", "--quiet", "--message", "squashed"]);
    service.git(&["branch", "--quiet", "-D", "up"]);
    world.release("1.2.0", &[("a.txt", "one\ntwo\nthree\nfour\ncinq\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "ONE\ntwo\nthree\nfour\ncinq\n");
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    let same = "one\ntwo\n3\nfour\nfive\n";
    service.commit(&[("a.txt", same), ("new.txt", "new\n")]);
    world.release("1.1.0", &[("a.txt", same), ("new.txt", "new\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), same);
}

/// Where lines repeat themselves, a patch may find the wrong place; a merge does not.
#[test]
fn a_line_lands_in_its_own_function_among_equal_ones() {
    let function = |name: &str, more: &str| {
        format!("fn {name}() {{\n    begin();\n    work();\n{more}    end();\n}}\n\n")
    };
    let world = World::with(&[("a.rs", &[function("one", ""), function("two", "")].concat())]);
    let service = world.service();
    let mine = [function("one", ""), function("two", "    mine();\n")].concat();
    service.commit(&[("a.rs", &mine)]);
    let new = [
        function("zero", ""),
        function("one", ""),
        function("two", ""),
    ]
    .concat();
    world.release("1.1.0", &[("a.rs", &new)]);
    service.updated(&[]);
    let both = [
        function("zero", ""),
        function("one", ""),
        function("two", "    mine();\n"),
    ];
    assert_eq!(service.read("a.rs"), both.concat());
}

#[test]
fn files_come_and_go_with_their_directories_and_the_owners_stay() {
    let world = World::with(&[("old/deep/a.txt", LINES), ("shared/b.txt", "b\n")]);
    let service = world.service();
    service.commit(&[("shared/mine.txt", "mine\n"), (".gitignore", "*.log\n")]);
    service.write("old/note.log", "ignored\n");
    fs::remove_dir_all(world.template("old")).expect("removed");
    fs::remove_dir_all(world.template("shared")).expect("removed");
    world.release("1.1.0", &[("new/deep/c.txt", "c\n")]);
    service.updated(&[]);
    assert!(!service.path("old/deep").exists());
    assert!(!service.path("shared/b.txt").exists());
    assert_eq!(service.read("old/note.log"), "ignored\n");
    assert_eq!(service.read("shared/mine.txt"), "mine\n");
    assert_eq!(service.read("new/deep/c.txt"), "c\n");
}

#[test]
fn what_the_owner_deleted_and_the_template_left_alone_stays_deleted() {
    let world = World::with(&[("a.txt", LINES), ("sub/a.txt", LINES)]);
    let service = world.service();
    service.git(&["rm", "--quiet", "a.txt"]);
    service.commit_all();
    world.release("1.1.0", &[("sub/a.txt", "other\n")]);
    service.updated(&[]);
    assert!(!service.path("a.txt").exists());
    assert_eq!(service.read("sub/a.txt"), "other\n");
}

#[test]
fn a_file_that_both_deleted_is_gone() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    service.git(&["rm", "--quiet", "a.txt"]);
    service.commit_all();
    fs::remove_file(world.template("a.txt")).expect("removed");
    world.release("1.1.0", &[("b.txt", "b\n")]);
    service.updated(&[]);
    assert!(!service.path("a.txt").exists());
}

#[test]
fn changes_follow_a_file_that_one_side_renamed() {
    let lines = (0..30).map(|at| format!("line {at}\n"));
    let long = lines.collect::<Vec<_>>().concat();
    let changed = long.replace("line 25\n", "line xxv\n");
    let world = World::with(&[("a.txt", &long), ("b.txt", &long.replace("line", "row"))]);
    let service = world.service();
    service.git(&["mv", "a.txt", "mine.txt"]);
    service.commit(&[("b.txt", &changed.replace("line", "row"))]);
    fs::rename(world.template("b.txt"), world.template("theirs.txt")).expect("renamed");
    world.release("1.1.0", &[("a.txt", &changed)]);
    let run = service.updated(&[]);
    assert_eq!(service.read("mine.txt"), changed);
    assert_eq!(
        service.read("theirs.txt"),
        changed.replace("line", "row"),
        "{}",
        run.stderr
    );
    assert!(!service.path("a.txt").exists());
    assert!(!service.path("b.txt").exists());
    assert!(
        run.stderr.contains("  R  b.txt -> theirs.txt\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_in_git_that_is_ignored_as_well_is_merged() {
    let world = World::with(&[("a.txt", LINES), (".gitignore", "a.txt\n")]);
    let service = world.service();
    // A template's file that it ignores itself was not committed; its owner may do so.
    service.git(&["add", "--force", "a.txt"]);
    service.git(&["commit", "--quiet", "--allow-empty", "--message", "tracked"]);
    world.release("1.1.0", &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "one\ntwo\nthree\nfour\nFIVE\n");
}

/// The code of the service that was formatted by its owner is not formatted back.
#[test]
fn what_was_formatted_on_one_side_conflicts_only_where_both_differ() {
    let world = World::with(&[("a.json", "{\"a\": 1,\n\"b\": 2,\n\n\n\"c\": 3}\n")]);
    let service = world.service();
    service.commit(&[("a.json", "{ \"a\": 1,\n\"b\": 2,\n\n\n\"c\": 3}\n")]);
    world.release(
        "1.1.0",
        &[("a.json", "{\"a\": 1,\n\"b\": 2,\n\n\n\"c\": 4}\n")],
    );
    service.updated(&[]);
    assert_eq!(
        service.read("a.json"),
        "{ \"a\": 1,\n\"b\": 2,\n\n\n\"c\": 4}\n"
    );
}
