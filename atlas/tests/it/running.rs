//! `atlas run`, around real programs.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::ground::{Ground, is_free};
use crate::home::{Beside, Home, id, until};

/// `atlas run` around a program, with the test's first port.
struct Wrapped {
    home: Home,
    ground: Ground,
}

impl Wrapped {
    fn new() -> Self {
        Self {
            home: Home::new(),
            ground: Ground::find(),
        }
    }

    fn port(&self) -> String {
        self.ground.first.to_string()
    }

    fn name(&self) -> String {
        format!("web@host001:{}", self.port())
    }

    fn run(&self, options: &[&str], command: &[&str]) -> Command {
        let port = self.port();
        let words = [
            "run",
            "--service",
            "web",
            "--host",
            "host001",
            "--port",
            &port,
        ];
        let words = [&words[..], options, &["--"], command].concat();
        let mut run = self.home.atlas(&words);
        run.stdin(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(self.home.root());
        run
    }

    fn server(&self, options: &[&str]) -> Beside {
        let port = self.port();
        let server = ["python3", "-m", "http.server", &port, "--bind", "127.0.0.1"];
        let run = Beside::start(&mut self.run(options, &server));
        until("it is registered", || self.is_registered());
        run
    }

    fn is_registered(&self) -> bool {
        self.home.read().instances.contains_key(&id(&self.name()))
    }

    fn pid(&self) -> u32 {
        self.home.read().instances[&id(&self.name())]
            .pid
            .expect("a process")
            .get()
    }
}

fn lives(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state
        .rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_server_is_registered_when_it_listens_and_drains_before_it_ends() {
    let wrapped = Wrapped::new();
    let mut run = wrapped.server(&["--drain", "300ms", "--release", "1.0", "--health", "/"]);
    let name = wrapped.name();
    let pid = wrapped.pid();
    assert_eq!(
        wrapped.home.ok(&["ls"]),
        format!("{name}\t127.0.0.1:{}\tup\t1.0\t{pid}\n", wrapped.port())
    );
    let sent = Instant::now();
    run.signal("TERM");
    until("it drains", || {
        wrapped
            .home
            .read()
            .instances
            .get(&id(&name))
            .is_some_and(|one| one.draining)
    });
    assert!(lives(pid) && sent.elapsed() < Duration::from_millis(300));
    // As a shell tells of a program that SIGTERM has ended.
    assert_eq!(run.code(), Some(143));
    assert!(sent.elapsed() >= Duration::from_millis(300));
    assert!(!wrapped.is_registered() && !lives(pid));
    assert!(!wrapped.home.hosts().join(name).exists());
}

#[test]
fn a_second_signal_does_not_wait() {
    let wrapped = Wrapped::new();
    let mut run = wrapped.server(&["--drain", "60s"]);
    run.signal("TERM");
    until("it drains", || {
        wrapped.home.read().instances[&id(&wrapped.name())].draining
    });
    run.signal("TERM");
    assert_eq!(run.code(), Some(143));
}

#[test]
fn killed_it_takes_the_program_along() {
    let wrapped = Wrapped::new();
    let mut run = wrapped.server(&[]);
    let pid = wrapped.pid();
    run.child.kill().expect("a process");
    assert_eq!(run.child.wait().expect("an end").signal(), Some(9));
    assert!(!wrapped.is_registered());
    until("the program is dead", || {
        !lives(pid) && is_free(wrapped.ground.first)
    });
}

#[test]
fn the_program_killed_it_ends_as_the_program_did() {
    let wrapped = Wrapped::new();
    let mut run = wrapped.server(&[]);
    let killed = Command::new("kill")
        .args(["-9", &wrapped.pid().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(run.code(), Some(137));
    assert!(!wrapped.is_registered());
}

#[test]
fn codes_and_signals_are_passed_on() {
    let wrapped = Wrapped::new();
    let code = |command: &[&str]| {
        wrapped
            .run(&[], command)
            .status()
            .expect("a program")
            .code()
    };
    assert_eq!(code(&["true"]), Some(0));
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]), Some(137));
    let script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done";
    let mut run = Beside::start(&mut wrapped.run(&[], &["sh", "-c", script]));
    assert_eq!(run.line(), "ready\n");
    assert!(!wrapped.is_registered(), "it does not listen");
    run.signal("USR1");
    assert_eq!(run.code(), Some(9));
}

#[test]
fn what_cannot_be_run_is_told() {
    let wrapped = Wrapped::new();
    let port = wrapped.port();
    let run = ["run", "--service", "web", "--port", &port, "--"];
    wrapped.home.fails(
        &[&run[..], &["no-such-program"]].concat(),
        127,
        "error: cannot run `no-such-program`: no such file or directory\nhelp: command -v no-such-program\n",
    );
    wrapped.home.fails(
        &[&run[..], &["/etc/passwd"]].concat(),
        126,
        "error: cannot run `/etc/passwd`: permission denied\nhelp: command -v /etc/passwd\n",
    );
    let _taken = std::net::TcpListener::bind(("127.0.0.1", wrapped.ground.first)).expect("free");
    wrapped.home.fails(
        &[&run[..], &["true"]].concat(),
        5,
        &format!("error: port `{port}` is in use: a program is listening on it\nhelp: ss -ltnp 'sport = :{port}'\n"),
    );
}

#[test]
fn what_is_tidied_away_is_registered_again() {
    let wrapped = Wrapped::new();
    let _run = wrapped.server(&[]);
    fs::remove_dir_all(wrapped.home.places().runtime).expect("a directory");
    until("it is back", || wrapped.is_registered());
}
