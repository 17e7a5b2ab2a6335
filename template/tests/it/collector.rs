//! A collector of spans, and just enough of OTLP to see what hangs on what. `src/tests`
//! includes this file, too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::client::PATIENCE;

/// What is seen of a span.
#[derive(Debug, PartialEq, Eq)]
pub struct Span {
    pub trace: u128,
    pub id: u64,
    pub parent: Option<u64>,
    pub name: String,
}

/// Takes one batch.
pub struct Collector {
    pub endpoint: String,
    batch: Receiver<Vec<u8>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, batch) = channel();
        thread::spawn(move || sender.send(collect(&listener)));
        Self {
            endpoint: format!("http://{address}"),
            batch,
        }
    }

    /// The request in which the batch came.
    pub fn batch(self) -> Vec<u8> {
        self.batch.recv_timeout(PATIENCE).expect("a batch")
    }
}

fn collect(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("a connection");
    let request = read(&mut stream);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).expect("a connection");
    request
}

fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).expect("a request");
        assert!(length > 0, "a request that ends too early");
        request.extend(&part[..length]);
    }
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

/// The spans in a batch.
pub fn spans(batch: &[u8]) -> Vec<Span> {
    (0..batch.len())
        .filter_map(|start| span(&batch[start..]))
        .collect()
}

/// A span begins with the fields 1, 2, 4 and 5, each with its length: trace, id, parent,
/// and name.
fn span(bytes: &[u8]) -> Option<Span> {
    let (trace, rest) = field::<16>(0x0a, bytes)?;
    let (id, rest) = field::<8>(0x12, rest)?;
    let (parent, rest) = match field::<8>(0x22, rest) {
        Some((parent, rest)) => (Some(u64::from_be_bytes(parent)), rest),
        None => (None, rest),
    };
    let (&[0x2a, length], rest) = rest.split_first_chunk()? else {
        return None;
    };
    Some(Span {
        trace: u128::from_be_bytes(trace),
        id: u64::from_be_bytes(id),
        parent,
        name: String::from_utf8(rest.get(..length.into())?.to_vec()).ok()?,
    })
}

fn field<const N: usize>(tag: u8, bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk()?;
    let (&value, rest) = rest.split_first_chunk::<N>()?;
    (found == tag && usize::from(length) == N).then_some((value, rest))
}
