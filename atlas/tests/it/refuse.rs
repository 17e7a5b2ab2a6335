//! Who has the port, in words, and what to type.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use atlas::{Counts, Error, Owner, Ports};

use crate::world::{World, told};

/// What somebody hears who insists on the test's first port.
fn refused(world: &World) -> (String, Option<String>) {
    let wish = world.wish_for("search", Ports::Exact(world.port(0)));
    told(&world.atlas().peek(&wish).expect_err("a refusal"))
}

#[test]
fn promised_to_a_service_that_lives_or_is_gone() {
    let world = World::new();
    world.keep(&world.wish("orders", 1));
    world.publish("orders", world.port(0));
    let (port, directory) = (world.port(0), world.directory("orders"));
    let text = format!(
        "port `{port}` is promised to `orders` in `{}`",
        directory.display()
    );
    assert_eq!(refused(&world), (text.clone(), None));

    fs::remove_dir_all(&directory).expect("a service");
    let help = format!("rm {}/ports/{port}", world.root().display());
    assert_eq!(refused(&world), (text, Some(help)));
}

#[test]
fn claimed_right_now() {
    let world = World::new();
    let _live = world.reserve(&world.wish("orders", 1));
    let (port, directory) = (world.port(0), world.directory("orders"));
    let directory = directory.display();
    let text = format!("port `{port}` is being claimed right now for `orders` in `{directory}`");
    let help = format!("fuser -v {}/claims/{port}", world.root().display());
    assert_eq!(refused(&world), (text, Some(help)));
}

#[test]
fn listened_on() {
    let world = World::new();
    let port = world.port(0);
    let _listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let text = format!("port `{port}` is in use: a program on this machine is listening on it");
    assert_eq!(
        refused(&world),
        (text, Some(format!("ss -ltnp 'sport = :{port}'")))
    );
}

#[test]
fn named_by_a_sibling() {
    let world = World::new();
    let port = world.port(0);
    let mut wish = world.wish_for("search", Ports::Exact(port));
    wish.taken
        .insert(port, PathBuf::from("/services/a/service.toml"));
    let error = world.atlas().peek(&wish).expect_err("a refusal");
    let text = format!("port `{port}` is named in `/services/a/service.toml`");
    assert_eq!(told(&error), (text, None));
}

#[test]
fn lost_between_peek_and_reserve() {
    let world = World::new();
    let (mine, theirs) = (world.wish("orders", 10), world.wish("billing", 10));
    let port = world.atlas().peek(&mine).expect("a free port");
    world.keep(&theirs);
    let error = world.atlas().reserve(port, &mine).expect_err("a loss");
    assert!(matches!(error, Error::Lost { .. }));
    let directory = world.directory("billing");
    let directory = directory.display();
    let text =
        format!("port `{port}` is no longer free: it is promised to `billing` in `{directory}`");
    assert_eq!(error.to_string(), text);
    assert_eq!(world.files(), world.promised(&[("billing", port)]));
    assert_eq!(world.keep(&mine), world.port(1));
}

#[test]
fn exhausted_counts_the_reasons() {
    let world = World::new();
    world.keep(&world.wish("orders", 10));
    world.keep(&world.wish("billing", 10));
    let _live = world.reserve(&world.wish("api", 10));
    let _listener = TcpListener::bind(("127.0.0.1", world.port(3))).expect("a free port");
    let mut wish = world.wish("search", 5);
    wish.taken
        .insert(world.port(4), PathBuf::from("/services/a/service.toml"));

    let error = world.atlas().peek(&wish).expect_err("nothing is free");
    let (first, last) = (world.port(0), world.port(4));
    let text = format!(
        "no port from `{first}` to `{last}` is free: 2 promised to services, \
         1 being claimed right now, 1 named by neighbours, 1 listened on"
    );
    assert_eq!(told(&error), (text, None));
    let Error::Exhausted { range, counts } = error else {
        panic!("{error:?}");
    };
    assert_eq!(range, first..=last);
    let expected = Counts {
        promised: 2,
        claimed: 1,
        siblings: 1,
        listened: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[test]
fn ones_own_port_is_counted_once() {
    let world = World::new();
    let wish = world.wish("orders", 1);
    let port = world.keep(&wish);
    let _listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let text = format!("no port from `{port}` to `{port}` is free: 1 listened on");
    let error = world.atlas().peek(&wish).expect_err("nothing is free");
    assert_eq!(told(&error), (text, None));
}

#[test]
fn wishes_that_make_no_sense() {
    let world = World::new();
    let zero = world.wish_for("orders", Ports::Exact(0));
    let text = "port `0` is not a port that a service can have".to_owned();
    assert_eq!(
        told(&world.atlas().peek(&zero).expect_err("refused")),
        (text, None)
    );

    let backwards = world.wish_for("orders", Ports::Range(world.port(1)..=world.port(0)));
    let (first, last) = (world.port(1), world.port(0));
    let text = format!("no port from `{first}` to `{last}` is free: the range is empty");
    assert_eq!(
        told(&world.atlas().peek(&backwards).expect_err("refused")),
        (text, None)
    );
}

#[test]
fn owners_that_could_not_be_keys() {
    let long = "a".repeat(64);
    for name in [
        "", ".", "..", "a/b", "../x", "-a", "9a", "A", "a\n", "ä", ".new", &long,
    ] {
        let error = Owner::new(name, "/services/x").expect_err(name);
        let name = name.escape_debug();
        let text = format!("service name `{name}` does not match `[a-z][a-z0-9-]{{0,62}}`");
        assert_eq!(error.to_string(), text);
    }
    assert!(Owner::new("a".repeat(63), "/services/x").is_ok());
    let error = Owner::new("orders", "services/orders").expect_err("relative");
    assert_eq!(
        error.to_string(),
        "service directory `services/orders` is not absolute"
    );
}
