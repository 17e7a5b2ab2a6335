//! Generated services that find each other: the session of `README.md`, then the same services
//! behind a Sidecar, whose `HAProxy` is killed, and one instance after the other replaced.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::live::Live;
use crate::sandbox::{Run, Sandbox, until};

/// What the dashboard answers when both others answered it.
const BOTH: &str = r#"["identity","api"]"#;

/// Services, and the Sidecar's three ports, on which nobody listens at first.
struct Fleet {
    sandbox: Sandbox,
    ports: [u16; 3],
}

impl Fleet {
    fn new() -> Self {
        // Held together, so that they are three.
        let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
        Self {
            sandbox: Sandbox::new(),
            ports: held.map(|port| port.local_addr().expect("an address").port()),
        }
    }

    /// A program in a process group of its own, with our programs on its path.
    fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        let path = std::env::var("PATH").expect("a path");
        let [listen, own, stats] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        command
            .current_dir(self.sandbox.work())
            .env("PATH", format!("{}:{path}", programs().display()))
            .env("ATLAS", self.sandbox.root().join("data"))
            .env("DASHBOARD_API__SIDECAR", &listen)
            .env("SIDECAR_LISTEN", listen)
            .env("SIDECAR_STATUS", own)
            .env("SIDECAR_STATS", stats)
            .process_group(0);
        command
    }

    fn start(&self, program: &str, words: &[&str]) -> Group {
        Group(Live::start(
            &self.sandbox,
            self.command(program).args(words),
        ))
    }

    /// The instances that Atlas knows: service and process.
    fn instances(&self) -> Vec<(String, i32)> {
        let run = Run::of(self.command("atlas").arg("ls")).ok();
        let rows = run.stdout.lines().map(|row| {
            let cells = row.split('\t').collect::<Vec<_>>();
            let service = cells[0].split('@').next().unwrap_or_default();
            (service.to_owned(), cells[4].parse().expect("a process"))
        });
        rows.collect()
    }

    fn pid(&self, service: &str) -> Option<Pid> {
        let instances = self.instances();
        let instance = instances.iter().find(|(name, _)| name == service);
        instance.and_then(|(_, pid)| Pid::from_raw(*pid))
    }

    fn count(&self, service: &str) -> usize {
        let instances = self.instances();
        instances.iter().filter(|(name, _)| name == service).count()
    }

    /// The master of all `HAProxy` processes.
    fn haproxy(&self) -> Option<Pid> {
        let file = self.sandbox.root().join("run/local/sidecar/haproxy.pid");
        let pid = fs::read_to_string(file).ok()?.trim().parse().ok()?;
        Pid::from_raw(pid)
    }

    /// What the dashboard says.
    fn dashboard(&self) -> String {
        get(self.port("dashboard"))
    }

    fn port(&self, service: &str) -> u16 {
        let record = self.sandbox.work().join(service).join("service.toml");
        let record = fs::read_to_string(record).expect("a record");
        let port = record.lines().find_map(|line| line.strip_prefix("port = "));
        port.and_then(|port| port.parse().ok()).expect("a port")
    }
}

/// `HAProxy` outlives a Sidecar that is killed.
impl Drop for Fleet {
    fn drop(&mut self) {
        // It fails where none runs.
        let _ = self.command("sidecar").arg("stop").output();
        let _ = self.haproxy().map(|pid| kill_process(pid, Signal::KILL));
    }
}

/// A process group, which ends with the test.
struct Group(Live);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.pid()).ok().and_then(Pid::from_raw);
        // It fails if all have ended, which is what is wanted.
        let _ = kill_process_group(pid.expect("a process"), Signal::KILL);
    }
}

/// Where cargo puts the programs of this workspace.
fn programs() -> PathBuf {
    let generator = cargo_bin!("generate-service");
    let programs = generator.parent().expect("a directory").to_owned();
    for program in ["atlas", "sidecar"] {
        let there = programs.join(program).exists();
        assert!(
            there,
            "no `{program}` yet: cargo test --workspace builds it"
        );
    }
    programs
}

/// The session that the README promises to work.
fn session() -> String {
    let readme = include_str!("../../README.md");
    let (_, section) = readme
        .split_once("## Services that call each other")
        .expect("a section");
    let (_, rest) = section.split_once("```sh\n").expect("a session");
    let (session, _) = rest.split_once("```").expect("its end");
    session.to_owned()
}

/// Status and body of the answer to `GET /`, of a connection of its own.
fn get(port: u16) -> String {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    match ask() {
        Ok(answer) => {
            let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
            let status = answer.split(' ').nth(1).unwrap_or_default();
            let good = status == "200";
            if good {
                body.to_owned()
            } else {
                format!("{status} {body}")
            }
        }
        Err(error) => error.to_string(),
    }
}

