//! The name of a request, on its way in and out.

use axum::routing::get;
use axum::{Extension, Router};

use super::client::send;
use super::server::Server;
use crate::http::RequestId;

#[test]
fn a_given_request_id_reaches_the_handler_and_returns() {
    let echo = |Extension(id): Extension<RequestId>| async move { id.as_str().to_owned() };
    let server = Server::with(Router::new().route("/id", get(echo)), |_| ());
    let answer = send(
        server.address,
        "GET /id",
        &["x-request-id: from-outside"],
        "",
    );
    assert_eq!(answer.body, "from-outside");
    assert_eq!(answer.header("x-request-id"), Some("from-outside"));
}

#[test]
fn a_bad_request_id_is_replaced_even_where_nothing_is() {
    let server = Server::start();
    let answer = send(server.address, "GET /nowhere", &["x-request-id: a b"], "");
    let id = answer.header("x-request-id").expect("an id");
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
}
