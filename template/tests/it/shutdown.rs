//! How the executable leaves when it is told to.
//!
//! It has no slow route, but a request is slow, too, if its head takes its time. The
//! drain period sees to it that the head's beginning has been read.

use std::net::TcpStream;

use crate::NAME;
use crate::client::{self, Unfinished, refuses_connections, wait_until};
use crate::executable::{End, Executable};

fn ended(code: i32, stderr: &str) -> End {
    End {
        code: Some(code),
        stderr: stderr.to_owned(),
    }
}

#[test]
fn sigterm_lets_a_slow_request_finish() {
    let service = Executable::start(&[("SHUTDOWN__DRAIN_SECONDS", "1")]);
    let address = service.address();
    let request = Unfinished::begin(address, "GET /health/ready");
    service.terminate();
    wait_until("the listener is closed", || refuses_connections(address));
    let answer = request.finish("");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, r#"{"status":"draining","checks":[]}"#)
    );
    assert_eq!(service.end(), ended(0, ""));
}

#[test]
fn sigterm_cuts_off_what_outlasts_the_grace_period() {
    let periods = [
        ("SHUTDOWN__DRAIN_SECONDS", "1"),
        ("SHUTDOWN__GRACE_SECONDS", "1"),
    ];
    let service = Executable::start(&periods);
    let _request = Unfinished::begin(service.address(), "GET /health/live");
    service.terminate();
    let stderr = format!("{NAME}: requests were cut off after 1 s of grace\n");
    assert_eq!(service.end(), ended(1, &stderr));
}

#[test]
fn draining_serves_on_and_a_second_sigterm_insists() {
    let service = Executable::start(&[("SHUTDOWN__DRAIN_SECONDS", "3600")]);
    let address = service.address();
    service.terminate();
    wait_until("it drains", || {
        client::get(address, "/health/ready").status == 503
    });
    assert_eq!(client::get(address, "/health/live").status, 200);
    service.terminate();
    assert_eq!(service.end(), ended(143, ""));
}

#[test]
fn sigterm_without_requests_ends_in_peace() {
    let service = Executable::start(&[]);
    let _idle = TcpStream::connect(service.address()).expect("a connection");
    service.terminate();
    service.event("stopped");
    assert_eq!(service.end(), ended(0, ""));
}
