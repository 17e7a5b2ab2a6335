//! Claims: given back, left by the dead, completed on their behalf.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use atlas::{Owner, Ports, Wish};

use crate::child::Generator;
use crate::world::{World, write};

/// A generator that has reserved the test's first port and then was killed with `kill -9`.
fn killed(world: &World, wish: &Wish) {
    let mut generator = Generator::start(&world.root(), wish);
    generator.go();
    assert_eq!(generator.port(), world.port(0));
    generator.kill();
}

#[test]
fn a_claim_reads_like_the_promise_it_becomes() {
    let world = World::new();
    let reservation = world.reserve(&world.wish("orders", 10));
    let port = world.port(0);
    let claim = (format!("claims/{port}"), world.promise("orders"));
    assert_eq!(
        world.files(),
        world.promised(&[]).into_iter().chain([claim]).collect()
    );
    reservation.keep().expect("a promise");
    assert_eq!(world.files(), world.promised(&[("orders", port)]));
}

#[test]
fn dropped_is_given_back() {
    let world = World::new();
    drop(world.reserve(&world.wish("orders", 10)));
    assert_eq!(world.files(), world.promised(&[]));
    assert_eq!(world.keep(&world.wish("billing", 10)), world.port(0));
}

#[test]
fn dropped_by_an_owner_that_had_it_before_stays_promised() {
    let world = World::new();
    world.keep(&world.wish("orders", 10));
    drop(world.reserve(&world.wish("orders", 10)));
    assert_eq!(world.files(), world.promised(&[("orders", world.port(0))]));
}

#[test]
fn killed_while_claimed_the_port_is_free_again() {
    let world = World::new();
    killed(&world, &world.wish("orders", 10));
    assert_eq!(
        world.atlas().peek(&world.wish("billing", 10)).ok(),
        Some(world.port(0))
    );
    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(0));
    assert_eq!(world.files(), world.promised(&[("orders", world.port(0))]));
}

#[test]
fn killed_after_publishing_the_promise_is_completed() {
    let world = World::new();
    killed(&world, &world.wish("orders", 10));
    world.publish("orders", world.port(0));

    // Looking counts it as taken and completes nothing.
    let before = world.files();
    let exact = world.wish_for("billing", Ports::Exact(world.port(0)));
    let directory = world.directory("orders");
    let text = format!(
        "port `{}` is promised to `orders` in `{}`",
        world.port(0),
        directory.display()
    );
    assert_eq!(
        world.atlas().peek(&exact).expect_err("taken").to_string(),
        text
    );
    assert_eq!(
        world.atlas().peek(&world.wish("billing", 10)).ok(),
        Some(world.port(1))
    );
    assert_eq!(world.files(), before);

    // Reserving any port completes it, and then it outlasts the service.
    assert_eq!(world.keep(&world.wish("billing", 10)), world.port(1));
    let promises = [("orders", world.port(0)), ("billing", world.port(1))];
    assert_eq!(world.files(), world.promised(&promises));
    fs::remove_dir_all(directory).expect("a service");
    assert_eq!(world.keep(&world.wish("search", 10)), world.port(2));
    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(0));
}

/// Wherever the kill falls: before the claim, while it is staked, or after.
#[test]
fn killed_at_any_moment_of_reserving_nothing_is_left() {
    let world = World::new();
    for round in 0..40 {
        let mut generator = Generator::start(&world.root(), &world.wish("orders", 10));
        generator.go();
        std::thread::sleep(Duration::from_micros(200 * round));
        generator.kill();
        let next = world.reserve(&world.wish("billing", 10));
        assert_eq!(next.port(), world.port(0));
        drop(next);
        assert_eq!(world.files(), world.promised(&[]));
    }
}

