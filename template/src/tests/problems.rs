//! Every error that clients see is a problem.

use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::client::{self, send};
use super::server::Server;

#[test]
fn what_is_not_there_is_a_problem() {
    let answer = client::get(Server::start().address, "/nowhere?at=all");
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        answer.body,
        r#"{"title":"Not Found","status":404,"detail":"there is nothing at /nowhere"}"#
    );
}

#[test]
fn a_method_that_is_not_there_is_a_problem() {
    let answer = send(Server::start().address, "PUT /health/live", &[], "");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(
        answer.body,
        r#"{"title":"Method Not Allowed","status":405,"detail":"/health/live does not answer PUT"}"#
    );
}

#[test]
fn a_handler_has_limited_time() {
    let never = Router::new().route("/never", get(std::future::pending::<()>));
    let server = Server::with(never, |config| {
        config.http.timeout = Duration::from_millis(50);
    });
    let answer = client::get(server.address, "/never");
    assert_eq!(answer.status, 504);
    assert_eq!(
        answer.body,
        r#"{"title":"Gateway Timeout","status":504,"detail":"no answer within 0.05 s"}"#
    );
}

#[test]
fn a_panic_costs_one_request() {
    async fn fail() {
        panic!("on purpose");
    }
    let server = Server::with(Router::new().route("/fail", get(fail)), |_| ());
    let answer = send(server.address, "GET /fail", &["x-request-id: unlucky"], "");
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("x-request-id"), Some("unlucky"));
    assert_eq!(
        answer.body,
        r#"{"title":"Internal Server Error","status":500,"detail":"the service failed on this request"}"#
    );
    assert_eq!(client::get(server.address, "/health/live").status, 200);
}

#[test]
fn a_body_has_a_limited_size() {
    let echo = Router::new().route("/echo", post(|body: String| async { body }));
    let server = Server::with(echo, |config| config.http.body_limit_bytes = 4);
    let whole = send(server.address, "POST /echo", &[], "four");
    assert_eq!((whole.status, whole.body.as_str()), (200, "four"));
    let answer = send(server.address, "POST /echo", &[], "fiver");
    assert_eq!(answer.status, 413);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        answer.body,
        r#"{"title":"Payload Too Large","status":413,"detail":"Failed to buffer the request body: length limit exceeded"}"#
    );
}

#[test]
fn what_an_extractor_refuses_is_a_problem() {
    let twice = async |Json(number): Json<u32>| (number * 2).to_string();
    let server = Server::with(Router::new().route("/twice", post(twice)), |_| ());
    let json = ["content-type: application/json"];
    let answer = send(server.address, "POST /twice", &json, "21");
    assert_eq!((answer.status, answer.body.as_str()), (200, "42"));
    let answer = send(server.address, "POST /twice", &json, "many");
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        answer.body,
        r#"{"title":"Bad Request","status":400,"detail":"Failed to parse the request body as JSON: expected value at line 1 column 1"}"#
    );
}

#[test]
fn a_refusal_keeps_its_other_headers() {
    let busy = async || {
        (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "3")],
            "busy",
        )
    };
    let server = Server::with(Router::new().route("/busy", get(busy)), |_| ());
    let answer = client::get(server.address, "/busy");
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(
        answer.body,
        r#"{"title":"Too Many Requests","status":429,"detail":"busy"}"#
    );
}
