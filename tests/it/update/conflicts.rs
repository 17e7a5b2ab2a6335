//! What both sides did, where it does not go together: git's own conflicts, resolved by git's own
//! means.

use std::fs;

use super::world::{LINES, Service, World, events};
use crate::sandbox::Run;

const MARKED: &str =
    "<<<<<<< service\nUNO\n=======\nEINS\n>>>>>>> template 1.1.0\ntwo\nthree\nfour\nfive\n";

/// A template of two files, one of which both sides change in one line.
fn disputed() -> World {
    World::with(&[("a.txt", LINES), ("b.txt", LINES)])
}

fn dispute(world: &World) -> Service<'_> {
    let service = world.service();
    service.commit(&[("a.txt", "UNO\ntwo\nthree\nfour\nfive\n")]);
    let files = [
        ("a.txt", "EINS\ntwo\nthree\nfour\nfive\n"),
        ("b.txt", "one\n"),
        ("c.txt", "new\n"),
    ];
    world.release("1.1.0", &files);
    service
}

#[test]
fn the_file_has_markers_the_index_three_stages_and_the_rest_is_merged() {
    let world = disputed();
    let service = dispute(&world);
    let run = service.conflicts(&[], &["a.txt"]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "Updating jobs from worker 1.0.0 to worker 1.1.0:\n\n  M  a.txt  +4 -0\n  M  b.txt  +0 -4\n  \
         A  c.txt  +1 -0\n  M  service.toml  +3 -3\n\nConflicts:\n  a.txt  changed on both sides\n\n\
         error: 1 file conflicts with worker 1.1.0: `a.txt`\nhelp: git -C [ROOT]/work/jobs mergetool, \
         then git -C [ROOT]/work/jobs commit; or back: generate-service update --abort \
         [ROOT]/work/jobs\n"
    );
    assert_eq!(service.read("a.txt"), MARKED);
    assert_eq!(service.shown(":1:a.txt"), LINES.trim_end());
    assert_eq!(service.shown(":2:a.txt"), "UNO\ntwo\nthree\nfour\nfive");
    assert_eq!(service.shown(":3:a.txt"), "EINS\ntwo\nthree\nfour\nfive");
    assert_eq!(
        service.git(&["status", "--porcelain"]),
        "UU a.txt\nM  b.txt\nA  c.txt\nM  service.toml"
    );
}

#[test]
fn resolved_by_git_alone_it_is_one_ordinary_commit_and_the_update_is_done() {
    let world = disputed();
    let service = dispute(&world);
    let head = service.git(&["rev-parse", "HEAD"]);
    service.conflicts(&[], &["a.txt"]);
    service.git(&["checkout", "--quiet", "--theirs", "a.txt"]);
    service.git(&["add", "a.txt"]);
    service.git(&["commit", "--quiet", "--no-edit"]);
    assert_eq!(service.git(&["rev-parse", "HEAD^@"]), head);
    assert_eq!(
        service.git(&["log", "-1", "--format=%B"]),
        "Update jobs from worker 1.0.0 to worker 1.1.0\n\nTemplate-Update: worker 1.1.0"
    );
    service.is_clean();
    assert_eq!(service.read("a.txt"), "EINS\ntwo\nthree\nfour\nfive\n");
    let again = service.update(&[]).ok();
    assert_eq!(again.stderr, "jobs is up to date with worker 1.1.0.\n");
}

