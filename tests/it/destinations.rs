//! Where a service may be created, and every place where it may not.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::git::is_whole;
use crate::sandbox::{Run, Sandbox};
use crate::tmpfs::Tmpfs;

const WORDS: [&str; 4] = ["orders", "--build", "none", "--quiet"];
const ELSEWHERE: &str = "help: choose another name, or another directory with --into\n";

/// Runs with `--into`.
fn into(sandbox: &Sandbox, dir: impl AsRef<OsStr>) -> Run {
    Run::of(sandbox.generator().args(WORDS).arg("--into").arg(dir))
}

/// Exit code 4, exactly this said, no file touched, no port taken.
#[track_caller]
fn refused(sandbox: &Sandbox, before: &[String], run: Run, stderr: &str) {
    let said = sandbox.anonymous(&run.stderr);
    Run {
        stderr: said,
        ..run
    }
    .fails(4, stderr);
    assert_eq!(sandbox.listing(), before);
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

/// The service is in `dir`, its path is said, and nothing hidden is beside it.
#[track_caller]
fn created(sandbox: &Sandbox, run: Run, dir: &Path) {
    let service = dir.join("orders");
    assert_eq!(run.ok().stdout, format!("{}\n", service.display()));
    is_whole(sandbox, &service);
    let names = fs::read_dir(dir).expect("a directory");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let hidden = names.filter(|name| name.as_bytes().starts_with(b"."));
    assert_eq!(hidden.count(), 0);
}

#[test]
fn an_empty_directory_is_used() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.work().join("orders")).expect("a directory");
    created(&sandbox, sandbox.run(WORDS), &sandbox.work());
}

#[test]
fn a_directory_with_anything_in_it_is_refused() {
    for content in ["file", ".hidden", "deep/file"] {
        let sandbox = Sandbox::new();
        let file = sandbox.write(Path::new("work/orders").join(content), "theirs\n");
        let message = format!("error: `[ROOT]/work/orders` exists and is not empty\n{ELSEWHERE}");
        let before = sandbox.listing();
        refused(&sandbox, &before, sandbox.run(WORDS), &message);
        assert_eq!(fs::read_to_string(file).expect("their file"), "theirs\n");
    }
}

#[test]
fn a_file_is_refused() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("work/orders", "theirs\n");
    let message = format!("error: `[ROOT]/work/orders` exists and is not a directory\n{ELSEWHERE}");
    let before = sandbox.listing();
    refused(&sandbox, &before, sandbox.run(WORDS), &message);
    assert_eq!(fs::read_to_string(file).expect("their file"), "theirs\n");
}

#[test]
fn a_link_is_refused_wherever_it_leads() {
    for target in ["nowhere", "full", "empty", "orders"] {
        let sandbox = Sandbox::new();
        sandbox.write("work/full/file", "theirs\n");
        fs::create_dir(sandbox.work().join("empty")).expect("a directory");
        let link = sandbox.work().join("orders");
        symlink(target, &link).expect("a link");
        let message = "error: `[ROOT]/work/orders` is a symbolic link\n\
                       help: name the directory it leads to with --into\n";
        let before = sandbox.listing();
        refused(&sandbox, &before, sandbox.run(WORDS), message);
        assert_eq!(fs::read_link(link).expect("a link"), Path::new(target));
    }
}

#[test]
fn the_directory_above_is_missing() {
    let sandbox = Sandbox::new();
    let message = "error: the directory `[ROOT]/work/a/b` does not exist\n\
                   help: mkdir -p '[ROOT]/work/a/b'\n";
    refused(&sandbox, &[], into(&sandbox, "a/b"), message);
}

/// The help is pasted into a shell, and the same command then works.
#[test]
fn the_help_makes_the_directory_whatever_its_name() {
    let sandbox = Sandbox::new();
    let dir = sandbox.work().join("it's \"mine\" $HOME `id` \\");
    let run = into(&sandbox, &dir);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let (_, command) = run.stderr.split_once("\nhelp: ").expect("help");
    Run::of(sandbox.command("sh").args(["-c", command])).ok();
    created(&sandbox, into(&sandbox, &dir), &dir);
}

#[test]
fn the_directory_above_is_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("work/file", "");
    let message = "error: nothing can be created in `[ROOT]/work/file`: it is not a directory\n\
                   help: choose another directory with --into\n";
    refused(
        &sandbox,
        &["file".to_owned()],
        into(&sandbox, "file"),
        message,
    );
    let message = "error: nothing can be created in `[ROOT]/work/file/below`: not a directory\n\
                   help: choose another directory with --into\n";
    let run = into(&sandbox, "file/below");
    refused(&sandbox, &["file".to_owned()], run, message);
}

