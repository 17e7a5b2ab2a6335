//! How the service leaves, seen by a handler at work.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::sync::Notify;

use super::client::{self, PATIENCE, Unfinished, refuses_connections, wait_until};
use super::server::Server;
use crate::App;

/// `/slow` answers when `release` is notified, and says on `entered` that it waits.
fn slow(entered: &Arc<Notify>, release: &Arc<Notify>) -> Router<App> {
    let (entered, release) = (entered.clone(), release.clone());
    let handler = async move || {
        entered.notify_one();
        release.notified().await;
        "done"
    };
    Router::new().route("/slow", get(handler))
}

fn wait_for(notify: &Notify) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let waiting = async { tokio::time::timeout(PATIENCE, notify.notified()).await };
    runtime
        .expect("a runtime")
        .block_on(waiting)
        .expect("a notification");
}

#[test]
fn a_handler_at_work_finishes_and_nothing_new_begins() {
    let (entered, release) = (Arc::default(), Arc::default());
    let server = Server::with(slow(&entered, &release), |_| ());
    let address = server.address;
    let request = thread::spawn(move || client::get(address, "/slow"));
    wait_for(&entered);
    let end = server.stop();
    wait_until("the listener is closed", || refuses_connections(address));
    assert!(!end.is_finished());
    release.notify_one();
    let answer = request.join().expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    end.join().expect("no panic").expect("a peaceful end");
}

#[test]
fn a_handler_that_outlasts_the_grace_period_is_an_error() {
    let (entered, release) = (Arc::default(), Arc::default());
    let grace = Duration::from_millis(50);
    let server = Server::with(slow(&entered, &release), |config| {
        config.shutdown.grace = grace;
    });
    let mut request = Unfinished::begin(server.address, "GET /slow");
    request.complete("");
    wait_for(&entered);
    let error = server
        .stop()
        .join()
        .expect("no panic")
        .expect_err("it was cut off");
    assert_eq!(
        error.to_string(),
        "requests were cut off after 0.05 s of grace"
    );
}
