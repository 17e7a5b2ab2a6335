//! Ctrl-c, SIGTERM and SIGHUP: what runs is stopped, what was made is removed, and we exit 130.
//!
//! The first signal ends the child process and raises a flag that every step looks at, so the run
//! unwinds as from any other failure. The second one ends the program where it stands.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{Error, Kind, Result};
use crate::report;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether a question is open that hides the cursor.
static ASKING: AtomicBool = AtomicBool::new(false);
static LISTENING: Once = Once::new();
/// The process group of the running child, the child alone below zero, 0 when there is none.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// From here on signals unwind the run instead of ending it.
pub fn listen() -> Result<()> {
    if LISTENING.is_completed() {
        return Ok(());
    }
    let mut signals = Signals::new(signals())
        .map_err(|error| Error::new(Kind::Io, format!("cannot listen for signals: {error}")))?;
    LISTENING.call_once(|| {});
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if ASKING.load(Ordering::SeqCst) {
                unanswered(signal);
                continue;
            }
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                stop_now();
            }
            end_child();
        }
    });
    Ok(())
}

/// Under `nohup` a hang-up stays ignored, as it was when we were started.
fn signals() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let hang_up = ignored.unwrap_or(0) >> (SIGHUP - 1) & 1 == 0;
    let mut signals = vec![SIGINT, SIGTERM];
    signals.extend(hang_up.then_some(SIGHUP));
    signals
}

/// Asks what hides the cursor: it is shown again however the question ends.
pub fn while_asking<T>(ask: impl FnOnce() -> T) -> Result<T> {
    ASKING.store(true, Ordering::SeqCst);
    listen()?;
    let answer = ask();
    ASKING.store(false, Ordering::SeqCst);
    Ok(answer)
}

/// Ctrl-c is a key to whoever reads the terminal, and ends the question there; unless it came
/// before the reading began.
fn unanswered(signal: i32) {
    if signal == SIGINT {
        std::thread::sleep(Duration::from_millis(100));
    }
    if ASKING.load(Ordering::SeqCst) {
        report::show_cursor();
        stop_now();
    }
}

/// Fails once a signal has come.
pub fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        return Err(Error::new(
            Kind::Interrupted,
            "interrupted; nothing was left behind",
        ));
    }
    Ok(())
}

/// Who is ended together.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    /// A child and all that it has started.
    Group(u32),
    /// A child that is in our own group: a key that ends us all comes to it as well.
    Process(u32),
}

impl Whom {
    fn number(self) -> i32 {
        match self {
            Self::Group(id) => i32::try_from(id).unwrap_or(0),
            Self::Process(id) => i32::try_from(id).map_or(0, std::ops::Neg::neg),
        }
    }
}

/// Signals that come from now on also end `whom`.
pub fn guard_child(whom: Whom) {
    CHILD.store(whom.number(), Ordering::SeqCst);
    if INTERRUPTED.load(Ordering::SeqCst) {
        end_child();
    }
}

/// The child has ended.
pub fn release_child() {
    CHILD.store(0, Ordering::SeqCst);
}

/// Kills `whom`.
pub fn kill(whom: Whom) {
    signal(whom.number(), rustix::process::Signal::KILL);
}

fn end_child() {
    let child = CHILD.load(Ordering::SeqCst);
    signal(child, rustix::process::Signal::TERM);
}

fn signal(number: i32, signal: rustix::process::Signal) {
    use rustix::process::{Pid, kill_process, kill_process_group};
    let Some(id) = Pid::from_raw(number.saturating_abs()) else {
        return;
    };
    // One that has just ended is what was wanted.
    let _ = if number > 0 {
        kill_process_group(id, signal)
    } else {
        kill_process(id, signal)
    };
}

#[allow(clippy::exit, reason = "the second signal asks for just this")]
fn stop_now() -> ! {
    std::process::exit(i32::from(Kind::Interrupted.code()))
}
