//! The hello route under load, beside that of a bare axum, and what each layer costs.
//!
//! The server has one processor for itself, `wrk` another. All cases take turns, round for round,
//! and each is compared with the bare axum of its own round. Throughput and p99 also depend on
//! what else the machine does and on `wrk`; the processor time of a request hardly does.

use std::process::Command;

use generate_service::parts::Chosen;

use crate::lab::{Built, Lab};
use crate::median;
use crate::server::Server;

const ROUNDS: usize = 5;
const SECONDS: &str = "2";
const SERVER: usize = 0;
const CLIENT: usize = 1;

/// A handler that takes a parameter and asks a store.
const TEAM: &str = "/teams/7";

/// One line of the table.
struct Case<'a> {
    label: &'a str,
    service: &'a Built,
    settings: &'a [(&'a str, &'a str)],
    path: &'a str,
    /// Whether each request has to stand in the log.
    logged: bool,
}

/// What one round says of a case.
#[derive(Clone, Copy, Debug)]
struct Load {
    requests: u32,
    per_second: f64,
    p99: f64,
    processor: f64,
}

pub fn measure(lab: &Lab) {
    let usual = lab.service(&lab.usual());
    let bare = lab.bare(&usual);
    let uncounted = lab.service(&Lab::parts(&["api"]));
    let none = lab.service(&Chosen::new());
    let every = lab.service(&lab.combinations().pop().unwrap_or_default());
    let quiet = &[("LOG__FILTER", "off")][..];
    let case = |label, service, path| Case {
        label,
        service,
        settings: &[],
        path,
        logged: true,
    };
    let silent = |label, service| Case {
        settings: quiet,
        logged: false,
        ..case(label, service, "/")
    };
    let cases = [
        Case {
            logged: false,
            ..case("a bare axum", &bare, "/")
        },
        case("default parts: the goal", &usual, "/"),
        case("  without metrics", &uncounted, "/"),
        case("  no parts", &none, "/"),
        silent("  default parts, log off", &usual),
        silent("  no parts, log off", &none),
        case("  all parts", &every, "/"),
        case("default parts, /health/live", &usual, "/health/live"),
        case("default parts, /teams/7", &usual, TEAM),
    ];
    for connections in ["32", "1"] {
        let round = |_| cases.each_ref().map(|case| case.run(lab, connections));
        let rounds = (0..ROUNDS).map(round).collect::<Vec<_>>();
        head(connections);
        for (at, case) in cases.iter().enumerate() {
            row(
                case.label,
                &rounds
                    .iter()
                    .map(|round| (round[at], round[0]))
                    .collect::<Vec<_>>(),
            );
        }
    }
}

impl Case<'_> {
    fn run(&self, lab: &Lab, connections: &str) -> Load {
        let server = Server::start(lab, self.service, Some(SERVER), self.settings);
        if self.path == TEAM {
            server.put(TEAM, r#"{"name":"Seven"}"#).expect("a team");
        }
        let url = server.url(self.path);
        let warm = wrk(connections, "1", &url);
        let before = server.processor_time();
        let mut load = wrk(connections, SECONDS, &url);
        let used = server.processor_time().saturating_sub(before);
        load.processor = used.as_secs_f64() * 1e6 / f64::from(load.requests);
        let lines = server.end();
        // wrk may leave while answers are on their way to it.
        let complete = !self.logged || lines >= warm.requests + load.requests;
        assert!(
            complete,
            "{}: {lines} lines in the log are too few",
            self.label
        );
        load
    }
}

fn wrk(connections: &str, seconds: &str, url: &str) -> Load {
    let core = CLIENT.to_string();
    let mut command = Command::new("taskset");
    command.args(["-c", &core, "wrk", "--threads", "1", "--latency"]);
    command.args(["--connections", connections, "--duration", seconds, url]);
    let output = command.output().expect("taskset runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "wrk, of the Debian package `wrk`: {output:?}"
    );
    let failed = text.contains("Non-2xx") || text.contains("Socket errors");
    assert!(!failed, "{text}");
    let word = |start: &str, at: usize| {
        let line = text.lines().find(|line| line.trim().contains(start));
        let word = line.and_then(|line| line.split_whitespace().nth(at));
        word.unwrap_or_else(|| panic!("no `{start}` in {text}"))
    };
    Load {
        requests: word(" requests in ", 0).parse().expect("a number"),
        per_second: word("Requests/sec:", 1).parse().expect("a number"),
        p99: milliseconds(word("99%", 1)),
        processor: 0.0,
    }
}

/// `12.34us`, `1.23ms` or `1.02s`.
fn milliseconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let factor = match &text[digits.len()..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        unit => panic!("wrk has a unit `{unit}`"),
    };
    digits.parse::<f64>().expect("a number") * factor
}

#[allow(clippy::print_stdout, reason = "a bench prints")]
fn head(connections: &str) {
    println!();
    println!(
        "{:34} {:>9} {:>6} {:>9} {:>6} {:>9} {:>7} {:>6}",
        format!("GET, connections: {connections}"),
        "req/s",
        "ratio",
        "p99 ms",
        "ratio",
        "cpu us",
        "more",
        "ratio"
    );
    println!(
        "{:34} {:>9} {:>6} {:>9} {:>6}",
        "goal", "", "0.90", "", "1.10"
    );
}

/// Medians, those of ratios too: `rounds` has what each says of the case, and of the bare axum.
#[allow(clippy::print_stdout, reason = "a bench prints")]
fn row(label: &str, rounds: &[(Load, Load)]) {
    let of = |value: fn(&Load) -> f64| median(rounds.iter().map(|(load, _)| value(load)).collect());
    let to = |compared: fn(&Load, &Load) -> f64| {
        median(
            rounds
                .iter()
                .map(|(load, bare)| compared(load, bare))
                .collect(),
        )
    };
    println!(
        "{label:34} {:>9.0} {:>6.2} {:>9.2} {:>6.2} {:>9.2} {:>7.2} {:>6.2}",
        of(|load| load.per_second),
        to(|load, bare| load.per_second / bare.per_second),
        of(|load| load.p99),
        to(|load, bare| load.p99 / bare.p99),
        of(|load| load.processor),
        to(|load, bare| load.processor - bare.processor),
        to(|load, bare| load.processor / bare.processor),
    );
}
