//! How long changes and deaths take.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::instance::{Apart, Served};
use crate::naive::Naive;
use crate::table::{Table, time, two};
use crate::world::World;

/// Some 10 a second, so that reloads and files are written in between as in a busy hour.
const SERVICES: usize = 300;
const KILLS: usize = 100;
/// The naive way is slow.
const FEW: usize = 30;

pub fn new_service(table: &Table) {
    let world = World::running().expect("HAProxy");
    let (ours, ordinary) = first_answers(&world, SERVICES);
    let world = World::new();
    let _naive = Naive::start(&world);
    let (naive, _) = first_answers(&world, FEW);
    let ordinary = two(&ordinary);
    table.row([
        "brand-new service, registered to first answer, p50 / p99",
        "≤ 2 ms p99",
        &two(&ours),
        &two(&naive),
    ]);
    let what = "an ordinary request on a new connection, beside it";
    table.row([what, "-", &ordinary, "-"]);
}

/// From the registration to the first answer, and how long the next answer takes: what of the first
/// is the machine's.
fn first_answers(world: &World, services: usize) -> (Vec<Duration>, Vec<Duration>) {
    let mut served = Vec::new();
    let took = (0..services).map(|number| {
        // Not in step with what happens at intervals.
        thread::sleep(Duration::from_millis(50 + (number as u64 * 37) % 100));
        let service = format!("new{number}");
        let one = Served::prepare(&service);
        let began = Instant::now();
        served.push(one.register(&world.store()));
        while !world.get(&service).contains("200 OK") {
            assert!(began.elapsed() < Duration::from_secs(10), "{service}");
            // The question is not to be what it waits for: each 404 is the Sidecar's work.
            thread::sleep(Duration::from_micros(100));
        }
        let first = began.elapsed();
        let began = Instant::now();
        assert!(world.get(&service).contains("200 OK"), "{service}");
        (first, began.elapsed())
    });
    took.unzip()
}

pub fn kill(table: &Table) {
    let world = World::running().expect("HAProxy");
    let is = |ready: usize| world.status().contains(&format!("\"ready\":{ready}"));
    let ours = kills(&world, KILLS, is);
    let world = World::new();
    let naive = Naive::start(&world);
    let is = |instances: usize| naive.applied.load(Ordering::Relaxed) == instances;
    let naive = kills(&world, FEW, is);
    table.row([
        "`kill -9` to out of rotation, p50 / p99",
        "≤ 5 ms p99",
        &two(&ours),
        &two(&naive),
    ]);
}

fn kills(world: &World, kills: usize, is_ready: impl Fn(usize) -> bool) -> Vec<Duration> {
    let _stays = Served::start(world, "identity");
    let took = (0..kills).map(|_| {
        let mut dies = Apart::start(world, "identity");
        world.until("two are ready", || is_ready(2));
        thread::sleep(Duration::from_millis(20));
        let began = Instant::now();
        dies.signal_kill();
        while !is_ready(1) {
            assert!(began.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_micros(50));
        }
        began.elapsed()
    });
    took.collect()
}

pub fn haproxy(table: &Table) {
    let world = World::running().expect("HAProxy");
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let took = (0..20).map(|_| {
        thread::sleep(Duration::from_millis(200));
        let killed = world.haproxy().expect("HAProxy");
        kill_process(killed, Signal::KILL).expect("a signal");
        let began = Instant::now();
        // The worker of the dead master may answer for a moment more.
        world.until("another one runs", || {
            world.haproxy().is_some_and(|pid| pid != killed)
        });
        world.until_answer("identity", "200 OK");
        began.elapsed()
    });
    let took = took.collect::<Vec<_>>();
    let worst = took.iter().max().copied().unwrap_or_default();
    table.row([
        "HAProxy killed to serving again, p50 / worst",
        "-",
        &format!(
            "{} / {} of 20",
            time(crate::table::share(&took, 50)),
            time(worst)
        ),
        "nobody restarts it",
    ]);
}
