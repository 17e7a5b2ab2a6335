//! The format, against the golden files that other writers and readers are tested against, too.

use std::fs;

use atlas::{Health, Host, Instance, InstanceId, Realm, Reason, Release, Settings, Weight};

use crate::home::{id, instance};

fn golden(name: &str) -> String {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a golden file")
}

fn identity() -> Instance {
    Instance {
        pid: std::num::NonZeroU32::new(4711),
        release: Some("1.4.0".parse().expect("a release")),
        health: Some("/health/ready".parse().expect("a path")),
        started: "2026-11-25T10:00:00Z".parse().ok(),
        ..instance("identity@host001:5000")
    }
}

fn read(text: &str) -> Result<Instance, Reason> {
    Instance::parse(
        text.as_bytes(),
        &id("identity@host001:5000"),
        &Realm::default(),
    )
}

#[test]
fn the_golden_entry_is_read_and_written_byte_for_byte() {
    assert_eq!(identity().to_line(), golden("instance.json"));
    assert_eq!(read(&golden("instance.json")), Ok(identity()));
    assert_eq!(
        read(&golden("minimal.json")),
        Ok(instance("identity@host001:5000"))
    );
    let settings = Settings::parse(golden("settings.json").as_bytes()).expect("settings");
    assert_eq!(settings.to_line(), golden("settings.json"));
}

#[test]
fn unknown_fields_are_for_later_versions_of_this_format() {
    let text = golden("minimal.json").replace("{\"v\":1", "{\"v\":1,\"colour\":\"blue\"");
    assert_eq!(read(&text), Ok(instance("identity@host001:5000")));
}

#[test]
fn what_an_entry_says_is_what_its_place_says() {
    let with = |from: &str, to: &str| read(&golden("minimal.json").replace(from, to));
    assert_eq!(with("\"v\":1", "\"v\":2"), Err(Reason::Format(2)));
    assert_eq!(with("identity", "billing"), Err(Reason::OtherInstance));
    assert_eq!(with("5000", "5001"), Err(Reason::OtherInstance));
    assert_eq!(
        with("\"v\":1", "\"v\":1,\"host\":\"host002\""),
        Err(Reason::OtherInstance)
    );
    assert_eq!(with("local", "prod"), Err(Reason::OtherRealm));
}

#[test]
fn nothing_that_could_be_a_command_is_parsed() {
    let bad = [
        ("identity", "identity; shutdown"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "127.0.0.1;quit"),
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "::"),
        ("127.0.0.1", "224.0.0.1"),
        ("5000", "70000"),
        ("5000", "-1"),
        ("local", "lo\\ncal"),
        ("}", ",\"weight\":257}"),
        ("}", ",\"pid\":0}"),
        ("}", ",\"version\":\"1 2\"}"),
        ("}", ",\"health\":\"ready\"}"),
        ("}", ",\"health\":\"/a\\nb\"}"),
        ("}", ",\"started\":\"yesterday\"}"),
        ("}", ",\"port\":5000}"),
        ("}", ""),
    ];
    for (from, to) in bad {
        let read = read(&golden("minimal.json").replace(from, to));
        assert!(matches!(read, Err(Reason::Content(_))), "{to}: {read:?}");
    }
}

#[test]
fn names_are_what_dns_and_haproxy_take() {
    let long = "a".repeat(63);
    for name in ["a", "identity", "my-service-2", "a-", &long] {
        assert_eq!(
            name.parse::<atlas::ServiceName>()
                .map(|name| name.to_string())
                .ok()
                .as_deref(),
            Some(name)
        );
    }
    let longer = "a".repeat(64);
    for name in [
        "", "A", "1a", "-a", "a_b", "a.b", "a/b", "a;b", "a\nb", "ä", "a b", "..", &longer,
    ] {
        assert!(name.parse::<atlas::ServiceName>().is_err(), "{name:?}");
        assert!(name.parse::<Realm>().is_err(), "{name:?}");
    }
    for taken in ["ports", "claims", "services"] {
        assert!(taken.parse::<Realm>().is_err(), "{taken}");
    }
    for host in ["", "a_b", "a;b", "a/b", "a\n", "a:b", "a@b"] {
        assert!(host.parse::<Host>().is_err(), "{host:?}");
    }
    assert!("1.0; quit".parse::<Release>().is_err());
    assert!("/a#b".parse::<Health>().is_err());
    assert!(Weight::try_from(256).is_ok() && Weight::try_from(257).is_err());
    assert!(!Host::this().as_str().is_empty());
}

#[test]
fn an_instance_has_one_spelling() {
    assert_eq!(
        id("identity@host001:5000").to_string(),
        "identity@host001:5000"
    );
    for text in [
        "identity",
        "identity@host",
        "identity@host:0",
        "identity@host:05000",
        "identity@host:+5",
        "@host:1",
        "identity@:1",
        "identity@host:70000",
        "identity@host:1:2",
        "identity@host:1 ",
    ] {
        assert!(text.parse::<InstanceId>().is_err(), "{text:?}");
    }
}

#[test]
fn an_error_says_the_rule() {
    let error = "A/".parse::<atlas::ServiceName>().expect_err("no name");
    assert_eq!(
        error.to_string(),
        "`A/` is no service name: one matches `[a-z][a-z0-9-]{0,62}`"
    );
    let error = atlas::parse_port("0").expect_err("no port");
    assert_eq!(
        error.to_string(),
        "`0` is no port: one is a number from 1 to 65535"
    );
}
