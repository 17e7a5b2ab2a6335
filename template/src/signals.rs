//! SIGTERM and ctrl-c: the first asks, the second insists.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use crate::logs;

/// Installs the handlers at once; the future resolves at the first signal. A second
/// signal ends the process on the spot.
///
/// # Errors
/// If the operating system refuses a handler.
///
/// # Panics
/// Outside a tokio runtime.
pub fn shutdown() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = Signals::install()?;
    Ok(async move {
        let first = signals.next().await;
        info!(
            signal = first.name,
            "shutting down, a second signal exits at once"
        );
        tokio::spawn(async move {
            let second = signals.next().await;
            logs::flush();
            process::exit(second.exit_code)
        });
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

struct Received {
    name: &'static str,
    exit_code: i32,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Exit codes are 128 + the signal's number, as shells have it.
    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received { name: "SIGTERM", exit_code: 143 },
            _ = self.interrupt.recv() => Received { name: "SIGINT", exit_code: 130 },
        }
    }
}
