//! What the way through `HAProxy` adds: one keep-alive connection, direct and through, in turns.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::instance::Served;
use crate::load::one;
use crate::table::{Table, share};
use crate::world::World;

const ROUNDS: usize = 21;
const REQUESTS: usize = 1_000;

pub fn measure(table: &Table) {
    let world = World::running().expect("HAProxy");
    let served = Served::start(&world, "identity");
    world.until_written(&served);
    let direct = SocketAddr::from(([127, 0, 0, 1], served.port));
    let added = (0..ROUNDS).map(|_| {
        let [direct, through] = [direct, world.address()].map(round);
        [50, 99].map(|percent| share(&through, percent).saturating_sub(share(&direct, percent)))
    });
    let added = added.collect::<Vec<_>>();
    let median = |which: usize| {
        let of_rounds = added.iter().map(|pair| pair[which]);
        share(&of_rounds.collect::<Vec<_>>(), 50).as_micros()
    };
    let ours = format!("{} / {} µs", median(0), median(1));
    table.row([
        "the hop, added p50 / p99 (medians of 21 rounds)",
        "≤ 100 / 200 µs",
        &ours,
        "the same",
    ]);
}

fn round(at: SocketAddr) -> Vec<Duration> {
    let mut connection = None;
    let took = (0..REQUESTS).map(|_| {
        let began = Instant::now();
        let status = one(&mut connection, at, "identity", "GET").expect("an answer");
        assert_eq!(status, "200");
        began.elapsed()
    });
    took.collect()
}