/// What was resolved once does not come back.
#[test]
fn what_was_resolved_for_the_service_does_not_conflict_again() {
    let world = disputed();
    let service = dispute(&world);
    service.conflicts(&[], &["a.txt"]);
    service.commit(&[("a.txt", "UNO\ntwo\nthree\nfour\nfive\n")]);
    world.release("1.2.0", &[("b.txt", "two\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "UNO\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn git_takes_it_back_and_so_does_this_program() {
    let world = disputed();
    let service = dispute(&world);
    service.write("untracked.txt", "mine\n");
    let names = |service: &Service| crate::sandbox::listing(&service.dir);
    let before = (names(&service), service.git(&["ls-files", "--stage"]));
    service.conflicts(&[], &["a.txt"]);
    service.git(&["merge", "--abort"]);
    assert_eq!(
        (names(&service), service.git(&["ls-files", "--stage"])),
        before
    );
    assert_eq!(service.git(&["status", "--porcelain"]), "?? untracked.txt");
    service.conflicts(&[], &["a.txt"]);
    let run = Run::of(&mut service.updating(&["--abort"])).ok();
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "[ROOT]/work/jobs is as it was before the update.\n"
    );
    assert_eq!(
        (names(&service), service.git(&["ls-files", "--stage"])),
        before
    );
    assert_eq!(service.git(&["status", "--porcelain"]), "?? untracked.txt");
    assert!(!service.path(".git/MERGE_HEAD").exists());
    let help = "error: no update is under way here\nhelp: git -C [ROOT]/work/jobs status\n";
    service.refuses(&["--abort"], 7, help);
}

#[test]
fn in_json_the_end_is_one_of_conflicts() {
    let world = disputed();
    let service = dispute(&world);
    let run = service.conflicts(&["--format=json", "--quiet"], &["a.txt"]);
    let events = events(&run);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event"], "update");
    assert_eq!(events[0]["status"], "conflicts");
    let open = serde_json::json!([{ "path": "a.txt", "how": "both-changed" }]);
    assert_eq!(events[0]["conflicts"], open);
    assert_eq!(events[1]["event"], "result");
    assert_eq!(events[1]["status"], "conflicts");
    assert_eq!(events[1]["exit_code"], 17);
}

/// Whatever stands beside a conflict does not hide in it.
#[test]
fn a_file_that_both_sides_added_conflicts_only_where_it_differs() {
    let world = disputed();
    let service = world.service();
    service.commit(&[("new.txt", "head\nmine\ntail\n")]);
    world.release("1.1.0", &[("new.txt", "head\ntheirs\ntail\n")]);
    service.conflicts(&[], &["new.txt"]);
    assert_eq!(
        service.read("new.txt"),
        "head\n<<<<<<< service\nmine\n=======\ntheirs\n>>>>>>> template 1.1.0\ntail\n"
    );
    assert_eq!(
        service.git(&["status", "--porcelain", "new.txt"]),
        "AA new.txt"
    );
}

#[test]
fn deleted_here_and_changed_by_the_template_is_for_the_owner_to_decide() {
    let world = disputed();
    let service = world.service();
    service.git(&["rm", "--quiet", "a.txt"]);
    service.commit_all();
    world.release("1.1.0", &[("a.txt", "other\n")]);
    let run = service.conflicts(&[], &["a.txt"]);
    let line = "  a.txt  deleted here, changed by the template: git rm, or git add\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert_eq!(service.git(&["status", "--porcelain", "a.txt"]), "DU a.txt");
    assert_eq!(service.read("a.txt"), "other\n");
    service.git(&["rm", "--quiet", "a.txt"]);
    service.git(&["commit", "--quiet", "--no-edit"]);
    service.is_clean();
    assert!(!service.path("a.txt").exists());
}

#[test]
fn changed_here_and_deleted_by_the_template_is_so_too() {
    let world = disputed();
    let service = world.service();
    service.commit(&[("a.txt", "mine\n")]);
    fs::remove_file(world.template("a.txt")).expect("removed");
    world.release("1.1.0", &[]);
    let run = service.conflicts(&[], &["a.txt"]);
    let line = "  a.txt  changed here, deleted by the template: git add, or git rm\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert_eq!(service.git(&["status", "--porcelain", "a.txt"]), "UD a.txt");
    assert_eq!(service.read("a.txt"), "mine\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(service.read("a.txt"), "mine\n");
}

#[test]
fn markers_are_in_the_style_of_the_user() {
    let world = disputed();
    let service = dispute(&world);
    service.git(&["config", "merge.conflictStyle", "diff3"]);
    service.conflicts(&[], &["a.txt"]);
    assert_eq!(
        service.read("a.txt"),
        "<<<<<<< service\nUNO\n||||||| template 1.0.0\none\n=======\nEINS\n>>>>>>> template 1.1.0\n\
         two\nthree\nfour\nfive\n"
    );
}

#[test]
fn no_line_end_at_the_end_and_letters_of_all_kinds() {
    let world = World::with(&[("a.txt", "Grüße")]);
    let service = world.service();
    service.commit(&[("a.txt", "Grüße, Jürgen")]);
    world.release("1.1.0", &[("a.txt", "ごあいさつ")]);
    service.conflicts(&[], &["a.txt"]);
    assert_eq!(
        service.read("a.txt"),
        "<<<<<<< service\nGrüße, Jürgen\n=======\nごあいさつ\n>>>>>>> template 1.1.0\n"
    );
}

/// A file where the other side has a directory: both are there, under two names.
#[test]
fn a_directory_where_the_owner_has_a_file() {
    let world = disputed();
    let service = world.service();
    service.commit(&[("thing", "mine\n")]);
    world.release("1.1.0", &[("thing/inside.txt", "theirs\n")]);
    let run = service.update(&[]);
    assert_eq!(run.code, 17, "{}", run.stderr);
    let files = crate::sandbox::listing(&service.dir);
    assert!(files.contains(&"thing/inside.txt".to_owned()), "{files:?}");
    assert_eq!(service.read("thing~service"), "mine\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(service.read("thing"), "mine\n");
}

/// The owner's hooks are for what the owner commits.
#[test]
fn no_hook_of_the_owner_stands_in_the_way() {
    let world = disputed();
    let service = dispute(&world);
    for hook in ["post-checkout", "pre-commit", "commit-msg", "post-merge"] {
        let script = crate::sandbox::script(&world.sandbox, hook, "exit 1\n");
        fs::rename(script, service.path(".git/hooks").join(hook)).expect("a hook");
    }
    service.conflicts(&[], &["a.txt"]);
    Run::of(&mut service.updating(&["--abort"])).ok();
    world.release("1.2.0", &[("a.txt", LINES)]);
    service.updated(&[]);
}

/// And the other way round.
#[test]
fn a_file_where_the_owner_has_a_directory() {
    let world = disputed();
    let service = world.service();
    service.commit(&[("thing/inside.txt", "mine\n")]);
    world.release("1.1.0", &[("thing", "theirs\n")]);
    let run = service.update(&[]);
    assert_eq!(run.code, 17, "{}", run.stderr);
    assert_eq!(service.read("thing/inside.txt"), "mine\n");
    assert_eq!(service.read("thing~template"), "theirs\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(service.read("thing/inside.txt"), "mine\n");
    assert!(!service.path("thing~template").exists());
}

/// A directory that the template makes a file of, and the owner left alone.
#[test]
fn a_file_becomes_a_directory_and_a_directory_a_file() {
    let world = World::with(&[("one", LINES), ("two/inside.txt", LINES)]);
    let service = world.service();
    fs::remove_file(world.template("one")).expect("removed");
    fs::remove_dir_all(world.template("two")).expect("removed");
    world.release("1.1.0", &[("one/inside.txt", "1\n"), ("two", "2\n")]);
    service.updated(&[]);
    assert_eq!(service.read("one/inside.txt"), "1\n");
    assert_eq!(service.read("two"), "2\n");
}

/// What the owner has done by then beside the conflict stays.
#[test]
fn taking_it_back_half_way_leaves_the_owners_other_work() {
    let world = disputed();
    let service = dispute(&world);
    service.conflicts(&[], &["a.txt"]);
    service.write("a.txt", "resolved\n");
    service.git(&["add", "a.txt"]);
    service.write("src/main.rs", "fn main() { }\n");
    service.write("untracked.txt", "mine\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    assert_eq!(
        service.git(&["status", "--porcelain"]),
        " M src/main.rs\n?? untracked.txt"
    );
    assert_eq!(service.read("a.txt"), "UNO\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn somebody_at_the_terminal_decides_at_once_what_becomes_of_a_deleted_file() {
    let up = "\x1b[A";
    for (keys, code, text) in [
        (up.repeat(2), 0, None),
        (up.to_owned(), 0, Some("other\n")),
        (String::new(), 17, Some("other\n")),
    ] {
        let world = disputed();
        let service = world.service();
        service.git(&["rm", "--quiet", "a.txt"]);
        service.commit_all();
        world.release("1.1.0", &[("a.txt", "other\n")]);
        let mut terminal = service.at_terminal("");
        terminal.says("`a.txt` was deleted here, and worker 1.1.0 changes it");
        terminal.says("decide later").answer(&keys);
        let (ended, screen) = terminal.ends();
        assert_eq!(ended, code, "{screen}");
        assert_eq!(
            fs::read_to_string(service.path("a.txt")).ok().as_deref(),
            text
        );
        if code == 0 {
            service.is_clean();
        }
    }
}
