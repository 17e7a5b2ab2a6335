//! The service was built on a stage, and nothing of that is left in what was built.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::git::is_whole;
use crate::sandbox::{Run, Sandbox, script};

/// Every file below `dir`, `target` and `.git` included, that has `words` in its bytes or path.
pub fn files_with(dir: &Path, words: &str) -> Vec<PathBuf> {
    let words = words.as_bytes();
    let has = |bytes: &[u8]| bytes.windows(words.len()).any(|part| part == words);
    let entries = walkdir::WalkDir::new(dir).into_iter();
    let paths = entries.map(|entry| entry.expect("it can be read").into_path());
    paths
        .filter(|path| {
            let bytes = match path.symlink_metadata() {
                Ok(meta) if meta.is_file() => fs::read(path).expect("a file"),
                _ => Vec::new(),
            };
            has(path.as_os_str().as_bytes()) || has(&bytes)
        })
        .collect()
}

/// What cargo says in `dir`, which must be nothing about compiling.
#[track_caller]
fn recompiles_nothing(sandbox: &Sandbox, dir: &Path, words: &[&str]) -> Run {
    let mut cargo = sandbox.command("cargo");
    let run = Run::of(cargo.args(words).args(["-v", "--offline"]).current_dir(dir)).ok();
    for word in ["Compiling", "Checking", "Dirty", "Running `rustc"] {
        assert!(!run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(run.stderr.contains("Fresh"), "{}", run.stderr);
    run
}

/// Everything that has to hold for a service that was built.
#[track_caller]
fn no_trace(sandbox: &Sandbox, service: &Path, words: &[&str]) {
    assert_eq!(
        files_with(service, ".generate-service-"),
        Vec::<PathBuf>::new()
    );
    is_whole(sandbox, service);
    recompiles_nothing(sandbox, service, words);
    is_whole(sandbox, service);
}

#[track_caller]
fn generate(command: &mut Command, words: &[&str]) {
    Run::of(command.args(words)).ok();
}

/// As its user goes on: builds, moves it, builds again, lets it fail.
#[test]
fn after_a_build_in_a_path_with_spaces_and_a_wrapper_of_the_users() {
    let sandbox = Sandbox::new();
    let dir = sandbox.work().join("it's my place");
    fs::create_dir(&dir).expect("a directory");
    let log = logging_wrapper(&sandbox);
    let mut command = sandbox.generator();
    command
        .current_dir(&dir)
        .env("RUSTC_WRAPPER", sandbox.root().join("wrapper"));
    generate(&mut command, &["orders"]);
    let service = dir.join("orders");
    wrapper_was_used(&log);
    no_trace(&sandbox, &service, &["build", "--locked"]);
    let places = named_places(&sandbox, &service, "target/debug/orders");
    assert!(places > 0, "the debug information names no place");
    let elsewhere = sandbox.work().join("elsewhere");
    fs::rename(&service, &elsewhere).expect("a move");
    recompiles_nothing(&sandbox, &elsewhere, &["build"]);
}

#[test]
fn after_a_release_build() {
    let sandbox = Sandbox::new();
    generate(&mut sandbox.generator(), &["orders", "--build", "release"]);
    let service = sandbox.work().join("orders");
    no_trace(&sandbox, &service, &["build", "--release", "--locked"]);
    named_places(&sandbox, &service, "target/release/orders");
}

#[test]
fn after_a_check_with_a_wrapper_in_cargos_configuration() {
    let sandbox = Sandbox::new();
    let log = logging_wrapper(&sandbox);
    sandbox.write(
        "work/.cargo/config.toml",
        "[build]\nrustc-wrapper = \"../wrapper\"\n",
    );
    generate(&mut sandbox.generator(), &["orders", "--build", "check"]);
    wrapper_was_used(&log);
    no_trace(
        &sandbox,
        &sandbox.work().join("orders"),
        &["check", "--locked"],
    );
}

/// Test binaries have the paths of their package and of its program built in.
#[test]
fn after_the_tests() {
    let sandbox = Sandbox::new();
    generate(&mut sandbox.generator(), &["orders", "--build", "test"]);
    let service = sandbox.work().join("orders");
    no_trace(&sandbox, &service, &["build", "--locked"]);
    let run = recompiles_nothing(&sandbox, &service, &["test", "--locked"]);
    let passed = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("test result: ok. "));
    assert!(passed.count() >= 2, "{}", run.stdout);
    is_whole(&sandbox, &service);
}

/// A wrapper that writes down what it runs, and runs it. Returns where it writes.
fn logging_wrapper(sandbox: &Sandbox) -> PathBuf {
    let log = sandbox.root().join("log");
    let text = format!("echo \"$@\" >> '{}'\nexec \"$@\"\n", log.display());
    script(sandbox, "wrapper", &text);
    log
}

#[track_caller]
fn wrapper_was_used(log: &Path) {
    let log = fs::read_to_string(log).expect("the wrapper's log");
    for name in ["--crate-name axum ", "--crate-name orders "] {
        assert!(log.contains(name), "{name} was not compiled through it");
    }
}

/// Wherever the program names a place in the sandbox, in a panic or in its debug information, it
/// is the service's. Returns how often it does.
#[track_caller]
fn named_places(sandbox: &Sandbox, service: &Path, program: &str) -> usize {
    let bytes = fs::read(service.join(program)).expect("the program");
    let text = String::from_utf8_lossy(&bytes);
    let root = sandbox.root().display().to_string();
    let place = service.display().to_string();
    let named = text.match_indices(&root).map(|(at, _)| &text[at..]);
    named
        .inspect(|named| assert!(named.starts_with(&place), "{named:.120}"))
        .count()
}
