//! 5,000 services with two instances each, beside ten.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Registration, Store};

use crate::instance::{Served, instance};
use crate::naive::Naive;
use crate::table::{Table, time, two};
use crate::world::World;

/// One less than 10,000 instances, which is the most, so that there is room for new ones.
const MANY: usize = 4_950;
const FEW: usize = 10;
const ROUNDS: usize = 3;
const IDLE: Duration = Duration::from_secs(5);

pub fn measure(table: &Table) {
    let (mut few, mut many) = (World::new(), World::new());
    let _few = crowd(&few, FEW);
    let _many = crowd(&many, MANY);
    few.start();
    let began = Instant::now();
    many.start();
    let start = began.elapsed();
    table.row([
        "4,950 services: start to serving",
        "≤ 1 s",
        &time(start),
        "-",
    ]);
    memory_and_idle(table, &many);
    let routed = ratio(&few, &many, FEW);
    let in_turn = ratio(&few, &many, MANY);
    let (new, _served) = new_services(&many, 30);
    let reload = reload(&many);
    // The naive way on the same registries: one ACL a service.
    let (few, many) = (few.beside("local"), many.beside("local"));
    let _naives = (Naive::start(&few), Naive::start(&many));
    thread::sleep(Duration::from_secs(2));
    let what = "same: routing rate against ten services";
    table.row([what, "≥ 80 %", &routed, &ratio(&few, &many, FEW)]);
    let what = "same, where all of them are called in turn";
    table.row([what, "-", &in_turn, "-"]);
    let (naive, _served) = new_services(&many, 3);
    let what = "same: brand-new service, p50 / p99";
    table.row([what, "-", &two(&new), &two(&naive)]);
    table.row(["same: reload", "< 0.4 s", &reload, "with each change"]);
}

/// All instances are two servers; every service has a registration on two hosts.
fn crowd(world: &World, services: usize) -> (Vec<Served>, Vec<Box<dyn Registration>>) {
    let served = [(); 2].map(|()| Served::start(world, "answers"));
    let mut registered = Vec::new();
    for number in 0..services {
        for (host, one) in served.iter().enumerate() {
            let mut instance = instance(&format!("s{number}"), one.port);
            instance.id.host = format!("h{host}").parse().expect("a host");
            registered.push(world.store().register(&instance).expect("registered"));
        }
    }
    (served.into(), registered)
}

fn memory_and_idle(table: &Table, world: &World) {
    // What the start has left to do is done.
    thread::sleep(Duration::from_secs(1));
    let pid = world.pid().as_raw_nonzero();
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
        let words = stat
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        words[13..15]
            .iter()
            .map(|word| word.parse::<u64>().expect("ticks"))
            .sum::<u64>()
    };
    let before = ticks();
    thread::sleep(IDLE);
    // 100 ticks a second.
    let permille = (ticks() - before) * 10 / IDLE.as_secs();
    let percent = format!("{}.{} %", permille / 10, permille % 10);
    table.row([
        "same: processor time when nothing changes",
        "≤ 1 %",
        &percent,
        "-",
    ]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) / 1024
    };
    let memory = format!("{} MiB (peak {})", of("VmRSS:"), of("VmHWM:"));
    table.row(["same: memory of the Sidecar", "≤ 60 MiB", &memory, "-"]);
}

/// In turns, so that both have the same neighbours. Ten services are called in both, from all over
/// the map: who calls every service of 5,000 in turn pays for new connections, not for routing.
fn ratio(few: &World, many: &World, called: usize) -> String {
    let rounds = (0..ROUNDS).map(|_| (rate(few, FEW, FEW), rate(many, MANY, called)));
    let rounds = rounds.collect::<Vec<_>>();
    let ratios = rounds.iter().map(|(few, many)| many / few);
    let mut ratios = ratios.collect::<Vec<_>>();
    ratios.sort_by(f64::total_cmp);
    let (few, many) = rounds[0];
    let ratio = ratios[ROUNDS / 2] * 100.0;
    format!("{ratio:.0} % ({few:.0}/s, {many:.0}/s)")
}

/// Requests a second over so many of the services in turn.
fn rate(world: &World, services: usize, called: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let script = folder.path().join("services.lua");
    let step = services / called;
    let text = format!(
        "local n = 0\nfunction request()\n  n = (n + 1) % {called}\n  return wrk.format('GET', '/', {{ ['x-service'] = 's' .. n * {step} }})\nend\n"
    );
    fs::write(&script, text).expect("a script");
    let output = Command::new("wrk")
        .args(["-t1", "-c16", "-d3s", "-s"])
        .arg(&script)
        .arg(format!("http://{}/", world.address()))
        .output()
        .expect("wrk runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let rate = said
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok())
        .expect("a rate")
}

fn new_services(world: &World, services: usize) -> (Vec<Duration>, Vec<Served>) {
    let took = (0..services).map(|number| {
        thread::sleep(Duration::from_millis(30));
        let service = format!("new{services}-{number}");
        let one = Served::prepare(&service);
        let began = Instant::now();
        let served = one.register(&world.store());
        while !world.get(&service).contains("200 OK") {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", world.log());
        }
        (began.elapsed(), served)
    });
    took.unzip()
}

/// The one that tidies up after new services.
fn reload(world: &World) -> String {
    let reloaded = || world.metric("sidecar_reloads_total{result=\"done\"}") > 0;
    world.until("it has reloaded", reloaded);
    let metrics = world.metrics();
    let mut lines = metrics.lines();
    let seconds = lines.find_map(|line| line.strip_prefix("sidecar_reload_seconds "));
    let seconds = seconds.unwrap_or("?").chars().take(4);
    format!("{} s", seconds.collect::<String>())
}
