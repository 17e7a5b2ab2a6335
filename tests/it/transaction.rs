//! Whatever fails leaves nothing, and the same command then just works.

use std::fs;
use std::process::Command;

use crate::live::{Live, nobody_is_left};
use crate::sandbox::{Run, Sandbox, listing, script};
use crate::tmpfs::Tmpfs;

/// A linker that is not there fails a real build at its first build script, on any host.
const NO_LINKER: &str = "-Clinker=/nonexistent/linker";

/// Nothing in the working directory, hidden things included, and no port taken.
#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.listing(), Vec::<String>::new());
    assert_eq!(sandbox.promises(), Vec::<String>::new());
    nobody_is_left(sandbox);
}

/// The same command, with nothing in its way.
#[track_caller]
fn then_it_works(sandbox: &Sandbox, words: &[&str]) {
    let run = Run::of(sandbox.warm_generator().args(words)).ok();
    assert_eq!(sandbox.anonymous(&run.stdout), "[ROOT]/work/orders\n");
    sandbox.ports_agree();
    assert!(sandbox.work().join("orders/.git/HEAD").is_file());
    let hidden = fs::read_dir(sandbox.work()).expect("work").count();
    assert_eq!(hidden, 1, "something is left beside the service");
}

#[test]
fn a_failing_build() {
    let sandbox = Sandbox::new();
    let run = Run::of(
        sandbox
            .generator()
            .arg("orders")
            .env("RUSTFLAGS", NO_LINKER),
    );
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("error: linker `/nonexistent/linker` not found\n"),
        "cargo's own words are missing: {}",
        run.stderr
    );
    assert!(
        run.stderr.ends_with(
            "error: `cargo build --locked --offline` failed\n\
             help: look at what was made: --keep-on-failure; or do not build: --build none\n"
        ),
        "{}",
        run.stderr
    );
    nothing_is_left(&sandbox);
    then_it_works(&sandbox, &["orders"]);
}

#[test]
fn flags_that_rustc_does_not_know() {
    let sandbox = Sandbox::new();
    let run = Run::of(
        sandbox
            .generator()
            .arg("orders")
            .env("RUSTFLAGS", "--bogus"),
    );
    assert_eq!(run.code, 11, "{}", run.stderr);
    let words = "  error: Unrecognized option: 'bogus'\n\n\
                 error: `cargo fetch --target host-tuple --locked` failed: rustc does not run\n";
    assert!(run.stderr.contains(words), "{}", run.stderr);
    nothing_is_left(&sandbox);
}

#[test]
fn a_cargo_configuration_above_that_breaks_the_build() {
    let sandbox = Sandbox::new();
    let config = sandbox.write(
        "work/.cargo/config.toml",
        &format!("[build]\nrustflags = [\"{NO_LINKER}\"]\n"),
    );
    let run = sandbox.run(["orders"]);
    assert_eq!(run.code, 11, "{}", run.stderr);
    fs::remove_dir_all(config.parent().expect("a directory")).expect("the configuration");
    nothing_is_left(&sandbox);
    then_it_works(&sandbox, &["orders", "--build", "none"]);
}

#[test]
fn a_date_that_is_none() {
    let sandbox = Sandbox::new();
    let words = ["orders", "--build", "none", "--quiet"];
    let run = Run::of(
        sandbox
            .generator()
            .args(words)
            .env("GIT_AUTHOR_DATE", "never"),
    );
    let stderr = sandbox.anonymous(&run.stderr);
    Run { stderr, ..run }.fails(
        7,
        "error: git cannot commit `orders`: \
         invalid date `never` in GIT_AUTHOR_DATE\n\
         help: do without: --no-git\n",
    );
    nothing_is_left(&sandbox);
    then_it_works(&sandbox, &words);
}

#[test]
fn a_branch_that_cannot_be() {
    let sandbox = Sandbox::new();
    let config = sandbox.write("home/.gitconfig", "[init]\n\tdefaultBranch = a..b\n");
    let words = ["orders", "--build", "none", "--quiet"];
    let run = sandbox.run(words);
    let stderr = sandbox.anonymous(&run.stderr);
    Run { stderr, ..run }.fails(
        7,
        "error: git cannot commit `orders`: \
         the given reference name 'refs/heads/a..b' is not valid\n\
         help: do without: --no-git\n",
    );
    nothing_is_left(&sandbox);
    fs::remove_file(config).expect("the configuration");
    then_it_works(&sandbox, &words);
}

#[test]
fn a_git_configuration_that_is_broken() {
    let sandbox = Sandbox::new();
    let config = sandbox.write("home/.gitconfig", "[user\n");
    let words = ["orders", "--build", "none"];
    let run = sandbox.run(words);
    let stderr = sandbox.anonymous(&run.stderr);
    Run { stderr, ..run }.fails(
        7,
        "error: cannot read git's configuration: failed to parse config file: \
         missing ']' in section header (in [ROOT]/home/.gitconfig:1)\n\
         help: git config --list --show-origin\n",
    );
    nothing_is_left(&sandbox);
    fs::remove_file(config).expect("the configuration");
    then_it_works(&sandbox, &words);
}

/// From no room at all, page by page, to enough: the disk fills up in every step of a run.
#[test]
fn a_disk_that_is_full_while_files_and_commit_are_written() {
    let sandbox = Sandbox::new();
    let Some(disk) = Tmpfs::mount(&sandbox.work(), "16k") else {
        return;
    };
    let words = ["orders", "--build", "none", "--quiet"];
    let mut codes = Vec::new();
    for kib in (16..4096).step_by(16) {
        disk.resize(&format!("{kib}k"));
        let run = sandbox.run(words);
        codes.push(run.code);
        if run.code == 0 {
            break;
        }
        assert!(run.stderr.contains("pace left"), "{kib}: {}", run.stderr);
        nothing_is_left(&sandbox);
    }
    codes.dedup();
    assert_eq!(codes, [1, 7, 0], "no room for files, for git, enough");
    disk.resize("8m");
    crate::git::is_whole(&sandbox, &sandbox.work().join("orders"));
    sandbox.ports_agree();
}

