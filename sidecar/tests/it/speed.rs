//! How long it takes. The bounds are loose, since machines of tests are busy; the numbers are told.

use std::thread;
use std::time::{Duration, Instant};

use crate::instance::{Apart, Served};
use crate::world::{World, tell};

/// Spare backends are 64, so all of these come without a reload.
const SERVICES: usize = 50;
const KILLS: usize = 12;

#[test]
fn a_brand_new_service_is_called_within_milliseconds() {
    let Some(world) = World::running() else {
        return;
    };
    let mut took = Vec::new();
    let mut served = Vec::new();
    for number in 0..SERVICES {
        let service = format!("new{number}");
        let one = Served::prepare(&service);
        let began = Instant::now();
        served.push(one.register(&world.store()));
        while !world.get(&service).contains("200 OK") {
            assert!(began.elapsed() < Duration::from_secs(5), "{}", world.log());
        }
        took.push(began.elapsed());
    }
    let median = told("new service to first answer", took);
    assert!(median < Duration::from_millis(100), "{median:?}");
}

#[test]
fn a_killed_instance_is_out_within_milliseconds() {
    let Some(world) = World::running() else {
        return;
    };
    let _stays = Served::start(&world, "identity");
    let mut took = Vec::new();
    for _ in 0..KILLS {
        let mut dies = Apart::start(&world, "identity");
        world.until("two are ready", || world.status().contains("\"ready\":2"));
        let began = Instant::now();
        dies.signal_kill();
        while !world.status().contains("\"ready\":1") {
            assert!(began.elapsed() < Duration::from_secs(5), "{}", world.log());
            thread::sleep(Duration::from_micros(100));
        }
        took.push(began.elapsed());
    }
    let median = told("kill -9 to out of rotation", took);
    assert!(median < Duration::from_millis(100), "{median:?}");
}

pub fn told(what: &str, mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    let median = took[took.len() / 2];
    let p99 = took[(took.len() * 99).div_ceil(100) - 1];
    tell(&format!(
        "{what}: median {median:?}, p99 {p99:?} of {}",
        took.len()
    ));
    median
}
