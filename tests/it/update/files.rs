//! Files that are more than lines: modes, links, line ends, bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::world::{LINES, World};
use crate::sandbox::Run;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("metadata").permissions().mode() & 0o111
}

#[test]
fn a_file_can_be_run_from_now_on_or_no_more() {
    for trusts_modes in ["true", "false"] {
        let world = World::with(&[("on.sh", "#!/bin/sh\n"), ("off.sh", "#!/bin/sh\n")]);
        set_mode(&world.template("off.sh"), 0o755);
        let service = world.service();
        service.git(&["config", "core.fileMode", trusts_modes]);
        set_mode(&world.template("off.sh"), 0o644);
        set_mode(&world.template("on.sh"), 0o755);
        world.release("1.1.0", &[]);
        service.updated(&[]);
        let tree = service.git(&["ls-tree", "HEAD", "on.sh", "off.sh"]);
        assert!(tree.starts_with("100644"), "{tree}");
        assert!(tree.contains("\n100755"), "{tree}");
        let ours = ["on.sh", "off.sh"].map(|name| mode(&service.path(name)));
        assert_eq!(ours.map(|bits| bits != 0), [true, false]);
    }
}

#[test]
fn a_mode_of_the_owners_stays() {
    let world = World::with(&[("run.sh", LINES)]);
    let service = world.service();
    set_mode(&service.path("run.sh"), 0o755);
    service.commit_all();
    world.release("1.1.0", &[("run.sh", "one\n")]);
    service.updated(&[]);
    assert_ne!(mode(&service.path("run.sh")), 0);
    assert_eq!(service.read("run.sh"), "one\n");
}

#[test]
fn a_new_mode_and_a_conflict_in_one_file() {
    let world = World::with(&[("run.sh", LINES)]);
    let service = world.service();
    service.commit(&[("run.sh", "mine\n")]);
    world.release("1.1.0", &[("run.sh", "theirs\n")]);
    set_mode(&world.template("run.sh"), 0o755);
    service.conflicts(&[], &["run.sh"]);
    let stages = service.git(&["ls-files", "--stage", "run.sh"]);
    let modes = stages.lines().map(|line| &line[..6]).collect::<Vec<_>>();
    assert_eq!(modes, ["100644", "100644", "100755"]);
    assert_ne!(mode(&service.path("run.sh")), 0);
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(mode(&service.path("run.sh")), 0);
}

