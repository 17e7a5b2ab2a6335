//! Which port one gets.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use atlas::ports::{Caution, caution};
use atlas::{Counts, Error, Ports};

use crate::ground::is_free;
use crate::world::World;

#[test]
fn first_fit_and_what_it_leaves() {
    let world = World::new();
    for (distance, service) in ["orders", "billing", "search"].into_iter().enumerate() {
        let port = world.keep(&world.wish(service, 10));
        assert_eq!(port, world.port(u16::try_from(distance).expect("small")));
    }
    let promises = [
        ("orders", world.port(0)),
        ("billing", world.port(1)),
        ("search", world.port(2)),
    ];
    assert_eq!(world.files(), world.promised(&promises));
}

#[test]
fn a_released_port_is_given_again() {
    let world = World::new();
    world.keep(&world.wish("orders", 10));
    world.keep(&world.wish("billing", 10));
    fs::remove_file(world.root().join(format!("ports/{}", world.port(0)))).expect("a promise");
    assert_eq!(world.keep(&world.wish("search", 10)), world.port(0));
}

#[test]
fn peek_leaves_no_trace() {
    let world = World::new();
    assert_eq!(
        world.atlas().peek(&world.wish("orders", 10)).ok(),
        Some(world.port(0))
    );
    assert!(!world.root().exists());
    assert_eq!(world.atlas().oddities().ok(), Some(Vec::new()));
    assert!(!world.root().exists());

    world.keep(&world.wish("orders", 10));
    let before = world.files();
    assert_eq!(
        world.atlas().peek(&world.wish("billing", 10)).ok(),
        Some(world.port(1))
    );
    assert_eq!(world.files(), before);
}

#[test]
fn listeners_of_either_family_are_seen() {
    let world = World::new();
    let _v4 = TcpListener::bind(("127.0.0.1", world.port(0))).expect("a free port");
    let _all_v4 = TcpListener::bind(("0.0.0.0", world.port(1))).expect("a free port");
    // Where there is no IPv6, nobody can listen on it.
    let v6 = TcpListener::bind(("::1", world.port(2)));
    let expected = world.port(if v6.is_ok() { 3 } else { 2 });
    assert_eq!(
        world.atlas().peek(&world.wish("orders", 10)).ok(),
        Some(expected)
    );
}

/// Two runs whose registries share no lock, as dry runs on a fresh machine do.
#[test]
fn looks_do_not_disturb_each_other() {
    let world = World::new();
    let look = || {
        (0..2_000)
            .map(|_| {
                world
                    .atlas()
                    .peek(&world.wish("orders", 10))
                    .expect("a free port")
            })
            .filter(|port| *port != world.port(0))
            .count()
    };
    let misled = std::thread::scope(|scope| {
        let looks = [scope.spawn(look), scope.spawn(look), scope.spawn(look)];
        looks.map(|look| look.join().expect("no panic"))
    });
    assert_eq!(misled, [0, 0, 0]);
}

#[test]
fn ports_of_siblings_are_left_out() {
    let world = World::new();
    let mut wish = world.wish("orders", 10);
    wish.taken
        .insert(world.port(0), PathBuf::from("/services/a/service.toml"));
    wish.taken
        .insert(world.port(1), PathBuf::from("/services/b/service.toml"));
    assert_eq!(world.keep(&wish), world.port(2));
}

#[test]
fn ports_that_browsers_block_are_skipped() {
    let world = World::new();
    let sip = world.wish_for("orders", Ports::Range(5060..=5062));
    let peeked = world.atlas().peek(&sip);
    if is_free(5062) {
        assert_eq!(peeked.ok(), Some(5062));
    }
    assert_eq!(
        exhausted(&world, 5060..=5061),
        Counts {
            browsers: 2,
            ..Counts::default()
        }
    );
    assert_eq!(caution(5060), Some(Caution::Browsers));
    assert_eq!(caution(5062), None);
}

#[test]
fn the_ephemeral_range_is_skipped() {
    let world = World::new();
    let proc = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("Linux");
    let bounds: Vec<u16> = proc
        .split_whitespace()
        .map(|n| n.parse().expect("a port"))
        .collect();
    let four = bounds[0]..=bounds[0] + 3;
    assert_eq!(
        exhausted(&world, four),
        Counts {
            ephemeral: 4,
            ..Counts::default()
        }
    );
    assert_eq!(caution(bounds[0] - 1), None);
    assert_eq!(caution(bounds[0]), Some(Caution::Ephemeral));
    assert_eq!(caution(bounds[1]), Some(Caution::Ephemeral));
}

#[test]
fn an_exact_wish_overrules_a_caution() {
    let world = World::new();
    for port in [5060, 6566, 40_000] {
        assert!(caution(port).is_some());
        if is_free(port) {
            assert_eq!(
                world.keep(&world.wish_for("orders", Ports::Exact(port))),
                port
            );
        }
    }
}

#[test]
fn a_service_generated_anew_gets_its_port_back() {
    let world = World::new();
    world.keep(&world.wish("billing", 10));
    world.keep(&world.wish("orders", 10));
    fs::remove_file(world.root().join(format!("ports/{}", world.port(0)))).expect("a promise");

    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(1));
    let exact = world.wish_for("orders", Ports::Exact(world.port(1)));
    assert_eq!(world.keep(&exact), world.port(1));
}

#[test]
fn but_not_elsewhere_nor_out_of_range_nor_by_a_stale_hint() {
    let world = World::new();
    world.keep(&world.wish("orders", 10));

    let mut elsewhere = world.wish("orders", 10);
    elsewhere.owner =
        atlas::Owner::new("orders", world.directory("orders").join("2")).expect("valid");
    assert_eq!(world.atlas().peek(&elsewhere).ok(), Some(world.port(1)));

    let beyond = world.wish_for("orders", Ports::Range(world.port(5)..=world.port(9)));
    assert_eq!(world.atlas().peek(&beyond).ok(), Some(world.port(5)));

    let stale = world.hint("billing", world.port(0));
    world.write("services/billing", &stale);
    assert_eq!(
        world.atlas().peek(&world.wish("billing", 10)).ok(),
        Some(world.port(1))
    );
}

fn exhausted(world: &World, range: std::ops::RangeInclusive<u16>) -> Counts {
    match world
        .atlas()
        .peek(&world.wish_for("orders", Ports::Range(range)))
    {
        Err(Error::Exhausted { counts, .. }) => counts,
        other => panic!("{other:?}"),
    }
}
