//! Spans reach a collector, the last ones at the end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::NAME;
use crate::client::send;
use crate::executable::Executable;

/// Takes one batch of spans and returns the request in which it came.
fn collect(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).expect("a request");
        request.extend(&part[..length]);
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).expect("a connection");
    request
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse::<usize>().ok());
    request.len() - head - 4 >= length.expect("a length")
}

#[test]
fn a_request_becomes_a_span_of_its_callers_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let collector = thread::spawn(move || collect(&listener));
    let endpoint = format!("http://{address}");
    let service = Executable::start(&[("OTEL__ENDPOINT", &endpoint)]);
    let parent = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let other = "traceparent: 00-11111111111111111111111111111111-b7ad6b7169203331-00";
    let address = service.address();
    send(address, "GET /teams/none", &[parent], "");
    send(address, "GET /info", &[other], "");
    service.terminate();
    assert_eq!(service.end().code, Some(0));

    let request = collector.join().expect("a batch");
    let holds = |part: &[u8]| request.windows(part.len()).any(|other| other == part);
    assert!(request.starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    let span = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();
    for part in [&trace[..], &span, b"GET /teams/{id}", NAME.as_bytes()] {
        assert!(holds(part), "{part:?}");
    }
    // Its caller decided that it is not recorded.
    assert!(!holds(b"GET /info"));
}

#[test]
fn without_a_collector_requests_are_answered_all_the_same() {
    let service = Executable::start(&[("OTEL__ENDPOINT", "http://127.0.0.1:1")]);
    assert_eq!(send(service.address(), "GET /", &[], "").status, 200);
    service.terminate();
    assert_eq!(service.end().code, Some(0));
}
