//! `--dry-run`, `--once`, `check`, and the exit codes.

use std::fs;
use std::path::Path;

use atlas::{Registration, Store};

use crate::instance::instance;
use crate::world::{World, has_haproxy};

fn registered(world: &World) -> Vec<Box<dyn Registration>> {
    let entries = [
        ("identity", 5000, "host001"),
        ("identity", 5000, "host002"),
        ("search", 9200, "host001"),
    ];
    entries
        .iter()
        .map(|(service, port, host)| {
            let mut instance = instance(service, *port);
            instance.id.host = host.parse().expect("a host");
            instance.draining = *host == "host002";
            world.store().register(&instance).expect("a registration")
        })
        .collect()
}

#[test]
fn the_configuration_is_the_golden_one() {
    let world = World::new();
    let _registered = registered(&world);
    let printed = world.run(&["--dry-run"]);
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(printed.stderr, b"");
    let mut text = String::from_utf8(printed.stdout).expect("a text");
    let runtime = world.runtime().display().to_string();
    text = text.replace(&runtime, "/run/atlas");
    for (port, usual) in world.ports.iter().zip([4000, 4001, 4002]) {
        text = text.replace(
            &format!("127.0.0.1:{port}\n"),
            &format!("127.0.0.1:{usual}\n"),
        );
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/haproxy.cfg");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).expect("a golden file");
    }
    let golden = fs::read_to_string(golden).expect("a golden file");
    assert_eq!(text, golden, "UPDATE_GOLDEN=1 writes it anew");
    assert!(
        !world.file("haproxy.cfg").exists(),
        "a dry run touches nothing"
    );
}

#[test]
fn once_writes_and_check_lets_haproxy_look() {
    if !has_haproxy() {
        return;
    }
    let world = World::new();
    let _registered = registered(&world);
    let checked = world.run(&["check"]);
    assert!(checked.status.success(), "{checked:?}");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(
        said,
        "2 services, 2 of 3 instances ready; HAProxy takes the configuration\n"
    );
    assert!(
        !world.file("haproxy.cfg").exists(),
        "it was written elsewhere"
    );
    let once = world.run(&["--once"]);
    assert!(once.status.success(), "{once:?}");
    let map = fs::read_to_string(world.file("services.map")).expect("a map");
    assert_eq!(map, "identity be_identity\nsearch be_search\n");
    let first = fs::metadata(world.file("haproxy.cfg")).expect("a file");
    assert!(world.run(&["--once"]).status.success());
    let second = fs::metadata(world.file("haproxy.cfg")).expect("a file");
    let inode = std::os::unix::fs::MetadataExt::ino;
    assert_eq!(
        inode(&first),
        inode(&second),
        "equal state is not written again"
    );
}

#[test]
fn failures_have_a_code_and_a_line_of_help() {
    let mut world = World::new();
    for (words, code, says) in [
        (
            vec!["--haproxy", "/nowhere/haproxy"],
            9,
            "there is no `/nowhere/haproxy`",
        ),
        (vec!["--header", "x;y"], 2, "a header's name"),
        (vec!["--connect", "1h"], 2, "is no time"),
        (vec!["--realm", "a;b"], 2, "is no realm"),
    ] {
        let output = world.run(&words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    }
    world.ports[1] = world.ports[0];
    let output = world.run(&[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("help: sidecar --help"), "{said}");
}
