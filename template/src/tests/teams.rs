//! The example, as far as it needs no server.

use super::client::{Answer, send};
use super::server::Server;

const JSON: [&str; 1] = ["content-type: application/json"];

fn put(server: &Server, path: &str, body: &str) -> Answer {
    send(server.address, &format!("PUT {path}"), &JSON, body)
}

#[test]
fn what_is_wrong_with_a_team_is_said_all_at_once() {
    let server = Server::start();
    let long = format!("a\u{7}{}", "b".repeat(100));
    let body = serde_json::json!({ "name": long }).to_string();
    let answer = put(&server, "/teams/7", &body);
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.body,
        concat!(
            r#"{"title":"Unprocessable Entity","status":422,"#,
            r#""detail":"the request's body is not valid","errors":["#,
            r#"{"pointer":"/name","detail":"it must not exceed 100 characters"},"#,
            r#"{"pointer":"/name","detail":"it must not contain control characters"}]}"#
        )
    );
    assert_eq!(put(&server, "/teams/7", r#"{"name":" "}"#).status, 422);
}

#[test]
fn what_is_no_team_at_all_is_refused() {
    let server = Server::start();
    for (path, body, status) in [
        ("/teams/seven", r#"{"name":"Ops"}"#, 400),
        ("/teams/0", r#"{"name":"Ops"}"#, 404),
        ("/teams/7", "", 400),
        ("/teams/7", r#"{"nam":"Ops"}"#, 422),
        ("/teams/7", r#"{"name":7}"#, 422),
    ] {
        let answer = put(&server, path, body);
        assert_eq!(answer.status, status, "{path} {body}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{path} {body}");
    }
}

#[cfg(not(feature = "database"))]
#[test]
fn a_team_is_created_changed_and_read() {
    use super::client::get;

    let server = Server::start();
    let (ops, sre) = (r#"{"id":71,"name":"Ops"}"#, r#"{"id":71,"name":"SRE"}"#);
    assert_eq!(get(server.address, "/teams/71").status, 404);
    let answers = [
        (put(&server, "/teams/71", r#"{"name":"Ops"}"#), 201, ops),
        (get(server.address, "/teams/71"), 200, ops),
        (put(&server, "/teams/71", r#"{"name":" SRE "}"#), 200, sre),
        (get(server.address, "/teams/71"), 200, sre),
    ];
    for (answer, status, body) in answers {
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }
}
