//! What is refused before a handler sees it.

use std::io::Read;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::Semaphore;

use super::client::{self, PATIENCE, send};
use super::server::Server;

#[test]
fn a_head_has_a_limited_size() {
    let routes = Router::new().route("/", get(async || "hello"));
    let server = Server::with(routes, |config| config.http.head_limit_bytes = 1000);
    let large = format!("x-large: {}", "x".repeat(1000));
    let answer = send(server.address, "GET /", &[&large], "");
    assert_eq!(answer.status, 431);
    assert_eq!(
        answer.body,
        r#"{"title":"Request Header Fields Too Large","status":431,"detail":"path and headers exceed 1000 bytes"}"#
    );
    assert_eq!(client::get(server.address, "/").status, 200);
}

#[test]
fn more_requests_than_there_are_places_are_shed() {
    let gate = Arc::new(Semaphore::new(0));
    let (enter, entered) = channel();
    let waiting = gate.clone();
    let slow = async move || {
        enter.send(()).expect("a test that listens");
        drop(waiting.acquire().await);
    };
    let server = Server::with(Router::new().route("/slow", get(slow)), |config| {
        config.http.concurrency_limit = NonZeroUsize::MIN;
    });
    let address = server.address;
    let request = thread::spawn(move || client::get(address, "/slow"));
    entered.recv_timeout(PATIENCE).expect("a request at work");
    let answer = client::get(address, "/slow");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(
        answer.body,
        r#"{"title":"Service Unavailable","status":503,"detail":"too many requests at once, try again"}"#
    );
    assert_eq!(client::get(address, "/health/live").status, 200);
    gate.close();
    assert_eq!(request.join().expect("an answer").status, 200);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = Server::with(Router::new(), |config| {
        config.http.idle_timeout = Duration::from_millis(50);
    });
    let mut idle = TcpStream::connect(server.address).expect("a connection");
    idle.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut text = String::new();
    idle.read_to_string(&mut text).expect("an end");
    assert_eq!(text, "");
}