/// Wherever the kill falls: before the promise, in its middle, or after.
#[test]
fn killed_at_any_moment_of_keeping_nothing_is_lost() {
    for round in 0..40 {
        let world = World::new();
        let mut generator = Generator::start(&world.root(), &world.wish("orders", 10));
        generator.go();
        assert_eq!(generator.port(), world.port(0));
        world.publish("orders", world.port(0));
        generator.begin_to_keep();
        std::thread::sleep(Duration::from_micros(50 * round));
        generator.kill();
        assert_eq!(world.keep(&world.wish("billing", 10)), world.port(1));
        let promises = [("orders", world.port(0)), ("billing", world.port(1))];
        assert_eq!(world.files(), world.promised(&promises));
    }
}

#[test]
fn what_was_published_must_name_that_service_and_port() {
    let world = World::new();
    let port = world.port(0);
    let other = format!("[service]\nname = \"other\"\nport = {port}\n");
    let elsewhere = format!("[service]\nname = \"orders\"\nport = {}\n", port + 1);
    for manifest in [
        other,
        elsewhere,
        "[service]".into(),
        "not TOML".into(),
        String::new(),
    ] {
        killed(&world, &world.wish("orders", 10));
        write(&world.directory("orders").join("service.toml"), &manifest);
        assert_eq!(
            world.atlas().peek(&world.wish("billing", 10)).ok(),
            Some(port)
        );
    }
    // As the talk's platform writes it, on one line.
    killed(&world, &world.wish("orders", 10));
    let inline = format!("service = {{ name = \"orders\", port = {port}, version = \"0.1.0\" }}");
    write(&world.directory("orders").join("service.toml"), &inline);
    assert_eq!(
        world.atlas().peek(&world.wish("billing", 10)).ok(),
        Some(port + 1)
    );
}

#[test]
fn killed_before_the_claim_was_written_it_is_void() {
    let world = World::new();
    for half in ["", "{\"v\":1,\"service\":\"ord"] {
        world.write(&format!("claims/{}", world.port(0)), half);
        assert_eq!(
            world.atlas().peek(&world.wish("orders", 10)).ok(),
            Some(world.port(0))
        );
        drop(world.reserve(&world.wish("orders", 10)));
        assert_eq!(world.files(), world.promised(&[]));
    }
}

#[test]
fn killed_while_a_hint_was_written_nothing_is_lost() {
    let world = World::new();
    world.keep(&world.wish("orders", 10));
    world.write(".new", "{\"v\":1,\"po");
    assert_eq!(world.keep(&world.wish("billing", 10)), world.port(1));
    let promises = [("orders", world.port(0)), ("billing", world.port(1))];
    assert_eq!(world.files(), world.promised(&promises));
}

#[test]
fn a_claim_tidied_away_by_hand_is_not_kept_nor_removed_twice() {
    let world = World::new();
    let claim = world.root().join(format!("claims/{}", world.port(0)));
    let first = world.reserve(&world.wish("orders", 10));
    let second = world.reserve(&world.wish("billing", 10));
    fs::remove_file(&claim).expect("a claim");
    let third = world.reserve(&world.wish("search", 10));
    assert_eq!(
        (second.port(), third.port()),
        (world.port(1), world.port(0))
    );

    let error = first.keep().expect_err("the claim is somebody else's");
    let text = format!(
        "claim `{}` was removed while the service was made",
        claim.display()
    );
    assert_eq!(error.to_string(), text);
    third.keep().expect("a promise");
    drop(second);
    assert_eq!(world.files(), world.promised(&[("search", world.port(0))]));
}

#[test]
fn a_directory_that_is_not_utf_8_is_the_same_directory() {
    let world = World::new();
    let name = std::ffi::OsString::from_vec(b"caf\xe9".to_vec());
    let mut wish = world.wish("orders", 10);
    wish.owner = Owner::new("orders", world.directory("x").join(name)).expect("valid");
    assert_eq!(world.keep(&wish), world.port(0));
    assert_eq!(world.keep(&wish), world.port(0));
    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(1));
}
