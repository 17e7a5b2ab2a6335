//! The calls as handlers write them.

use serde::{Deserialize, Serialize};

use super::*;
use crate::api::Reason;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Team {
    id: u32,
    name: String,
}

fn team() -> Team {
    Team {
        id: 7,
        name: "seven".to_owned(),
    }
}

#[tokio::test]
async fn json_in_and_out() {
    let json = r#"{"id":7,"name":"seven"}"#;
    let server = Hostile::acting([Act::answer("200 OK", "", json)]);
    let api = api_to(&server);
    let got: Team = api
        .get("service://identity/teams/7")
        .fetch()
        .await
        .expect("a team");
    assert_eq!(got, team());
    let put = api.put("service://identity/teams/7").json(&team());
    assert_eq!(put.fetch::<Team>().await.expect("a team"), team());
    let seen = &server.seen()[1];
    assert_eq!(seen.line, "PUT /teams/7 HTTP/1.1");
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.body, json);
}

#[tokio::test]
async fn every_method_has_its_word() {
    let server = Hostile::acting([Act::Say("HTTP/1.1 204 No Content\r\n\r\n".to_owned())]);
    let api = api_to(&server);
    let url = "service://a/";
    let calls = [
        (api.get(url), "GET"),
        (api.head(url), "HEAD"),
        (api.put(url), "PUT"),
        (api.post(url), "POST"),
        (api.patch(url), "PATCH"),
        (api.delete(url), "DELETE"),
    ];
    for (call, method) in calls {
        let answer = call.await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.bytes().len()), (204, 0));
        let last = server.seen().pop().expect("a request");
        assert_eq!(last.line, format!("{method} / HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_query_is_encoded() {
    let server = Hostile::acting([Act::ok()]);
    let call = api_to(&server).get("service://a/search?x=1");
    call.query("q", "a&b c")
        .query("ä", 2)
        .await
        .expect("an answer");
    let line = &server.seen()[0].line;
    assert_eq!(line, "GET /search?x=1&q=a%26b%20c&%C3%A4=2 HTTP/1.1");
}

#[tokio::test]
async fn results_come_in_the_order_of_the_calls() {
    let echo = |number: u32| Act::answer("200 OK", "", &number.to_string());
    let mut number = 0;
    let server = Hostile::choosing(move || {
        number += 1;
        echo(number)
    });
    let api = api(&Settings {
        concurrency: 1,
        ..settings(server.address)
    });
    let calls = (0..40).map(|number| api.get(format!("service://a/{number}")));
    let results = api.all(calls).await;
    for (place, (result, seen)) in results.iter().zip(server.seen()).enumerate() {
        let answer = result.as_ref().expect("an answer");
        assert_eq!(seen.line, format!("GET /{place} HTTP/1.1"));
        assert_eq!(answer.json::<usize>().expect("a number"), place + 1);
    }
    assert_eq!(results.len(), 40);
}

#[tokio::test]
async fn no_success_is_a_typed_error_with_the_services_own_words() {
    let kind = "content-type: application/problem+json; charset=utf-8\r\n";
    let body = r#"{"type":"/full","title":"Full","status":409,"detail":"7 of 7","left":0}"#;
    let server = Hostile::acting([Act::answer("409 Conflict", kind, body)]);
    let call = api_to(&server).put("service://identity/teams/7");
    let error = call.fetch::<Team>().await.expect_err("no success");
    assert_eq!(error.to_string(), "identity, attempt 1: status 409");
    assert_eq!(error.status().expect("a status"), 409);
    let problem = error.problem().expect("a problem");
    assert_eq!(problem.title.as_deref(), Some("Full"));
    assert_eq!(problem.detail.as_deref(), Some("7 of 7"));
    assert_eq!(problem.extensions["left"], 0);
}

#[tokio::test]
async fn no_problem_is_no_problem() {
    let kind = "content-type: application/problem+json\r\n";
    for (headers, body) in [("", r#"{"title":"x"}"#), (kind, "<html>"), (kind, "[]")] {
        let server = Hostile::acting([Act::answer("400 Bad", headers, body)]);
        let call = api_to(&server).get("service://identity/");
        let error = call.fetch::<Team>().await.expect_err("no success");
        assert_eq!(error.problem(), None, "{body}");
    }
}

#[tokio::test]
async fn another_body_than_expected_is_an_error() {
    let server = Hostile::acting([Act::answer("200 OK", "", r#"{"id":"seven"}"#)]);
    let call = api_to(&server).get("service://identity/teams/7");
    let error = call.fetch::<Team>().await.expect_err("no team");
    assert!(matches!(error.reason(), Reason::Body(_)));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_sent() {
    let server = Hostile::acting([Act::ok()]);
    let api = api_to(&server);
    let call = api.get("service://a/").header("x-bad", "a\r\nx-evil: b");
    let error = call.await.expect_err("two lines");
    assert!(matches!(error.reason(), Reason::Request(_)));
    let error = api
        .get("service://A/?token=1234")
        .await
        .expect_err("no URL");
    let expected = "service://A/, before any attempt: invalid url: \
        expected a service's name: a to z, then also digits and -, at most 63";
    assert_eq!(error.to_string(), expected);
    assert!(server.seen().is_empty());
}
