//! How far cargo goes, and what happens where it cannot.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;

use rustix::process::Signal;

use crate::git::is_whole;
use crate::live::Live;
use crate::sandbox::{Run, Sandbox, script, until, warm_target};

/// Runs to a happy end with a warm target directory; what was narrated of the steps.
#[track_caller]
fn steps(sandbox: &Sandbox, name: &str, build: &str) -> Vec<String> {
    let mut command = sandbox.warm_generator();
    let run = Run::of(command.args([name, "--build", build])).ok();
    let numbered = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    let lines = run.stderr.lines().filter(numbered);
    let lines = lines.map(|line| line.split(" in ").next().unwrap_or(line).to_owned());
    lines.collect()
}

const FOUNDED: [&str; 2] = ["1. Generating files", "2. Initializing Git repository"];

/// Directories on PATH that hold none but these programs.
fn path_with(sandbox: &Sandbox, programs: &[&str]) -> PathBuf {
    let dir = sandbox.root().join("bin");
    fs::create_dir(&dir).expect("a directory");
    for program in programs {
        let mut which = sandbox.command("sh");
        let which = Run::of(which.args(["-c", "command -v \"$0\"", program])).ok();
        let program = dir.join(program);
        std::os::unix::fs::symlink(which.stdout.trim(), program).expect("a link");
    }
    dir
}

#[test]
fn none_runs_no_cargo() {
    let sandbox = Sandbox::new();
    script(&sandbox, "bin/cargo", "touch \"$HOME/ran\"\n");
    let mut command = sandbox.generator();
    command.env("PATH", sandbox.root().join("bin"));
    Run::of(command.args(["orders", "--build", "none"])).ok();
    assert!(!sandbox.home().join("ran").exists(), "cargo ran");
    assert!(!sandbox.work().join("orders/target").exists());
}

#[test]
fn check_makes_no_program() {
    let sandbox = Sandbox::new();
    let steps = steps(&sandbox, "build-check", "check");
    assert_eq!(steps[..2], FOUNDED);
    assert_eq!(
        steps[2..],
        [
            "3. Fetching dependencies (Cargo.lock)",
            "4. Building build-check"
        ]
    );
    assert!(!warm_target().join("debug/build-check").exists());
    is_whole(&sandbox, &sandbox.work().join("build-check"));
}

#[test]
fn test_runs_the_tests_and_a_failing_one_fails_it() {
    let sandbox = Sandbox::new();
    let steps = steps(&sandbox, "build-test", "test");
    assert_eq!(
        steps.last().map(String::as_str),
        Some("5. Testing build-test")
    );
    assert!(warm_target().join("debug/build-test").is_file());
    // Its tests start the program, which cannot listen on a port that is not one.
    let mut command = sandbox.warm_generator();
    command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "false");
    command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "false");
    let run = Run::of(command.args(["build-tested", "--build", "test"]));
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("\nerror: `cargo test --locked` failed\n"),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read_dir(sandbox.work()).expect("work").count(), 1);
}

#[test]
fn release_makes_the_released_program() {
    let sandbox = Sandbox::new();
    steps(&sandbox, "build-release", "release");
    assert!(warm_target().join("release/build-release").is_file());
    assert!(!warm_target().join("debug/build-release").exists());
}

/// Where the target directory is the user's, the service has none of its own.
#[test]
fn the_users_target_directory_is_used() {
    let sandbox = Sandbox::new();
    steps(&sandbox, "build-there", "build");
    let service = sandbox.work().join("build-there");
    assert!(!service.join("target").exists());
    assert!(warm_target().join("debug/build-there").is_file());
    is_whole(&sandbox, &service);
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(["build", "--locked", "--offline"])
        .env("CARGO_TARGET_DIR", warm_target());
    let run = Run::of(cargo.current_dir(service)).ok();
    assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
}

#[test]
fn without_cargo_it_says_so_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let path = path_with(&sandbox, &[]);
    let run = Run::of(sandbox.generator().arg("orders").env("PATH", &path));
    run.fails(
        9,
        "error: cargo is not on PATH\n\
         help: generate without building: --build none\n",
    );
    assert_eq!(sandbox.listing(), Vec::<String>::new());
    assert!(!sandbox.atlas().exists());
    let words = ["orders", "--build", "none"];
    Run::of(sandbox.generator().args(words).env("PATH", path)).ok();
    is_whole(&sandbox, &sandbox.work().join("orders"));
}

/// No `git`, no shell: cargo, and what rustc links with.
#[test]
fn with_cargo_alone_on_path_it_builds() {
    let sandbox = Sandbox::new();
    let path = path_with(&sandbox, &["cargo", "rustc", "cc", "ld"]);
    let mut command = sandbox.warm_generator();
    Run::of(command.args(["build-alone", "--quiet"]).env("PATH", path)).ok();
    is_whole(&sandbox, &sandbox.work().join("build-alone"));
}

#[test]
fn offline_with_nothing_cached_it_says_so() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.generator();
    command
        .env("CARGO_HOME", sandbox.home().join("cargo"))
        .env("CARGO_NET_OFFLINE", "true");
    let run = Run::of(command.args(["orders", "--quiet"]));
    assert_eq!(run.code, 10, "{}", run.stderr);
    assert!(
        run.stderr.ends_with(
            "\n\nerror: `cargo fetch --target host-tuple --locked` failed: \
             the dependencies are not to be had\n\
             help: connect to the registry, or generate without building: --build none\n"
        ),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("offline"),
        "cargo's words: {}",
        run.stderr
    );
    assert_eq!(sandbox.listing(), Vec::<String>::new());
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The status line of `GET path`, if anybody answers.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.lines().next()?.to_owned())
}

#[test]
fn the_service_runs_on_its_port_and_ends_when_told() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let mut command = sandbox.warm_generator();
    command.args(["build-runs", "--port", &port.to_string()]);
    Run::of(&mut command).ok();
    let mut service = sandbox.command(warm_target().join("debug/build-runs"));
    service.current_dir(sandbox.work().join("build-runs"));
    let mut live = Live::start(&sandbox, &mut service);
    until("an answer", || {
        assert!(!live.has_ended(), "{}{}", live.said(), live.answered());
        get(port, "/health/live").is_some()
    });
    let answer = get(port, "/health/live").expect("an answer");
    assert_eq!(answer, "HTTP/1.0 200 OK");
    live.signal(Signal::TERM);
    assert_eq!(live.end().code, 0);
}

/// `cargo generate-service`-like callers: a job server of theirs is none of ours.
#[test]
fn started_by_cargo_it_still_builds() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.warm_generator();
    command.env("CARGO_MAKEFLAGS", "-j --jobserver-fds=98,99");
    command.env("MAKEFLAGS", "-j --jobserver-fds=98,99");
    Run::of(command.args(["build-nested", "--build", "check", "--quiet"])).ok();
}
