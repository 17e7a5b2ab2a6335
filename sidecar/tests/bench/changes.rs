//! What fails under load while something changes: nothing may.

use std::thread;
use std::time::{Duration, Instant};

use atlas::Weight;

use crate::instance::{Apart, Served};
use crate::load::{Count, Load};
use crate::naive::{Naive, reload};
use crate::table::Table;
use crate::world::World;

const RELOADS: u64 = 1_000;
const CHANGES: usize = 10_000;
const DEPLOYS: usize = 100;
/// Of the naive way, where each change is a reload.
const FEW: usize = 100;
const COMMANDS: &str = "sidecar_runtime_commands_total{result=\"done\"}";

pub fn reloads(table: &Table) {
    let world = World::running().expect("HAProxy");
    let one = Served::start(&world, "identity");
    world.until_written(&one);
    let master = world.haproxy().expect("HAProxy");
    let load = full_speed(&world, "GET");
    let began = Instant::now();
    for _ in 0..RELOADS {
        reload(master, &world.file("master.sock"));
    }
    let took = began.elapsed();
    let what = format!("{RELOADS} reloads under keep-alive load, failed");
    let ours = failed(&load.count(), took);
    table.row([&what, "0", &ours, "see below: each change is a reload"]);
}

pub fn end_points(table: &Table) {
    let world = World::running().expect("HAProxy");
    let before = world.metric(COMMANDS);
    let (count, took) = change(&world, Duration::from_millis(1), CHANGES);
    // Fewer than two a change: what comes while HAProxy answers is one with what is there already.
    let commands = world.metric(COMMANDS) - before;
    let ours = format!("{}, {commands} commands", failed(&count, took));
    let world = World::new();
    let _naive = Naive::start(&world);
    // So that each is a reload, as it would be in a quiet hour.
    let pause = Duration::from_millis(80);
    let (count, took) = change(&world, pause, FEW);
    let naive = format!("{} ({FEW} changes)", failed(&count, took));
    let what = format!("{CHANGES} changes of end points under load, failed");
    table.row([&what, "0", &ours, &naive]);
}

/// One of two instances drains and comes back, or changes its weight, one change after the other.
fn change(world: &World, pause: Duration, changes: usize) -> (Count, Duration) {
    let _stays = Served::start(world, "identity");
    let mut other = Served::start(world, "identity");
    world.until_answer("identity", &format!("port={};", other.port));
    let load = full_speed(world, "GET");
    let began = Instant::now();
    let registration = other.registration.as_mut().expect("registered");
    for number in 0..changes {
        let mut instance = registration.instance().clone();
        instance.draining = number % 2 == 0;
        let weight = if number % 4 < 2 { 100 } else { 50 };
        instance.weight = Weight::try_from(weight).expect("a weight");
        registration.update(&instance).expect("a change");
        thread::sleep(pause);
    }
    let took = began.elapsed();
    (load.count(), took)
}

pub fn deploys(table: &Table) {
    let world = World::running().expect("HAProxy");
    let ours = deploy(&world, DEPLOYS);
    let world = World::new();
    let _naive = Naive::start(&world);
    let naive = format!("{} (30 deploys)", deploy(&world, 30));
    let what = format!("{DEPLOYS} rolling deploys, GET and POST, failed");
    table.row([&what, "0", &ours, &naive]);
}

/// The new one in, the old one drains and ends: processes that really end.
fn deploy(world: &World, deploys: usize) -> String {
    let mut old = Apart::start(world, "identity");
    world.until_answer("identity", "200 OK");
    let pause = Duration::from_millis(1);
    let load =
        ["GET", "POST"].map(|method| Load::with_pauses(world.address(), "identity", method, pause));
    let began = Instant::now();
    for _ in 0..deploys {
        let new = Apart::start(world, "identity");
        world.until_answer("identity", &format!("port={};", new.port));
        old.retire();
        old = new;
    }
    let took = began.elapsed();
    let [get, post] = load.map(Load::count);
    format!("{} GET, {} POST", failed(&get, took), failed(&post, took))
}

fn full_speed(world: &World, method: &'static str) -> Load {
    world.until_answer("identity", "200 OK");
    Load::with_pauses(world.address(), "identity", method, Duration::ZERO)
}

fn failed(count: &Count, took: Duration) -> String {
    let all = count.good + count.failed.len() as u64;
    let rate = u128::from(all) * 1000 / took.as_millis().max(1);
    format!("**{}** of {all} ({rate}/s)", count.failed.len())
}
