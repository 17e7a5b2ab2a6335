//! What is there without a route of anybody's own.

use super::client;
use super::server::Server;
use crate::{NAME, VERSION};

#[test]
fn hello_says_who_is_there() {
    let answer = client::get(Server::start().address, "/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = format!(r#"{{"name":"{NAME}","version":"{VERSION}","realm":"local"}}"#);
    assert_eq!(answer.body, expected);
}

#[test]
fn live_stays_while_ready_goes() {
    let server = Server::start();
    let ask = |path| {
        let answer = client::get(server.address, path);
        (answer.status, answer.body)
    };
    let live = (200, r#"{"status":"live"}"#.to_owned());
    assert_eq!(ask("/health/live"), live);
    server.app.drain();
    assert_eq!(ask("/health/live"), live);
    assert_eq!(
        ask("/health/ready"),
        (503, r#"{"status":"draining","checks":[]}"#.to_owned())
    );
}

#[test]
fn info_says_which_service_this_is() {
    let answer = client::get(Server::start().address, "/info");
    let info: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(info["name"], NAME);
    assert_eq!(info["version"], VERSION);
    assert_eq!(info["realm"], "local");
    assert!(info["uptime_seconds"].is_u64());
    let record: toml::Table = include_str!("../../service.toml").parse().expect("TOML");
    let field = |name| record["template"][name].as_str().expect("a text");
    let template = format!("{} {}", field("name"), field("version"));
    assert_eq!(info["template"], template);
}

#[test]
fn the_check_that_the_record_names_is_there() {
    let record: toml::Table = include_str!("../../service.toml").parse().expect("TOML");
    let path = record["service"]["health"].as_str().expect("a path");
    // 503 where something is missing.
    assert_ne!(client::get(Server::start().address, path).status, 404);
}
