//! Load that counts what fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Requests that got a 200, and what happened to the others.
#[derive(Debug, Default)]
pub struct Count {
    pub good: u64,
    pub failed: Vec<String>,
}

/// Keep-alive connections that ask all the time.
pub struct Load {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Count>>,
}

impl Load {
    /// With pauses, so that the rest of the machine gets a share.
    pub fn start(at: SocketAddr, service: &str, method: &'static str) -> Self {
        Self::with_pauses(at, service, method, Duration::from_micros(500))
    }

    pub fn with_pauses(
        at: SocketAddr,
        service: &str,
        method: &'static str,
        pause: Duration,
    ) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let threads = (0..4).map(|_| {
            let (ends, service) = (Arc::clone(&ends), service.to_owned());
            thread::spawn(move || ask(at, (&service, method), pause, &ends))
        });
        Self {
            threads: threads.collect(),
            ends,
        }
    }

    /// Ends it; the sum of all.
    pub fn count(self) -> Count {
        self.ends.store(true, Ordering::Relaxed);
        let mut sum = Count::default();
        for thread in self.threads {
            let count = thread.join().expect("a client");
            sum.good += count.good;
            sum.failed.extend(count.failed);
        }
        sum
    }
}

/// A client that does what it is told (`connection: close`) and does not retry.
fn ask(
    at: SocketAddr,
    (service, method): (&str, &str),
    pause: Duration,
    ends: &AtomicBool,
) -> Count {
    let mut count = Count::default();
    let mut connection = None;
    while !ends.load(Ordering::Relaxed) {
        match one(&mut connection, at, service, method) {
            Ok(status) if status == "200" => count.good += 1,
            Ok(status) => count.failed.push(status),
            Err(error) => {
                connection = None;
                count.failed.push(error.to_string());
            }
        }
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
    count
}

pub fn one(
    connection: &mut Option<BufReader<TcpStream>>,
    at: SocketAddr,
    service: &str,
    method: &str,
) -> std::io::Result<String> {
    if connection.is_none() {
        let stream = TcpStream::connect(at)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        *connection = Some(BufReader::new(stream));
    }
    let reader = connection.as_mut().expect("just connected");
    let head = format!(
        "{method} / HTTP/1.1\r\nhost: x\r\nx-service: {service}\r\ncontent-length: 0\r\n\r\n"
    );
    reader.get_mut().write_all(head.as_bytes())?;
    let (mut status, mut length, mut closes) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim().to_lowercase();
        if status.is_empty() {
            line.split(' ')
                .nth(1)
                .unwrap_or_default()
                .clone_into(&mut status);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        closes |= line == "connection: close";
        if line.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    if closes {
        *connection = None;
    }
    Ok(status)
}
