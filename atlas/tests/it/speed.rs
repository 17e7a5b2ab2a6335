//! Ten thousand promises must not be felt. The numbers: `cargo test --release speed -- --nocapture`.

use std::io::Write;
use std::time::{Duration, Instant};

use atlas::{Atlas, Ports};

use crate::world::World;

const PROMISES: u16 = 10_000;
const ROUNDS: usize = 50;

#[test]
fn ten_thousand_promises() {
    let world = World::new();
    for port in 1..=PROMISES {
        world.write(&format!("ports/{port}"), &world.promise("orders"));
    }
    let range = world.wish_for("billing", Ports::Range(1..=world.port(10)));
    let atlas = world.atlas();
    let port = atlas.peek(&range).expect("a free port");
    assert!(port > PROMISES);

    let looked = median(|| drop(atlas.peek(&range)));
    let claimed = median(|| drop(atlas.reserve(port, &range).expect("free")));
    let kept = median(|| {
        atlas
            .reserve(port, &range)
            .and_then(atlas::Reservation::keep)
            .expect("free");
    });
    let out = &mut std::io::stdout();
    writeln!(
        out,
        "10,000 promises: peek {looked:?}, reserve and give back {claimed:?}, reserve and keep {kept:?}"
    )
    .expect("a listener");
    // Generous: this may be a debug build on a busy machine.
    assert!(looked + claimed < Duration::from_millis(100));
}

#[test]
fn with_hardly_any() {
    let world = World::new();
    let wish = world.wish("orders", 10);
    let atlas: Atlas = world.atlas();
    let port = world.keep(&wish);
    let looked = median(|| drop(atlas.peek(&wish)));
    let claimed = median(|| drop(atlas.reserve(port, &wish).expect("free")));
    let kept = median(|| {
        atlas
            .reserve(port, &wish)
            .and_then(atlas::Reservation::keep)
            .expect("free");
    });
    writeln!(
        std::io::stdout(),
        "one promise: peek {looked:?}, reserve and give back {claimed:?}, reserve and keep {kept:?}"
    )
    .expect("a listener");
}

fn median(mut act: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            act();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
