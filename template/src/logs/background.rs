//! A writer that nobody waits for: a thread does the writing.
//!
//! Lines gather while it rests, and then are written at once: to wake a thread for each
//! line costs more than all the rest of the line.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// As many bytes may wait; the lines after them are dropped and counted, for the service
/// goes before its log.
const MOST: usize = 16 * 1024 * 1024;

/// As many bytes do not wait for the end of the thread's rest.
const PLENTY: usize = 256 * 1024;

/// How long the thread rests when it has written. A line that comes alone is written at
/// once.
const REST: Duration = Duration::from_millis(10);

/// How long the end may wait for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the thread.
#[derive(Clone, Debug)]
pub struct Background(Arc<Desk>);

/// Where lines are left and taken.
#[derive(Debug, Default)]
struct Desk {
    tray: Mutex<Tray>,
    /// For the thread: lines are there, or many of them, or somebody wants a flush.
    filled: Condvar,
    /// For those who want a flush.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Tray {
    lines: Vec<u8>,
    dropped: u64,
    /// Whether the thread wants to be woken by the first line.
    idle: bool,
    flushes_asked: u64,
    flushes_done: u64,
}

impl Background {
    /// Starts the thread. It ends with the process.
    pub fn new(target: impl Write + Send + 'static) -> Self {
        let desk = Arc::<Desk>::default();
        let thread = desk.clone();
        thread::spawn(move || thread.write(target));
        Self(desk)
    }

    /// Waits until everything so far is written, but not for ever.
    pub fn flush(&self) {
        let mut tray = self.0.tray();
        tray.flushes_asked += 1;
        let mine = tray.flushes_asked;
        self.0.filled.notify_one();
        let open = |tray: &mut Tray| tray.flushes_done < mine;
        let written = self.0.written.wait_timeout_while(tray, PATIENCE, open);
        drop(written.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Background {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut tray = self.0.tray();
        if tray.lines.len() + line.len() > MOST {
            tray.dropped += 1;
            return Ok(line.len());
        }
        let before = tray.lines.len();
        tray.lines.extend_from_slice(line);
        let plenty = before < PLENTY && tray.lines.len() >= PLENTY;
        let wake = mem::take(&mut tray.idle) || plenty;
        drop(tray);
        if wake {
            self.0.filled.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Desk {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.tray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes, for ever.
    fn write(&self, mut target: impl Write) {
        let mut lines = Vec::new();
        loop {
            let (dropped, flushes) = self.take(&mut lines);
            // There is nobody to tell that the log cannot be written.
            let _ = target.write_all(&lines);
            if dropped > 0 {
                let _ = complain(&mut target, dropped);
            }
            let _ = target.flush();
            lines.clear();
            lines.shrink_to(PLENTY * 2);
            self.tray().flushes_done = flushes;
            self.written.notify_all();
            self.rest();
        }
    }

    /// Waits for lines or a wish to flush, and leaves the empty `lines` for the next ones.
    fn take(&self, lines: &mut Vec<u8>) -> (u64, u64) {
        let mut tray = self.tray();
        while tray.lines.is_empty() && !tray.is_flush_due() {
            tray.idle = true;
            let filled = self.filled.wait(tray);
            tray = filled.unwrap_or_else(PoisonError::into_inner);
        }
        tray.idle = false;
        mem::swap(&mut tray.lines, lines);
        (mem::take(&mut tray.dropped), tray.flushes_asked)
    }

    fn rest(&self) {
        let calm = |tray: &mut Tray| tray.lines.len() < PLENTY && !tray.is_flush_due();
        let rested = self.filled.wait_timeout_while(self.tray(), REST, calm);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Tray {
    fn is_flush_due(&self) -> bool {
        self.flushes_done < self.flushes_asked
    }
}

fn complain(target: &mut impl Write, lost: u64) -> io::Result<()> {
    let message = "log lines dropped, their writer is too slow";
    writeln!(
        target,
        r#"{{"level":"WARN","message":"{message}","lost":{lost}}}"#
    )
}

#[cfg(test)]
mod tests;