/// What the owner made a link of is the owner's, and nothing is written through it.
#[test]
fn links_of_the_owner_are_not_followed() {
    let world = World::with(&[("a.txt", LINES), ("dir/b.txt", LINES)]);
    let service = world.service();
    let outside = world.sandbox.write("work/outside.txt", "outside\n");
    world.sandbox.write("work/elsewhere/b.txt", LINES);
    fs::remove_file(service.path("a.txt")).expect("removed");
    symlink("../outside.txt", service.path("a.txt")).expect("a link");
    symlink("main.rs", service.path("src/alias.rs")).expect("a link");
    service.commit_all();
    world.release("1.1.0", &[("a.txt", "theirs\n")]);
    let run = service.update(&[]);
    assert_eq!(run.code, 17, "{}", run.stderr);
    assert_eq!(fs::read_to_string(&outside).expect("a text"), "outside\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    // A directory that is a link on disk alone is not written through, either.
    service.git(&["checkout", "--quiet", "HEAD^", "--", "a.txt"]);
    service.commit_all();
    fs::remove_dir_all(service.path("dir")).expect("removed");
    symlink("../elsewhere", service.path("dir")).expect("a link");
    service.git(&["update-index", "--assume-unchanged", "dir/b.txt"]);
    world.release("1.2.0", &[("dir/b.txt", "theirs\n")]);
    service.update(&[]);
    let kept = world.sandbox.work().join("elsewhere/b.txt");
    assert_eq!(fs::read_to_string(kept).expect("a text"), LINES);
}

#[test]
fn a_service_with_other_line_ends_keeps_them() {
    let dos = |text: &str| text.replace('\n', "\r\n");
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    service.git(&["config", "core.autocrlf", "false"]);
    service.commit(&[("a.txt", &dos("ONE\ntwo\nthree\nfour\nfive\n"))]);
    world.release("1.1.0", &[("a.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), dos("ONE\ntwo\nthree\nfour\nFIVE\n"));
    // And so does one that conflicts.
    world.release("1.2.0", &[("a.txt", "eins\ntwo\nthree\nfour\nFIVE\n")]);
    service.conflicts(&[], &["a.txt"]);
    let text = service.read("a.txt");
    assert!(text.contains("ONE\r\n"), "{text:?}");
    assert!(text.contains("eins\r\n"), "{text:?}");
}

/// In git they have one line end, on disk another.
#[test]
fn a_working_directory_with_its_own_line_ends_is_written_as_git_would() {
    let dos = |text: &str| text.replace('\n', "\r\n");
    let world = World::with(&[("a.txt", LINES), ("b.txt", LINES)]);
    let service = world.service();
    service.commit(&[(".gitattributes", "*.txt text eol=crlf\n")]);
    fs::remove_file(service.path("a.txt")).expect("removed");
    fs::remove_file(service.path("b.txt")).expect("removed");
    service.git(&["checkout", "--quiet", "--", "."]);
    assert_eq!(service.read("a.txt"), dos(LINES));
    world.release("1.1.0", &[("a.txt", "one\n"), ("c.txt", "new\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "one\r\n");
    assert_eq!(service.read("c.txt"), "new\r\n");
    assert_eq!(service.shown("HEAD:a.txt"), "one");
    service.commit(&[("b.txt", &dos("mine\n"))]);
    world.release("1.2.0", &[("b.txt", "theirs\n")]);
    service.conflicts(&[], &["b.txt"]);
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
    assert_eq!(service.read("b.txt"), "mine\r\n");
}

#[test]
fn bytes_that_are_no_text() {
    let world = World::with(&[]);
    let put = |path: &Path, bytes: &[u8]| fs::write(path, bytes).expect("written");
    put(&world.template("a.bin"), b"\0one");
    put(&world.template("b.bin"), b"\0one");
    put(&world.template("latin.txt"), b"gr\xfc\xdfe\ntwo\nthree\n");
    let service = world.service();
    put(&service.path("b.bin"), b"\0mine");
    put(
        &service.path("latin.txt"),
        b"gr\xfc\xdfe\ntwo\nthree\nm\xefne\n",
    );
    service.commit_all();
    put(&world.template("a.bin"), b"\0two");
    put(&world.template("latin.txt"), b"Gr\xfc\xdfe\ntwo\nthree\n");
    world.release("1.1.0", &[]);
    service.updated(&[]);
    let bytes = |path: &str| fs::read(service.path(path)).expect("bytes");
    assert_eq!(bytes("a.bin"), b"\0two");
    assert_eq!(bytes("latin.txt"), b"Gr\xfc\xdfe\ntwo\nthree\nm\xefne\n");
    put(&world.template("b.bin"), b"\0theirs");
    world.release("1.2.0", &[]);
    service.conflicts(&[], &["b.bin"]);
    assert_eq!(bytes("b.bin"), b"\0mine", "as it was, without markers");
    service.git(&["checkout", "--quiet", "--theirs", "b.bin"]);
    service.commit_all();
    assert_eq!(bytes("b.bin"), b"\0theirs");
}

/// What is in git and not on disk, or the other way round.
#[test]
fn an_ignored_file_that_left_git_is_neither_lost_nor_overwritten() {
    let world = World::with(&[("conf.env", LINES)]);
    let service = world.service();
    service.git(&["rm", "--quiet", "--cached", "conf.env"]);
    service.commit(&[(".gitignore", "conf.env\n"), ("conf.env", "SECRET=1\n")]);
    world.release("1.1.0", &[("conf.env", "SECRET=none\n")]);
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr).lines().last(),
        Some("help: move it away: mv conf.env conf.env.mine"),
    );
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert_eq!(service.read("conf.env"), "SECRET=1\n");
    service.state().is(&before);
}

#[test]
fn a_file_of_the_service_that_is_huge_is_no_trouble() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    let huge = "0123456789abcde\n".repeat(1 << 20);
    service.commit(&[("huge.txt", &huge)]);
    world.release("1.1.0", &[("a.txt", "one\n")]);
    let began = std::time::Instant::now();
    service.update(&[]).ok();
    assert!(began.elapsed().as_secs() < 20);
}

#[test]
fn a_new_file_that_the_service_ignores_is_in_the_commit() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    service.commit(&[(".gitignore", "*.env\nbuild/\n")]);
    world.release("1.1.0", &[("some.env", "A=1\n"), ("build/x.txt", "x\n")]);
    service.updated(&[]);
    assert_eq!(service.shown("HEAD:some.env"), "A=1");
    assert_eq!(service.read("build/x.txt"), "x\n");
}

/// Git was told not to look; the owner's work is there all the same.
#[test]
fn changes_that_git_overlooks_are_not_overwritten() {
    for flag in ["--skip-worktree", "--assume-unchanged"] {
        let world = World::with(&[("a.txt", LINES), ("b.txt", LINES)]);
        let service = world.service();
        service.git(&["update-index", flag, "a.txt"]);
        service.write("a.txt", "mine alone\n");
        world.release("1.1.0", &[("b.txt", "new\n")]);
        service.update(&[]).ok();
        world.release("1.2.0", &[("a.txt", "new\n")]);
        service.refuses(
            &[],
            7,
            "error: `a.txt` has changes that git was told to overlook\nhelp: git -C [ROOT]/work/jobs \
             update-index --no-skip-worktree --no-assume-unchanged a.txt, and commit them\n",
        );
        fs::remove_file(world.template("a.txt")).expect("removed");
        assert_eq!(service.update(&[]).code, 7);
        assert_eq!(service.read("a.txt"), "mine alone\n");
    }
}

/// What git does not know, and is no file: nothing of it is lost, and nothing is written behind it.
#[test]
fn a_directory_or_a_link_in_the_way_is_found_before_anything_is_done() {
    let refusal = |path: &str| {
        format!(
            "error: `{path}` is not in git, and the template has a file of that name now\n\
             help: move it away: mv {path} {path}.mine\n"
        )
    };
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    world.release("1.1.0", &[("dir/new.txt", "new\n"), ("thing", "new\n")]);
    service.write("thing/mine.txt", "mine\n");
    service.refuses(&[], 7, &refusal("thing/mine.txt"));
    fs::remove_dir_all(service.path("thing")).expect("removed");
    fs::create_dir(world.sandbox.work().join("elsewhere")).expect("a directory");
    symlink("../elsewhere", service.path("dir")).expect("a link");
    service.refuses(&[], 7, &refusal("dir"));
    fs::remove_file(service.path("dir")).expect("removed");
    service.write("dir", "mine\n");
    service.refuses(&[], 7, &refusal("dir"));
    fs::remove_file(service.path("dir")).expect("removed");
    // An empty directory is in nobody's way.
    fs::create_dir_all(service.path("thing/empty")).expect("a directory");
    fs::create_dir(service.path("dir")).expect("a directory");
    service.updated(&[]);
}
