//! A writer that nobody waits for: a thread does the writing.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// As many lines may wait; more are dropped and counted, for the service goes before its
/// log.
const LINES: usize = 64 * 1024;

/// How long the end may wait for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the thread.
#[derive(Clone, Debug)]
pub struct Background {
    sender: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl Background {
    /// Starts the thread. It ends with the process.
    pub fn new(target: impl Write + Send + 'static) -> Self {
        let (sender, messages) = sync_channel(LINES);
        let dropped = Arc::<AtomicU64>::default();
        let counter = dropped.clone();
        thread::spawn(move || write(&messages, &counter, BufWriter::new(target)));
        Self { sender, dropped }
    }

    /// Waits until everything so far is written, but not for ever.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

impl Write for Background {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let message = Message::Line(line.to_vec());
        if self.sender.try_send(message).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what comes; flushes whenever nothing more has come.
fn write(messages: &Receiver<Message>, dropped: &AtomicU64, mut target: impl Write) {
    while let Ok(message) = messages.recv() {
        // There is nobody to tell that the log cannot be written.
        let _ = handle(message, &mut target);
        for message in messages.try_iter() {
            let _ = handle(message, &mut target);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = "log lines dropped, their writer is too slow";
            let _ = writeln!(
                target,
                r#"{{"level":"WARN","message":"{message}","lost":{lost}}}"#
            );
        }
        let _ = target.flush();
    }
}

fn handle(message: Message, target: &mut impl Write) -> io::Result<()> {
    match message {
        Message::Line(line) => target.write_all(&line),
        Message::Flush(done) => {
            let flushed = target.flush();
            // Whoever asked may have lost patience.
            let _ = done.send(());
            flushed
        }
    }
}
