//! What combinations of parts weigh, and how fast they are there.

use std::time::Instant;

use generate_service::parts::Chosen;

use crate::lab::{Built, Lab};
use crate::median;
use crate::server::Server;

/// How often each is started.
const STARTS: usize = 20;

/// One line for each combination; `all` 32 of them, or those that somebody would ask for.
pub fn measure(lab: &Lab, all: bool) {
    head();
    if all {
        for chosen in lab.combinations() {
            let names = chosen.iter().map(String::as_str).collect::<Vec<_>>();
            row(lab, &names.join(","), &lab.service(&chosen));
        }
        return;
    }
    for (label, chosen) in asked_for(lab) {
        row(lab, label, &lab.service(&chosen));
    }
    let like = lab.service(&lab.usual());
    row(lab, "a bare axum", &lab.bare(&like));
}

fn asked_for(lab: &Lab) -> Vec<(&'static str, Chosen)> {
    let alone = |name: &'static str| (name, Lab::parts(&[name]));
    let every = lab.combinations().pop().unwrap_or_default();
    vec![
        ("none", Chosen::new()),
        alone("api"),
        alone("metrics"),
        ("default", lab.usual()),
        alone("database"),
        alone("redis"),
        alone("otel"),
        ("all", every),
    ]
}

#[allow(clippy::print_stdout, reason = "a bench prints")]
fn head() {
    println!(
        "{:34} {:>7} {:>8} {:>10} {:>10}",
        "parts", "crates", "MB", "start ms", "best ms"
    );
    println!("{:34} {:>7} {:>8} {:>10}", "goal", "", "", "30");
}

/// From exec to the first 200.
#[allow(clippy::print_stdout, reason = "a bench prints")]
fn row(lab: &Lab, label: &str, built: &Built) {
    let start = || {
        let began = Instant::now();
        let server = Server::start(lab, built, None, &[]);
        let took = began.elapsed();
        drop(server);
        took.as_secs_f64() * 1e3
    };
    start();
    let took = (0..STARTS).map(|_| start()).collect::<Vec<_>>();
    let best = took.iter().copied().fold(f64::INFINITY, f64::min);
    let megabytes = f64::from(u32::try_from(built.bytes()).expect("less than 4 GB")) / 1e6;
    println!(
        "{label:34} {:>7} {megabytes:>8.2} {:>10.2} {best:>10.2}",
        built.crates(),
        median(took)
    );
}
