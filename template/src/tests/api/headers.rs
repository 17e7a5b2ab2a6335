//! What is sent along.

use std::time::Instant;

use super::*;
use crate::http::RequestId;
use crate::trace::Trace;
use crate::{Context, NAME};

#[tokio::test]
async fn every_attempt_says_who_calls_and_for_how_long() {
    let server = Hostile::acting([Act::Reset, Act::ok()]);
    let call = api_to(&server)
        .get("service://identity/")
        .timeout(Duration::from_secs(9));
    call.await.expect("an answer");
    let seen = server.seen();
    let numbers = [seen[0].header("x-attempt"), seen[1].header("x-attempt")];
    assert_eq!(numbers, ["1", "2"]);
    let remaining = |attempt: usize| -> u64 {
        seen[attempt]
            .header("x-deadline-ms")
            .parse()
            .expect("a number")
    };
    assert!(remaining(0) <= 9000 && remaining(1) <= remaining(0));
    for attempt in &seen {
        assert_eq!(attempt.header("x-caller"), NAME);
        assert_eq!(attempt.header("x-realm"), "local");
    }
    assert_eq!(
        seen[0].header("x-request-id"),
        seen[1].header("x-request-id")
    );
    let trace = |attempt: usize| seen[attempt].header("traceparent").to_owned();
    assert_ne!(trace(0), trace(1), "a span of its own");
    assert_eq!(trace(0)[..36], trace(1)[..36], "on the same journey");
}

#[tokio::test]
async fn the_context_is_passed_on() {
    let server = Hostile::acting([Act::ok()]);
    let api = api_to(&server);
    let given = [
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("tracestate", "a=1"),
    ];
    let given = given.map(|(name, value)| {
        (
            name.parse().expect("a name"),
            value.parse().expect("a value"),
        )
    });
    let context = Context {
        request_id: RequestId::fresh(),
        trace: Trace::of(&given.into_iter().collect()),
        deadline: Some(tokio::time::Instant::now() + Duration::from_secs(3)),
    };
    let id = context.request_id.clone();
    let calls = async {
        api.all([api.get("service://a/"), api.get("service://b/")])
            .await
    };
    let results = context.scope(calls).await;
    assert!(results.iter().all(Result::is_ok));
    for seen in server.seen() {
        assert_eq!(seen.header("x-request-id"), id.as_str());
        assert_eq!(seen.header("tracestate"), "a=1");
        let parent = seen.header("traceparent");
        assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(!parent.contains("00f067aa0ba902b7"));
        let remaining: u64 = seen.header("x-deadline-ms").parse().expect("a number");
        assert!(remaining <= 3000);
    }
}

#[tokio::test]
async fn callers_cannot_say_what_is_not_theirs() {
    let server = Hostile::acting([Act::ok()]);
    let mut call = api_to(&server).post("service://identity/").body("four");
    let ours = [
        "x-service",
        "x-caller",
        "x-deadline-ms",
        "x-attempt",
        "x-realm",
        "x-request-id",
        "traceparent",
        "tracestate",
        "host",
        "content-length",
        "transfer-encoding",
        "te",
        "connection",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "trailer",
        "expect",
    ];
    for name in ours {
        call = call.header(name, "evil").header(name, "evil");
    }
    call.header("x-mine", "a")
        .header("x-mine", "b")
        .await
        .expect("an answer");
    let seen = &server.seen()[0];
    for name in ours {
        assert!(!seen.headers(name).contains(&"evil"), "{name}");
    }
    assert_eq!(seen.header("x-service"), "identity");
    assert_eq!(seen.header("content-length"), "4");
    assert_eq!(seen.body, "four");
    assert_eq!(seen.headers("x-mine"), ["a", "b"]);
}

#[tokio::test]
async fn the_routing_header_is_a_setting() {
    let server = Hostile::acting([Act::ok()]);
    let api = api(&Settings {
        header: "company-service".parse().expect("a name"),
        ..settings(server.address)
    });
    let call = api
        .get("service://identity/")
        .header("company-service", "billing");
    call.await.expect("an answer");
    assert_eq!(server.seen()[0].header("company-service"), "identity");
}

#[tokio::test]
async fn a_call_for_a_request_has_no_more_time_than_the_request() {
    let server = Hostile::acting([Act::SayAndStall(String::new())]);
    let api = api_to(&server);
    let spent = |left: Duration| Context {
        request_id: RequestId::fresh(),
        trace: Trace::fresh(),
        deadline: Some(tokio::time::Instant::now() + left),
    };
    let begun = Instant::now();
    let call = api.get("service://hostile/").timeout(LONG);
    spent(Duration::from_millis(200))
        .scope(call.send())
        .await
        .expect_err("no time");
    assert!(begun.elapsed() < LONG / 4);
    let before = server.seen().len();
    let error = spent(Duration::ZERO)
        .scope(api.get("service://hostile/").send())
        .await;
    let expected = "hostile, before any attempt: the deadline has passed";
    assert_eq!(error.expect_err("no time").to_string(), expected);
    assert_eq!(server.seen().len(), before, "nothing is sent in vain");
}
