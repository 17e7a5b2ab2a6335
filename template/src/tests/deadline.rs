//! How long a caller waits, and that nobody works for one who has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::get;

use super::client::send;
use super::server::Server;
use crate::Context;

#[test]
fn the_callers_patience_bounds_the_handler() {
    let never = Router::new().route("/never", get(std::future::pending::<()>));
    let server = Server::with(never, |_| ());
    let answer = send(server.address, "GET /never", &["x-deadline-ms: 50"], "");
    assert_eq!(answer.status, 504);
    assert!(
        answer.body.contains("no answer within 0.05 s"),
        "{}",
        answer.body
    );
}

#[test]
fn nothing_is_done_for_a_caller_who_has_left() {
    let done = Arc::new(AtomicBool::new(false));
    let doing = done.clone();
    let work = async move || doing.store(true, Ordering::SeqCst);
    let server = Server::with(Router::new().route("/work", get(work)), |_| ());
    let answer = send(server.address, "GET /work", &["x-deadline-ms: 0"], "");
    assert_eq!(answer.status, 504);
    assert_eq!(
        answer.body,
        r#"{"title":"Gateway Timeout","status":504,"detail":"the caller's deadline had passed before the work began"}"#
    );
    assert!(!done.load(Ordering::SeqCst));
}

#[test]
fn handlers_see_where_they_are_on_the_journey() {
    let trace = async || Context::current().trace.to_string();
    let server = Server::with(Router::new().route("/trace", get(trace)), |_| ());
    let given = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let body = send(server.address, "GET /trace", &[given], "").body;
    assert!(
        body.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{body}"
    );
    assert!(
        body.ends_with("-00") && !body.contains("00f067aa0ba902b7"),
        "{body}"
    );
}