#[test]
fn a_disk_that_is_full_while_cargo_builds() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Tmpfs::mount(&sandbox.work(), "8m") else {
        return;
    };
    let run = sandbox.run(["orders"]);
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(
        run.stderr.contains("No space left on device"),
        "{}",
        run.stderr
    );
    nothing_is_left(&sandbox);
    then_it_works(&sandbox, &["orders"]);
}

#[test]
fn a_registry_on_a_full_disk() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.atlas()).expect("a directory");
    let Some(disk) = Tmpfs::mount(&sandbox.atlas(), "16k") else {
        return;
    };
    let filler = sandbox.atlas().join("filler");
    assert!(
        fs::write(&filler, vec![0; 65536]).is_err(),
        "the disk is not full"
    );
    let words = ["orders", "--build", "none", "--quiet"];
    let run = sandbox.run(words);
    assert_eq!(run.code, 12, "{}", run.stderr);
    assert_eq!(sandbox.listing(), Vec::<String>::new());
    disk.resize("256k");
    then_it_works(&sandbox, &words);
}

/// The user's own wrapper of rustc, which does something when it compiles the service `name`.
fn with_wrapper(sandbox: &Sandbox, name: &str, does: &str) -> Command {
    let text = format!("case \"$*\" in *'--crate-name {name} '*) {does};; esac\nexec \"$@\"\n");
    let mut command = sandbox.warm_generator();
    command.env("RUSTC_WRAPPER", script(sandbox, "wrapper", &text));
    command
}

#[test]
fn a_destination_that_somebody_fills_during_the_build() {
    let sandbox = Sandbox::new();
    let does = "mkdir -p ../../filled; echo theirs > ../../filled/file";
    refused_at_the_rename(&sandbox, "filled", does);
    assert_eq!(sandbox.listing(), ["filled", "filled/file"]);
    let theirs = fs::read_to_string(sandbox.work().join("filled/file"));
    assert_eq!(theirs.expect("their file"), "theirs\n");
}

#[test]
fn a_file_where_the_destination_should_be_during_the_build() {
    let sandbox = Sandbox::new();
    refused_at_the_rename(&sandbox, "filed", "echo theirs > ../../filed");
    assert_eq!(sandbox.listing(), ["filed"]);
    let theirs = fs::read_to_string(sandbox.work().join("filed"));
    assert_eq!(theirs.expect("their file"), "theirs\n");
}

#[test]
fn a_link_where_the_destination_should_be_during_the_build() {
    let sandbox = Sandbox::new();
    let does = "mkdir -p ../../empty; ln -sfn empty ../../linked";
    refused_at_the_rename(&sandbox, "linked", does);
    assert_eq!(sandbox.listing(), ["empty", "linked"]);
    let link = fs::read_link(sandbox.work().join("linked")).expect("their link");
    assert_eq!(link.to_str(), Some("empty"));
}

/// `does` runs in the tree on the stage, two below the working directory. Each test has a name
/// of its own for its service, lest cargo finds it compiled by another one.
#[track_caller]
fn refused_at_the_rename(sandbox: &Sandbox, name: &str, does: &str) {
    let run = Run::of(with_wrapper(sandbox, name, does).args([name, "--quiet"]));
    let stderr = sandbox.anonymous(&run.stderr);
    let message = format!(
        "error: `[ROOT]/work/{name}` was created by somebody meanwhile\n\
         help: choose another name, or another directory with --into\n"
    );
    Run { stderr, ..run }.fails(4, &message);
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

#[test]
fn an_empty_directory_that_appears_during_the_build_is_used() {
    let sandbox = Sandbox::new();
    let mut command = with_wrapper(
        &sandbox,
        "emptied",
        "mkdir -p ../../emptied; touch $HOME/ran",
    );
    Run::of(command.args(["emptied", "--quiet"])).ok();
    assert!(
        sandbox.home().join("ran").exists(),
        "the wrapper did not run"
    );
    crate::git::is_whole(&sandbox, &sandbox.work().join("emptied"));
}

#[test]
fn the_wreck_is_kept_for_those_who_ask_and_the_same_command_works() {
    let sandbox = Sandbox::new();
    let words = ["orders", "--keep-on-failure"];
    let mut live = Live::start(
        &sandbox,
        sandbox.generator().args(words).env("RUSTFLAGS", NO_LINKER),
    );
    let name = format!("orders.failed-{}", live.pid());
    live.says("4. Building orders\n");
    let run = live.end();
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(
        sandbox
            .anonymous(&run.stderr)
            .ends_with(&format!("help: what was made is in `[ROOT]/work/{name}`\n")),
        "{}",
        run.stderr
    );
    let entries = fs::read_dir(sandbox.work()).expect("work").count();
    assert_eq!(entries, 1, "{:?}", sandbox.listing());
    let wreck = listing(&sandbox.work().join(&name));
    for part in [".git", "Cargo.toml", "src/main.rs", "target"] {
        assert!(wreck.iter().any(|path| path == part), "{part}: {wreck:?}");
    }
    assert_eq!(sandbox.promises(), Vec::<String>::new());
    Run::of(sandbox.warm_generator().args(words)).ok();
    crate::git::is_whole(&sandbox, &sandbox.work().join("orders"));
    assert!(sandbox.work().join(name).is_dir());
}
