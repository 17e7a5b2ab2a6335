//! What `/metrics` says. The numbers are the process's: tests count with routes of their
//! own.

use axum::Router;
use axum::routing::get;

use super::client::{self, send};
use super::server::Server;
use crate::{NAME, VERSION};

fn lines(server: &Server) -> Vec<String> {
    let answer = client::get(server.address, "/metrics");
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").expect("a type");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    answer.body.lines().map(str::to_owned).collect()
}

fn assert_line(lines: &[String], line: &str) {
    let text = lines.join("\n");
    assert!(lines.iter().any(|other| other == line), "{line} in {text}");
}

#[test]
fn requests_are_counted_by_route_and_status() {
    let server = Server::with(
        Router::new().route("/counted/{id}", get(async || "one")),
        |_| (),
    );
    client::get(server.address, "/counted/1");
    client::get(server.address, "/counted/2");
    send(server.address, "PUT /counted/3", &[], "");
    let lines = lines(&server);
    let get = r#"method="GET",route="/counted/{id}""#;
    assert_line(
        &lines,
        &format!(r#"http_requests_total{{{get},status="200"}} 2"#),
    );
    let put = r#"method="PUT",route="/counted/{id}",status="405""#;
    assert_line(&lines, &format!("http_requests_total{{{put}}} 1"));
    assert_line(&lines, &format!("http_requests_in_flight{{{get}}} 0"));
    let count = "http_request_duration_seconds_count";
    assert_line(&lines, &format!(r#"{count}{{{get},status="200"}} 2"#));
    let build = format!(r#"build_info{{name="{NAME}",version="{VERSION}"}} 1"#);
    assert_line(&lines, &build);
}

#[test]
fn what_callers_invent_shares_a_label() {
    let server = Server::start();
    for path in ["/invented", "/invented/too"] {
        send(server.address, &format!("INVENT {path}"), &[], "");
    }
    let text = lines(&server).join("\n");
    assert!(!text.to_lowercase().contains("invent"), "{text}");
    assert!(
        text.contains(r#"{method="other",route="unmatched",status="404"}"#),
        "{text}"
    );
}

#[cfg(feature = "api")]
#[test]
fn calls_of_other_services_are_counted() {
    let server = Server::start();
    let calls = crate::metrics::calls();
    calls.end("counted", "ok", 2);
    calls.end("counted", "timeout", 0);
    for number in 0..200 {
        calls.end(&format!("crowd-{number}"), "ok", 0);
    }
    let lines = lines(&server);
    for (outcome, number) in [("ok", 1), ("timeout", 1)] {
        let labels = format!(r#"service="counted",outcome="{outcome}""#);
        assert_line(
            &lines,
            &format!("client_requests_total{{{labels}}} {number}"),
        );
    }
    assert_line(&lines, r#"client_retries_total{service="counted"} 2"#);
    let crowd = lines
        .iter()
        .filter(|line| line.starts_with(r#"client_requests_total{service="crowd"#));
    assert!(crowd.count() <= 100);
}
