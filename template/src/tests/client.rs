//! A client: patience, and just enough of HTTP/1.1 to see every byte of an answer that
//! matters. `tests/it` includes this file, too, so it names nothing of the crate.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until `done`.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether nobody listens there any more.
pub fn refuses_connections(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, PATIENCE).is_err()
}

/// An answer, taken apart.
pub struct Answer {
    pub status: u16,
    pub body: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let header = |line: &str| {
            let (key, value) = line.split_once(": ").expect("a header");
            (key.to_lowercase(), value.to_owned())
        };
        Self {
            status: status.and_then(|code| code.parse().ok()).expect("a status"),
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }
}

/// `GET path`.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, &format!("GET {path}"), &[], "")
}

/// Sends a whole request, `request` being method and path.
pub fn send(address: SocketAddr, request: &str, headers: &[&str], body: &str) -> Answer {
    let mut sent = Unfinished::begin(address, request);
    for header in headers {
        sent.write(&format!("{header}\r\n"));
    }
    sent.write(&format!("content-length: {}\r\n", body.len()));
    sent.finish(body)
}

/// A request whose head has not ended yet.
pub struct Unfinished(TcpStream);

impl Unfinished {
    /// Sends the first lines of a request.
    pub fn begin(address: SocketAddr, request: &str) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let mut this = Self(stream);
        let host = "host: test\r\nconnection: close\r\n";
        this.write(&format!("{request} HTTP/1.1\r\n{host}"));
        this
    }

    /// Ends the head and sends the body.
    pub fn complete(&mut self, body: &str) {
        self.write(&format!("\r\n{body}"));
    }

    /// Completes the request and reads the answer.
    pub fn finish(mut self, body: &str) -> Answer {
        self.complete(body);
        let mut text = String::new();
        self.0.read_to_string(&mut text).expect("an answer");
        Answer::parse(&text)
    }

    fn write(&mut self, text: &str) {
        self.0
            .write_all(text.as_bytes())
            .expect("an open connection");
    }
}
