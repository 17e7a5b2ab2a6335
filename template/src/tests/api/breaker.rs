//! The breaker, seen from outside.

use super::*;
use crate::api::Reason;

#[tokio::test]
async fn it_opens_looks_once_a_second_and_closes() {
    let server = Hostile::acting([Act::answer("503 Down", "", "")]);
    let api = api(&Settings {
        retries: 0,
        breaker_calls: 20,
        ..settings(server.address)
    });
    for _ in 0..20 {
        assert_eq!(
            api.get("service://hostile/")
                .await
                .expect("an answer")
                .status(),
            503
        );
    }
    let error = api.get("service://hostile/").await.expect_err("open");
    assert!(matches!(error.reason(), Reason::Open));
    assert_eq!(
        error.to_string(),
        "hostile, before any attempt: the circuit breaker is open"
    );
    assert_eq!(server.seen().len(), 20);

    server.act(Act::ok());
    let begun = tokio::time::Instant::now();
    while let Err(error) = api.get("service://hostile/").await {
        assert!(matches!(error.reason(), Reason::Open));
        assert!(begun.elapsed() < LONG, "it never looked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.seen().len(), 21);
    api.get("service://hostile/").await.expect("closed");
}

#[tokio::test]
async fn others_are_not_concerned() {
    let down = Hostile::acting([Act::answer("503 Down", "", "")]);
    let api = api(&Settings {
        retries: 0,
        breaker_calls: 2,
        ..settings(down.address)
    });
    for _ in 0..2 {
        api.get("service://down/").await.expect("an answer");
    }
    api.get("service://down/").await.expect_err("open");
    // The same address, another service.
    api.get("service://up/").await.expect("an answer");
}

/// A server that answers is not down, whatever it says; neither is one that has just been
/// replaced, or that was given no time.
#[tokio::test]
async fn what_says_nothing_about_the_service_does_not_open_it() {
    let nobody = Refused::new();
    let api = api(&Settings {
        retries: 0,
        breaker_calls: 2,
        ..settings(nobody.address())
    });
    for _ in 0..5 {
        let error = api
            .get("service://hostile/")
            .await
            .expect_err("nobody there");
        assert!(matches!(error.reason(), Reason::Refused));
    }
    for status in ["500 Oops", "404 Not Found", "429 Slower"] {
        let server = Hostile::acting([Act::answer(status, "", "")]);
        let api = super::api(&Settings {
            breaker_calls: 2,
            ..settings(server.address)
        });
        for _ in 0..5 {
            api.get("service://hostile/").await.expect("an answer");
        }
    }
}
