//! One question, one answer, on a socket of `HAProxy`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// `HAProxy` answers within a millisecond; while it loads a large configuration, within one second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where an answer ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// The worker closes after its answer.
    Closed,
    /// The master does not, and ends its answer with an empty line.
    EmptyLine,
}

/// Asks, and waits for the whole answer.
pub fn ask(socket: &Path, line: &str, until: Until) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if matches!(until, Until::EmptyLine) && answer.ends_with(b"\n\n") {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
