//! Spans reach a collector, the last ones at the end, and are those of the log.

use serde_json::Value;

use crate::NAME;
use crate::client::send;
use crate::collector::{Collector, Span, spans};
use crate::executable::Executable;

const JOURNEY: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const CALLER: u64 = 0xb7ad_6b71_6920_3331;

fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{JOURNEY:032x}-{CALLER:016x}-{flags}")
}

/// What the line of the log says that comes next.
fn logged(service: &Executable) -> (String, u128) {
    let line: Value = service.event("request");
    let path = line["path"].as_str().expect("a path").to_owned();
    let trace = line["trace_id"].as_str().expect("an id");
    assert_eq!(trace.len(), 32);
    (path, u128::from_str_radix(trace, 16).expect("an id"))
}

#[test]
fn a_request_becomes_the_span_that_its_caller_and_the_log_know() {
    let collector = Collector::start();
    let service = Executable::start(&[("OTEL__ENDPOINT", &collector.endpoint)]);
    let address = service.address();
    send(address, "GET /teams/none", &[&traceparent("01")], "");
    assert_eq!(logged(&service), ("/teams/none".to_owned(), JOURNEY));
    send(address, "GET /", &[], "");
    let (_, fresh) = logged(&service);
    // Its caller decided that it is not recorded.
    send(address, "GET /info", &[&traceparent("00")], "");
    assert_eq!(logged(&service), ("/info".to_owned(), JOURNEY));
    service.terminate();
    assert_eq!(service.end().code, Some(0));

    let batch = collector.batch();
    assert!(batch.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
    let name = NAME.as_bytes();
    assert!(batch.windows(name.len()).any(|part| part == name));
    let [called, begun] = &spans(&batch)[..] else {
        panic!("{:?}", spans(&batch));
    };
    let expected = Span {
        trace: JOURNEY,
        id: called.id,
        parent: Some(CALLER),
        name: "GET /teams/{id}".to_owned(),
    };
    assert_eq!(*called, expected);
    let expected = Span {
        trace: fresh,
        id: begun.id,
        parent: None,
        name: "GET /".to_owned(),
    };
    assert_eq!(*begun, expected);
    assert!(called.id != begun.id && called.id != CALLER);
}

#[test]
fn without_a_collector_requests_are_answered_all_the_same() {
    let service = Executable::start(&[("OTEL__ENDPOINT", "http://127.0.0.1:1")]);
    assert_eq!(send(service.address(), "GET /", &[], "").status, 200);
    service.terminate();
    assert_eq!(service.end().code, Some(0));
}
