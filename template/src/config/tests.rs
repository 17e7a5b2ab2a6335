//! The layers, their order, and the words of every refusal.

mod anything;

use std::time::Duration;

use super::environment::variable;
use super::*;

/// Names this crate's own targets.
const OWN_FILTER: &str = concat!("warn,", env!("CARGO_CRATE_NAME"), "=debug");

fn environment(settings: &[(&str, &str)]) -> Environment {
    let named = settings.iter().map(|&(key, value)| (variable(key), value));
    named.collect()
}

fn config(settings: &[(&str, &str)]) -> Config {
    load(&environment(settings)).unwrap().1
}

fn record() -> toml::Table {
    include_str!("../../service.toml").parse().unwrap()
}

fn refusal(settings: &[(&str, &str)]) -> String {
    load(&environment(settings)).unwrap_err().to_string()
}

#[test]
fn without_a_file_there_are_defaults_and_the_port_of_the_record() {
    // The local realm needs no file, so any directory without one will do.
    let (realm, config) = load(&environment(&[("CONFIG_DIR", "src")])).unwrap();
    let port = config.port;
    assert!(realm.is_local());
    assert_eq!(config.address().to_string(), format!("127.0.0.1:{port}"));
    assert_eq!(record()["service"]["port"].as_integer(), Some(port.into()));
    assert_eq!(config.log, Log::default());
    assert_eq!(config.http, Http::default());
    assert_eq!(config.shutdown, Shutdown::default());
}

#[test]
fn the_record_and_the_manifest_agree() {
    let description = env!("CARGO_PKG_DESCRIPTION");
    assert_eq!(record()["service"]["name"].as_str(), Some(crate::NAME));
    assert_eq!(
        record()["service"]["description"].as_str(),
        Some(description)
    );
}

#[test]
fn every_realm_file_that_ships_can_be_used() {
    for file in std::fs::read_dir("config").unwrap() {
        let path = file.unwrap().path();
        let realm = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(
            load(&environment(&[("REALM", realm)])).unwrap().0.as_str(),
            realm
        );
    }
}

#[test]
fn the_environment_sets_nested_keys_and_numbers() {
    let config = config(&[
        ("HOST", "::1"),
        ("PORT", "5017"),
        ("HTTP__TIMEOUT_SECONDS", "7"),
        ("HTTP__BODY_LIMIT_BYTES", "10"),
        ("HTTP__CONCURRENCY_LIMIT", "3"),
        ("HEALTH__CACHE_SECONDS", "0"),
        ("LOG__FILTER", OWN_FILTER),
        ("LOG__FORMAT", "json"),
        ("SHUTDOWN__DRAIN_SECONDS", "1"),
        ("SHUTDOWN__GRACE_SECONDS", "2"),
    ]);
    assert_eq!(config.address(), "[::1]:5017".parse().unwrap());
    assert_eq!(config.http.timeout, Duration::from_secs(7));
    assert_eq!(config.http.body_limit_bytes, 10);
    assert_eq!(config.http.concurrency_limit.get(), 3);
    assert_eq!(config.health.cache, Duration::ZERO);
    assert_eq!(config.log.filter, OWN_FILTER.parse().unwrap());
    assert_eq!(config.log.format, Format::Json);
    assert_eq!(config.shutdown.drain, Duration::from_secs(1));
    assert_eq!(config.shutdown.grace, Duration::from_secs(2));
}

#[test]
fn the_platforms_port_yields_only_to_our_own() {
    let platform = [("PORT".to_owned(), "6001")];
    let own = (variable("PORT"), "6002");
    let port = |variables: Environment| load(&variables).unwrap().1.port;
    assert_eq!(port(platform.clone().into_iter().collect()), 6001);
    assert_eq!(port(platform.into_iter().chain([own]).collect()), 6002);
}

#[test]
fn refusals_name_the_key_and_the_variable() {
    let cases = [
        (
            "PORT",
            "abc",
            r#"invalid port: found string "abc", expected u16"#,
        ),
        (
            "PORT",
            "70000",
            "invalid port: found number 70000, expected u16",
        ),
        ("PORT", "-1", "invalid port: found number -1, expected u16"),
        ("PORT", "", r#"invalid port: found string "", expected u16"#),
        ("HOST", "here", "invalid host: invalid IP address syntax"),
        (
            "LOG__FORMAT",
            "xml",
            r#"invalid log.format: found string "xml", expected one of auto, human, json"#,
        ),
        (
            "LOG",
            "info",
            r#"invalid log: found string "info", expected a table"#,
        ),
        (
            "HTTP__TIMEOUT_SECONDS",
            "0",
            "invalid http.timeout_seconds: found number 0, expected a nonzero u64",
        ),
        (
            "SHUTDOWN__NOW",
            "1",
            "unknown key shutdown.now: expected one of drain_seconds, grace_seconds",
        ),
        (
            "REALM",
            "../prod",
            r#"invalid realm: found string "../prod", expected a name like local, test or prod"#,
        ),
    ];
    for (key, value, problem) in cases {
        let expected = format!("{problem}, in environment variable {}", variable(key));
        assert_eq!(refusal(&[(key, value)]), expected);
    }
}

#[test]
fn a_refused_filter_comes_with_one_for_our_own_lines() {
    let problem = r#"invalid log.filter: found string "loud""#;
    let expected = format!("{problem}, expected levels such as info or {OWN_FILTER}");
    let origin = format!("in environment variable {}", variable("LOG__FILTER"));
    let refusal = refusal(&[("LOG__FILTER", "loud")]);
    assert_eq!(refusal, format!("{expected}, {origin}"));
}

#[test]
fn an_unknown_key_is_refused_at_any_depth() {
    for (key, dotted) in [("COLOUR", "colour"), ("LOG__LEVEL", "log.level"), ("", "")] {
        let refusal = refusal(&[(key, "1")]);
        let start = format!("unknown key {dotted}: expected one of ");
        let end = format!(", in environment variable {}", variable(key));
        assert!(refusal.starts_with(&start), "{refusal}");
        assert!(refusal.ends_with(&end), "{refusal}");
    }
}

#[test]
fn a_directory_that_exists_must_know_the_realm() {
    let expected = "cannot read config/prdo.toml: No such file or directory (os error 2)";
    assert_eq!(refusal(&[("REALM", "prdo")]), expected);
}

#[test]
fn a_directory_that_was_named_must_exist() {
    let expected = "cannot read nowhere/local.toml: No such file or directory (os error 2)";
    assert_eq!(refusal(&[("CONFIG_DIR", "nowhere")]), expected);
}

#[test]
fn the_record_is_a_layer_like_the_others() {
    let extract = |text: &str| -> Result<Config, Error> {
        Ok(Figment::new().merge(Layer::record(text)?).extract_lossy()?)
    };
    let refusal = |text: &str| extract(text).unwrap_err().to_string();
    assert_eq!(extract("service.port = 5004").unwrap().port, 5004);
    assert_eq!(
        refusal("service.port = true"),
        "invalid port: found bool true, expected u16, in service.toml"
    );
    assert_eq!(
        refusal("[service]"),
        "missing port: it has no default, set it"
    );
    assert_eq!(
        refusal("[service]\nport = \n"),
        "invalid syntax: string values must be quoted, expected literal string, in service.toml, line 2"
    );
}
