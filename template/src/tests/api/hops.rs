//! Services of ours that call each other: what travels, and what callers learn of errors.

use std::time::Instant;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use super::*;
use crate::App;
use crate::api::Error;
use crate::http::Problem;
use crate::tests::client::{self, send};
use crate::tests::server::Server;

/// `GET /` asks the service `next`; errors become problems by themselves.
fn relay() -> Router<App> {
    let ask = async |State(app): State<App>| -> Result<String, Error> {
        let answer = app.api.get("service://next/").await?.success()?;
        Ok(answer.text().into_owned())
    };
    Router::new().route("/", get(ask))
}

/// A service for which `next` is at `address`.
fn before(address: SocketAddr, nobody: &Refused) -> Server {
    let sidecar = nobody.address();
    Server::with(relay(), move |config| {
        config.http.timeout = LONG;
        config.api = settings(sidecar);
        config.api.instances = [("next".parse().expect("a name"), vec![address])].into();
    })
}

#[test]
fn one_deadline_for_three_hops() {
    let nobody = Refused::new();
    let last = Hostile::acting([Act::SayAndStall(String::new())]);
    let third = before(last.address, &nobody);
    let second = before(third.address, &nobody);
    let first = before(second.address, &nobody);
    let begun = Instant::now();
    let answer = send(first.address, "GET /", &["x-deadline-ms: 600"], "");
    assert_eq!(answer.status, 504);
    assert!(begun.elapsed() < LONG / 4, "{:?}", begun.elapsed());
    let seen = last.seen();
    assert!(!seen.is_empty());
    for attempt in seen {
        let remaining: u64 = attempt.header("x-deadline-ms").parse().expect("a number");
        assert!(remaining <= 600);
    }
}

#[test]
fn one_journey_and_one_request_id_for_three_hops() {
    let nobody = Refused::new();
    let last = Hostile::acting([Act::ok()]);
    let third = before(last.address, &nobody);
    let second = before(third.address, &nobody);
    let first = before(second.address, &nobody);
    let given = [
        "x-request-id: from-outside",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ];
    let answer = send(first.address, "GET /", &given, "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    let seen = &last.seen()[0];
    assert_eq!(seen.header("x-request-id"), "from-outside");
    let parent = seen.header("traceparent");
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
}

#[test]
fn our_callers_learn_nothing_of_our_neighbours() {
    let nobody = Refused::new();
    let secret = r#"{"title":"Secret","detail":"password of next is 1234"}"#;
    let problem = Act::answer(
        "409 Conflict",
        "content-type: application/problem+json\r\n",
        secret,
    );
    for (act, status) in [
        (problem, 502),
        (Act::answer("500 Oops", "", "secret"), 502),
        (Act::Reset, 502),
        (Act::SayAndClose("secret\r\n\r\n".to_owned()), 502),
    ] {
        let last = Hostile::acting([act]);
        let answer = client::get(before(last.address, &nobody).address, "/");
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(
            answer.body,
            r#"{"title":"Bad Gateway","status":502,"detail":"a service that is needed for this failed"}"#
        );
    }
    let gone = Refused::new();
    let answer = client::get(before(gone.address(), &nobody).address, "/");
    assert_eq!(
        answer.body,
        r#"{"title":"Service Unavailable","status":503,"detail":"a service that is needed for this is not available"}"#
    );
}

#[test]
fn a_handler_that_knows_better_looks_at_the_error() {
    let ask = async |State(app): State<App>| -> Result<Json<u32>, Problem> {
        let number = app.api.get("service://next/").fetch().await;
        let number = number.map_err(|error: Error| match error.status() {
            Some(status) if status == 404 => Problem::new(status, "no such team"),
            _ => error.into(),
        })?;
        Ok(Json(number))
    };
    let nobody = Refused::new();
    let last = Hostile::acting([
        Act::answer("404 Not Found", "", ""),
        Act::answer("200 OK", "", "7"),
    ]);
    let (sidecar, address) = (nobody.address(), last.address);
    let server = Server::with(Router::new().route("/", get(ask)), move |config| {
        config.api = settings(sidecar);
        config.api.instances = [("next".parse().expect("a name"), vec![address])].into();
    });
    let answer = client::get(server.address, "/");
    assert_eq!(
        (answer.status, answer.body.contains("no such team")),
        (404, true)
    );
    assert_eq!(client::get(server.address, "/").body, "7");
}