/// What goes wrong for somebody who asks the dashboard all the time, while `work` is done.
fn failures(fleet: &Fleet, work: impl FnOnce()) -> (usize, Vec<String>) {
    let done = AtomicBool::new(false);
    let ask = || {
        let mut answers = Vec::new();
        while !done.load(Ordering::Relaxed) {
            answers.push(fleet.dashboard());
        }
        let asked = answers.len();
        answers.retain(|answer| answer != BOTH);
        (asked, answers)
    };
    thread::scope(|scope| {
        let asking = scope.spawn(ask);
        work();
        done.store(true, Ordering::Relaxed);
        asking.join().expect("no panic")
    })
}

#[track_caller]
fn nothing_fails(fleet: &Fleet, what: &str, work: impl FnOnce()) {
    let (asked, failed) = failures(fleet, work);
    assert!(asked > 10, "{what}: asked {asked} times only");
    assert_eq!(failed, Vec::<String>::new(), "{what}: of {asked}");
}

#[test]
fn three_services_call_each_other_by_name() {
    let fleet = Fleet::new();
    let _session = the_session_of_the_readme(&fleet);
    a_killed_instance_is_stepped_over(&fleet);
    let _sidecar = a_sidecar_comes(&fleet);
    haproxy_dies(&fleet);
    one_instance_after_the_other_is_replaced(&fleet);
}

fn the_session_of_the_readme(fleet: &Fleet) -> Group {
    let session = fleet.start("bash", &["-euc", &session()]);
    until("the fleet answers", || {
        let said = session.0.said();
        let failed = said.lines().any(|line| line.starts_with("error"));
        failed || session.0.answered().matches("\tup\t").count() == 3
    });
    let (answered, said) = (session.0.answered(), session.0.said());
    assert!(answered.contains(BOTH), "{answered}\n{said}");
    for name in ["identity", "api", "dashboard"] {
        assert_eq!(fleet.count(name), 1, "{answered}");
    }
    session
}

/// Without a Sidecar: the kernel ends the entry of who is killed.
fn a_killed_instance_is_stepped_over(fleet: &Fleet) {
    let first = fleet.pid("identity").expect("an instance");
    let second = second(fleet);
    nothing_fails(fleet, "an instance is killed", || {
        thread::sleep(Duration::from_millis(200));
        kill_process(first, Signal::KILL).expect("it ran");
        thread::sleep(Duration::from_millis(300));
    });
    assert_eq!(fleet.count("identity"), 1);
    drop(second);
    until("it is gone", || fleet.count("identity") == 0);
    let answer = fleet.dashboard();
    assert!(answer.starts_with("503 "), "{answer}");
}

/// One more identity, on a port of its own.
fn second(fleet: &Fleet) -> Group {
    let before = fleet.count("identity");
    let home = fleet.sandbox.work().join("identity");
    let mut command = fleet.command("target/debug/identity");
    command.current_dir(&home).env("PORT", "0");
    let group = Group(Live::start(&fleet.sandbox, &mut command));
    until("it is registered", || fleet.count("identity") == before + 1);
    group
}

/// From here on calls go by `HAProxy`, which the dashboard notices by itself.
fn a_sidecar_comes(fleet: &Fleet) -> Group {
    let sidecar = fleet.start("sidecar", &[]);
    let address = (Ipv4Addr::LOCALHOST, fleet.ports[0]);
    until("the proxy listens", || TcpStream::connect(address).is_ok());
    sidecar
}

fn haproxy_dies(fleet: &Fleet) {
    let _identity = second(fleet);
    until("it is routed", || fleet.dashboard() == BOTH);
    nothing_fails(fleet, "HAProxy is killed", || {
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(300));
            let killed = fleet.haproxy().expect("HAProxy");
            kill_process(killed, Signal::KILL).expect("it ran");
            until("there is another", || {
                fleet.haproxy().is_some_and(|pid| pid != killed)
            });
        }
    });
}

/// A rolling restart, without a word to anybody.
fn one_instance_after_the_other_is_replaced(fleet: &Fleet) {
    let mut running = vec![second(fleet)];
    until("it is routed", || fleet.dashboard() == BOTH);
    nothing_fails(fleet, "a rolling restart", || {
        for _ in 0..4 {
            let old = fleet.pid("identity").expect("an instance");
            running.push(second(fleet));
            kill_process(old, Signal::TERM).expect("it runs");
            until("the old one is gone", || fleet.count("identity") == 1);
        }
    });
}
