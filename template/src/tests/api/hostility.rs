//! What servers do wrong: one row each.

use std::time::{Duration, Instant};

use axum::http::Method;

use super::*;
use crate::api::{Error, Reason, Response};

/// A row: what the server does, and for each kind of method the outcome and how many
/// requests the server saw.
struct Row {
    name: &'static str,
    acts: Vec<Act>,
    get: (&'static str, usize),
    post: (&'static str, usize),
}

fn row(
    name: &'static str,
    acts: impl Into<Vec<Act>>,
    get: (&'static str, usize),
    post: (&'static str, usize),
) -> Row {
    let acts = acts.into();
    Row {
        name,
        acts,
        get,
        post,
    }
}

/// Connections that break. Rows of one act that does not stop have three attempts: two
/// retries are allowed here.
fn broken() -> Vec<Row> {
    let ok = Act::ok;
    let close = || Act::SayAndClose(String::new());
    let half_head = || Act::SayAndClose("HTTP/1.1 200 OK\r\ncontent-le".into());
    let half = || Act::SayAndClose("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour".into());
    let only_100 = || Act::SayAndClose("HTTP/1.1 100 Continue\r\n\r\n".into());
    let (once, always, post) = (("200", 2), ("broken", 3), ("broken", 1));
    vec![
        row("nothing", [ok()], ("200", 1), ("200", 1)),
        row(
            "closed unread",
            [Act::CloseUnread, ok()],
            ("200", 1),
            ("broken", 0),
        ),
        row("closed once", [close(), ok()], once, post),
        row("closed always", [close()], always, post),
        row("reset once", [Act::Reset, ok()], once, post),
        row("reset always", [Act::Reset], always, post),
        row("half a head once", [half_head(), ok()], once, post),
        row("half a head always", [half_head()], always, post),
        row("half a body once", [half(), ok()], once, post),
        row("half a body always", [half()], always, post),
        row("only 100", [only_100(), ok()], once, post),
    ]
}

/// Answers that are none, or are too much: the next one would be no better.
fn unusable() -> Vec<Row> {
    let head = "HTTP/1.1 200 OK\r\n";
    let garbage = Act::SayAndClose("\x16\x03\x01 this is no http\r\n\r\n".into());
    let lines = Act::SayForever(head.into(), "x-more: more\r\n".repeat(99));
    let line = Act::SayForever(format!("{head}x-long: "), "x".repeat(999));
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    let huge = Act::SayForever(format!("{head}transfer-encoding: chunked\r\n\r\n"), chunk);
    let announced = Act::SayAndStall(format!("{head}content-length: 99999\r\n\r\n"));
    let slow = Act::Trickle(format!("{head}content-length: 3\r\n\r\n"), "abc".into());
    let (garbled, large) = (("garbage", 1), ("too large", 1));
    vec![
        row("garbage", [garbage], garbled, garbled),
        row("endless headers", [lines], garbled, garbled),
        row("an endless header", [line], garbled, garbled),
        row("a huge body", [huge], large, large),
        row("a huge body announced", [announced], large, large),
        row("a slow trickle", [slow], ("200", 1), ("200", 1)),
    ]
}

/// Answers in good order.
fn statuses() -> Vec<Row> {
    let ok = Act::ok;
    let answer = |status: &str| Act::answer(status, "", "");
    let busy = || answer("503 Busy");
    let redirect = Act::answer("302 Found", "location: http://127.0.0.1:1/\r\n", "");
    vec![
        row("500", [answer("500 Oops")], ("500", 1), ("500", 1)),
        row("404", [answer("404 Not Found")], ("404", 1), ("404", 1)),
        row("429", [answer("429 Slower")], ("429", 1), ("429", 1)),
        row(
            "502 once",
            [answer("502 Bad"), ok()],
            ("200", 2),
            ("502", 1),
        ),
        row("503 twice", [busy(), busy(), ok()], ("200", 3), ("503", 1)),
        row("503 always", [busy()], ("503", 3), ("503", 1)),
        row(
            "504 once",
            [answer("504 Late"), ok()],
            ("200", 2),
            ("504", 1),
        ),
        row("a redirect", [redirect], ("302", 1), ("302", 1)),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    broken().into_iter().chain(unusable()).chain(statuses())
}

fn outcome(result: &Result<Response, Error>) -> String {
    match result.as_ref().map_err(Error::reason) {
        Ok(answer) => answer.status().as_u16().to_string(),
        Err(Reason::Broken(_)) => "broken".to_owned(),
        Err(Reason::Garbage(_)) => "garbage".to_owned(),
        Err(Reason::TooLarge(_)) => "too large".to_owned(),
        Err(Reason::Timeout) => "timeout".to_owned(),
        Err(Reason::Deadline) => "deadline".to_owned(),
        Err(reason) => format!("{reason:?}"),
    }
}

async fn row_with(method: &Method, row: &Row, repeatable: bool) -> (String, usize) {
    let server = Hostile::acting(row.acts.clone());
    let api = api(&Settings {
        retries: 2,
        response_limit_bytes: 10_000,
        ..settings(server.address)
    });
    let call = api
        .request(method.clone(), "service://hostile/x")
        .body("body");
    let call = if repeatable { call.retry() } else { call };
    let outcome = outcome(&call.send().await);
    (outcome, server.seen().len())
}

#[tokio::test]
async fn idempotent_methods_are_repeated() {
    for row in rows() {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let (outcome, seen) = row_with(&method, &row, false).await;
            assert_eq!((outcome.as_str(), seen), row.get, "{method} {}", row.name);
        }
    }
}

#[tokio::test]
async fn others_are_never_repeated_once_they_may_have_arrived() {
    for row in rows() {
        for method in [Method::POST, Method::PATCH] {
            let (outcome, seen) = row_with(&method, &row, false).await;
            assert_eq!((outcome.as_str(), seen), row.post, "{method} {}", row.name);
        }
    }
}

#[tokio::test]
async fn others_are_repeated_if_the_caller_says_so() {
    for row in rows() {
        let (outcome, seen) = row_with(&Method::POST, &row, true).await;
        assert_eq!((outcome.as_str(), seen), row.get, "{}", row.name);
    }
}

#[tokio::test]
async fn a_stall_costs_one_attempts_share_of_the_time() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour";
    for stall in ["", "HTTP/1.1 200 OK\r\n", head] {
        let stall = Act::SayAndStall(stall.to_owned());
        let server = Hostile::acting([stall.clone(), Act::ok()]);
        let api = api_to(&server);
        let limit = Duration::from_secs(1);
        let answer = api
            .get("service://hostile/")
            .timeout(limit)
            .await
            .expect("an answer");
        assert_eq!((answer.attempt(), &*answer.text()), (2, "ok"));

        // Nothing may be repeated: it has all the time, and no more.
        let server = Hostile::acting([stall]);
        let limit = Duration::from_millis(200);
        let begun = Instant::now();
        let call = api_to(&server).post("service://hostile/").timeout(limit);
        let error = call.send().await.expect_err("no answer");
        assert!(matches!(error.reason(), Reason::Deadline));
        assert!(begun.elapsed() >= limit && begun.elapsed() < LONG / 4);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_trickle_without_end_ends_at_the_deadline() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n";
    let server = Hostile::acting([Act::Trickle(head.to_owned(), "x".repeat(9999))]);
    let begun = Instant::now();
    let call = api_to(&server)
        .get("service://hostile/")
        .timeout(Duration::from_millis(300));
    let error = call.send().await.expect_err("no whole answer");
    assert!(matches!(error.reason(), Reason::Deadline), "{error}");
    assert!(begun.elapsed() < LONG / 4);
}

/// The pooled connection looks alive, and breaks when it is used: what a server's idle
/// time-out looks like at the worst moment.
#[tokio::test]
async fn a_stale_pooled_connection_is_replaced() {
    for (method, expected, seen) in [(Method::GET, "200", 3), (Method::POST, "broken", 2)] {
        let close = Act::SayAndClose(String::new());
        let server = Hostile::acting([Act::ok(), close, Act::ok()]);
        let api = api_to(&server);
        let first = api.get("service://hostile/").await;
        assert_eq!(outcome(&first), "200");
        let second = api.request(method, "service://hostile/").send().await;
        assert_eq!(outcome(&second), expected);
        assert_eq!(server.seen().len(), seen);
    }
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Hostile::acting([Act::ok()]);
    let api = api_to(&server);
    for _ in 0..50 {
        api.get("service://hostile/").await.expect("an answer");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn retry_after_is_respected_if_there_is_time() {
    let busy = |after: &str| Act::answer("503 Busy", &format!("retry-after: {after}\r\n"), "");
    let server = Hostile::acting([busy("1"), Act::ok()]);
    let begun = Instant::now();
    let answer = api_to(&server)
        .get("service://hostile/")
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let server = Hostile::acting([busy("3600"), Act::ok()]);
    let begun = Instant::now();
    let answer = api_to(&server)
        .get("service://hostile/")
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(server.seen().len(), 1);
    assert!(begun.elapsed() < LONG / 4, "there is no point in waiting");
}

#[tokio::test]
async fn so_many_calls_at_once_and_no_more() {
    let server = Hostile::acting([Act::Linger]);
    let api = api(&Settings {
        concurrency: 3,
        ..settings(server.address)
    });
    let results = api
        .all((0..12).map(|_| api.post("service://hostile/")))
        .await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.most_here(), 3);

    let server = Hostile::acting([Act::SayAndStall(String::new())]);
    let api = super::api(&Settings {
        concurrency: 1,
        ..settings(server.address)
    });
    // The second one gives up while the first one still has the place.
    let limits = [2000, 100].map(Duration::from_millis);
    let calls = limits.map(|limit| api.post("service://hostile/").timeout(limit));
    let results = api.all(calls).await;
    let busy = results.iter().filter(|result| {
        let reason = result.as_ref().map_err(Error::reason);
        matches!(reason, Err(Reason::Busy))
    });
    assert_eq!(busy.count(), 1);
    assert_eq!(server.seen().len(), 1);
}
