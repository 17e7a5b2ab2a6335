//! Ctrl-c and its relatives: everything made is removed, everything started is ended.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::live::{Live, nobody_is_left, processes};
use crate::sandbox::{Run, Sandbox, script, until};

/// A cold build in full swing: cargo and at least one rustc are running.
fn building(sandbox: &Sandbox, command: &mut Command) -> Live {
    let mut live = Live::start(sandbox, command);
    live.says("4. Building orders\n");
    until("a rustc", || {
        assert!(!live.has_ended(), "it ended: {}", live.said());
        let lines = processes(sandbox).into_iter();
        lines
            .filter(|(_, line)| line.contains("--crate-name"))
            .count()
            > 0
    });
    live
}

/// `command`, run by the program and words of `by`.
fn through(command: &Command, by: &[&str]) -> Command {
    let mut outer = Command::new(by[0]);
    outer.args(&by[1..]).arg(command.get_program());
    outer.env_clear();
    outer.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    outer.current_dir(command.get_current_dir().expect("a working directory"));
    outer
}

#[track_caller]
fn stopped_by(signal: Signal) {
    let sandbox = Sandbox::new();
    // Whoever runs the tests may have started them deaf, with `nohup`.
    let mut hearing = through(&sandbox.generator(), &["env", "--default-signal=HUP"]);
    let live = building(&sandbox, hearing.arg("orders"));
    live.signal(signal);
    let run = live.end();
    assert_eq!(run.code, 130, "{}", run.stderr);
    // What is said between them depends on what other tests have compiled.
    let (_, building) = run
        .stderr
        .split_once("4. Building orders\n")
        .expect("a build");
    let last = "error: interrupted; nothing was left behind\n";
    assert!(building.ends_with(last), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    nobody_is_left(&sandbox);
    assert_eq!(sandbox.listing(), Vec::<String>::new());
    assert_eq!(sandbox.promises(), Vec::<String>::new());
    Run::of(sandbox.warm_generator().arg("orders")).ok();
    sandbox.ports_agree();
}

#[test]
fn ctrl_c() {
    stopped_by(Signal::INT);
}

#[test]
fn sigterm() {
    stopped_by(Signal::TERM);
}

#[test]
fn sighup() {
    stopped_by(Signal::HUP);
}

/// What `nohup` does before it runs a program.
#[test]
fn a_hang_up_that_was_ignored_stays_ignored() {
    let sandbox = Sandbox::new();
    let deaf = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let mut deaf = through(&sandbox.warm_generator(), &deaf);
    deaf.arg("orders");
    let mut live = Live::start(&sandbox, &mut deaf);
    live.says("1. Generating files in ");
    live.signal(Signal::HUP);
    assert_eq!(live.end().code, 0);
    assert_eq!(sandbox.listing()[0], "orders");
}

#[test]
fn with_json_the_last_line_says_so() {
    let sandbox = Sandbox::new();
    let words = ["orders", "--format", "json"];
    let live = building(&sandbox, sandbox.generator().args(words));
    live.signal(Signal::INT);
    let run = live.end();
    let last = run.stdout.lines().last().expect("a result");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(last["status"], "failed");
    assert_eq!(last["exit_code"], 130);
    assert_eq!(last["errors"][0]["kind"], "interrupted");
    nobody_is_left(&sandbox);
}

#[test]
fn what_was_made_is_kept_for_those_who_ask() {
    let sandbox = Sandbox::new();
    let words = ["orders", "--keep-on-failure"];
    let live = building(&sandbox, sandbox.generator().args(words));
    let wreck = sandbox.work().join(format!("orders.failed-{}", live.pid()));
    live.signal(Signal::INT);
    let run = live.end();
    let end = format!(
        "error: interrupted\nhelp: what was made is in `{}`\n",
        wreck.display()
    );
    assert!(run.stderr.ends_with(&end), "{}", run.stderr);
    assert_eq!(run.code, 130);
    assert!(wreck.join("src/main.rs").is_file());
    nobody_is_left(&sandbox);
    assert_eq!(fs::read_dir(sandbox.work()).expect("work").count(), 1);
}

/// A wrapper of rustc that does not heed SIGTERM keeps the run from ending. The second signal
/// does not wait for it; what is left then is swept by the next run.
#[test]
fn the_second_signal_ends_it_at_once() {
    let sandbox = Sandbox::new();
    let gate = sandbox.root().join("gate");
    let deaf =
        "trap '' TERM; touch \"$HOME/deaf\"; while [ ! -e \"$HOME/../gate\" ]; do sleep 0.05; done";
    let text = format!("case \"$*\" in *--crate-name*) {deaf};; esac\nexec \"$@\"\n");
    let mut command = sandbox.generator();
    command.arg("orders");
    command.env("RUSTC_WRAPPER", script(&sandbox, "wrapper", &text));
    let mut live = Live::start(&sandbox, &mut command);
    until("a deaf rustc", || sandbox.home().join("deaf").exists());
    live.signal(Signal::INT);
    let pid = live.pid();
    until("the end of cargo", || children(&sandbox, "cargo") == 0);
    assert!(!live.has_ended(), "it does not wait for rustc: {pid}");
    live.signal(Signal::INT);
    assert_eq!(live.end().code, 130);
    fs::write(gate, "").expect("an open gate");
    nobody_is_left(&sandbox);
    Run::of(sandbox.warm_generator().arg("orders")).ok();
    assert_eq!(fs::read_dir(sandbox.work()).expect("work").count(), 1);
    sandbox.ports_agree();
}

/// How many processes of the sandbox are `program`.
fn children(sandbox: &Sandbox, program: &str) -> usize {
    let programs = processes(sandbox).into_iter();
    let names = programs.filter_map(|(_, line)| Some(line.split(' ').next()?.to_owned()));
    names
        .filter(|name| name.rsplit('/').next() == Some(program))
        .count()
}