#[test]
fn a_loop_of_links_above() {
    let sandbox = Sandbox::new();
    symlink("loop", sandbox.work().join("loop")).expect("a link");
    let run = into(&sandbox, "loop");
    let message = "error: nothing can be created in `[ROOT]/work/loop`: \
                   too many levels of symbolic links\n\
                   help: choose another directory with --into\n";
    refused(&sandbox, &["loop".to_owned()], run, message);
}

/// Runs as a user for whom permissions mean something. Root becomes `nobody`, with a sandbox of
/// its own and a copy of the program that it can reach.
fn as_ordinary_user(sandbox: &Sandbox) -> std::process::Command {
    const NOBODY: u32 = 65534;
    let program = sandbox.root().join("generate-service");
    let mut copy = sandbox.command("cp");
    copy.arg(env!("CARGO_BIN_EXE_generate-service"));
    Run::of(copy.arg(&program)).ok();
    let mut command = sandbox.command(&program);
    command.args(WORDS).current_dir(sandbox.work());
    if rustix::process::geteuid().is_root() {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(sandbox.root(), open).expect("an open sandbox");
        for dir in [sandbox.home(), sandbox.work()] {
            chown(dir, Some(NOBODY), Some(NOBODY)).expect("another owner");
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[test]
fn a_directory_that_takes_no_entries() {
    let sandbox = Sandbox::new();
    let mut command = as_ordinary_user(&sandbox);
    let mode = |mode| fs::set_permissions(sandbox.work(), fs::Permissions::from_mode(mode));
    mode(0o555).expect("permissions");
    let message = "error: nothing can be created in `[ROOT]/work`: permission denied\n\
                   help: choose another directory with --into\n";
    let run = Run::of(&mut command);
    mode(0o755).expect("permissions");
    refused(&sandbox, &[], run, message);
    Run::of(&mut command).ok();
}

#[test]
fn a_directory_that_cannot_be_reached() {
    let sandbox = Sandbox::new();
    let mut command = as_ordinary_user(&sandbox);
    let closed = sandbox.work().join("closed");
    fs::create_dir_all(closed.join("below")).expect("directories");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("permissions");
    let run = Run::of(command.args(["--into", "closed/below"]));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("permissions");
    let message = "error: nothing can be created in `[ROOT]/work/closed/below`: permission denied\n\
                   help: choose another directory with --into\n";
    let before = sandbox.listing();
    refused(&sandbox, &before, run, message);
}

#[test]
fn a_file_system_that_is_read_only() {
    let sandbox = Sandbox::new();
    let Some(disk) = Tmpfs::mount(&sandbox.work(), "4m") else {
        return;
    };
    disk.remount("ro");
    let message = "error: nothing can be created in `[ROOT]/work`: read-only file system\n\
                   help: choose another directory with --into\n";
    refused(&sandbox, &[], sandbox.run(WORDS), message);
    disk.remount("rw");
    created(&sandbox, sandbox.run(WORDS), &sandbox.work());
}

/// As a volume of a container: an empty directory that cannot be replaced.
#[test]
fn a_mount_point() {
    let sandbox = Sandbox::new();
    let service = sandbox.work().join("orders");
    fs::create_dir(&service).expect("a directory");
    let Some(_disk) = Tmpfs::mount(&service, "4m") else {
        return;
    };
    let run = sandbox.run(WORDS);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(sandbox.listing(), ["orders"]);
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

#[test]
fn relative_paths_and_detours() {
    for detour in ["sub", "./sub/", "../work/sub", "sub/../sub/.", "./././sub"] {
        let sandbox = Sandbox::new();
        let sub = sandbox.work().join("sub");
        fs::create_dir(&sub).expect("a directory");
        created(&sandbox, into(&sandbox, detour), &sub);
    }
}

#[test]
fn a_link_above_is_followed() {
    let sandbox = Sandbox::new();
    let real = sandbox.root().join("real");
    fs::create_dir_all(real.join("deep")).expect("directories");
    symlink(real.join("deep"), sandbox.work().join("link")).expect("a link");
    created(&sandbox, into(&sandbox, "link"), &real.join("deep"));
    // `..` behind a link is the real directory's parent, as for every system call.
    created(&sandbox, into(&sandbox, "link/.."), &real);
}

#[test]
fn spaces_and_quotes_and_a_farewell_that_can_be_pasted() {
    let sandbox = Sandbox::new();
    let dir = sandbox.work().join("it's \"my\" $HOME & `id` * \\ größe");
    fs::create_dir(&dir).expect("a directory");
    let mut command = sandbox.generator();
    let run = Run::of(command.args(&WORDS[..3]).arg("--into").arg(&dir)).ok();
    let line = run.stderr.lines().find(|line| line.starts_with("  cd "));
    let (cd, _) = line.expect("a farewell").split_once(" && ").expect("two");
    let there = Run::of(
        sandbox
            .command("sh")
            .args(["-c", &format!("{cd} && pwd -P")]),
    )
    .ok();
    assert_eq!(there.stdout, run.stdout);
    created(&sandbox, run, &dir);
}

fn not_utf8() -> &'static OsStr {
    OsStr::from_bytes(b"caf\xe9")
}

#[test]
fn an_argument_that_is_not_utf8() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.work().join(not_utf8())).expect("a directory");
    let message = "error: into `caf\u{fffd}` (`--into`) is not valid UTF-8\n\
                   help: choose a path of UTF-8 text: cargo builds nowhere else\n";
    let before = sandbox.listing();
    refused(&sandbox, &before, into(&sandbox, not_utf8()), message);
}

#[test]
fn a_working_directory_that_is_not_utf8_named_or_behind_a_link() {
    let sandbox = Sandbox::new();
    let dir = sandbox.work().join(not_utf8());
    fs::create_dir(&dir).expect("a directory");
    symlink(not_utf8(), sandbox.work().join("link")).expect("a link");
    let message = "error: nothing can be created in `[ROOT]/work/caf\u{fffd}`: \
                   its path is not valid UTF-8, and cargo builds nowhere else\n\
                   help: choose another directory with --into\n";
    let before = sandbox.listing();
    let run = Run::of(sandbox.generator().args(WORDS).current_dir(&dir));
    refused(&sandbox, &before, run, message);
    refused(&sandbox, &before, into(&sandbox, "link"), message);
}

#[test]
fn a_working_directory_that_is_gone() {
    let sandbox = Sandbox::new();
    let gone = sandbox.work().join("gone");
    fs::create_dir(&gone).expect("a directory");
    let mut command = sandbox.command("sh");
    let program = env!("CARGO_BIN_EXE_generate-service");
    command.args(["-c", "rmdir ../gone && exec \"$@\"", "sh", program]);
    let run = Run::of(command.args(WORDS).current_dir(gone));
    assert!(
        run.stderr
            .starts_with("error: the working directory is gone: "),
        "{}",
        run.stderr
    );
    assert_eq!(run.code, 4);
}

/// Directories below `work` until the service's path has exactly `bytes`.
fn deep(sandbox: &Sandbox, bytes: usize) -> PathBuf {
    let mut dir = sandbox.work();
    let length = |dir: &Path| dir.as_os_str().len();
    let wanted = bytes - "/orders".len();
    while length(&dir) < wanted {
        let left = wanted - length(&dir) - 1;
        // What is left must not be one byte: that is the slash.
        let part = if left > 200 { 100 } else { left };
        dir.push("x".repeat(part.min(200)));
    }
    fs::create_dir_all(&dir).expect("directories");
    dir
}

#[test]
fn the_longest_path_that_is_taken_and_the_next() {
    let sandbox = Sandbox::new();
    let longest = deep(&sandbox, 4096 - 512);
    created(&sandbox, into(&sandbox, &longest), &longest);
    let sandbox = Sandbox::new();
    let dir = deep(&sandbox, 4096 - 511);
    let before = sandbox.listing();
    let path = sandbox.anonymous(&dir.join("orders").display().to_string());
    let message = format!(
        "error: the path `{path}` has 3585 bytes, too many for what cargo puts below it\n\
         help: choose a directory nearer to the root with --into\n"
    );
    refused(&sandbox, &before, into(&sandbox, &dir), &message);
}

#[test]
fn a_name_that_the_system_does_not_take() {
    let sandbox = Sandbox::new();
    let name = "x".repeat(300);
    let message = format!(
        "error: nothing can be created in `[ROOT]/work/{name}`: file name too long\n\
         help: choose another directory with --into\n"
    );
    refused(&sandbox, &[], into(&sandbox, &name), &message);
}

#[test]
fn a_path_that_the_system_does_not_take() {
    let sandbox = Sandbox::new();
    let run = into(&sandbox, "x/".repeat(3000));
    assert_eq!(run.code, 4);
    assert_eq!(sandbox.listing(), Vec::<String>::new());
}
