//! Starts, attaches, tells of its death, stops.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::check::missing;
use super::master::{Processes, lives, processes};
use crate::command::failure::{Failure, Kind};
use crate::home::PlainPath;

/// From the start to the first answer: 36 ms with few services, half a second with 5,000.
const LONGEST_START: Duration = Duration::from_secs(15);
/// For requests in flight, when it is stopped; then they are cut.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// An `HAProxy` that runs.
#[derive(Debug)]
pub struct Haproxy {
    pub master: Pid,
    pub worker: Option<u32>,
    /// Ours to reap, if we started it.
    child: Option<Child>,
}

impl Haproxy {
    /// Starts one on the files of the directory.
    pub fn start(program: &Path, home: &PlainPath) -> Result<Self, Failure> {
        let socket = format!("{},mode,600", home.join("master.sock"));
        let mut child = Command::new(program)
            // Quiet: each reload would say of each backend that the old worker has none.
            .args(["-W", "-q", "-S", &socket])
            .args(["-p", &home.join("haproxy.pid").to_string()])
            .args(["-f", &home.join("haproxy.cfg").to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| missing(program, &error))?;
        let found = began(&mut child, home).inspect_err(|_| {
            let _ = child.kill();
            let _ = child.wait();
        })?;
        let mut haproxy = Self::known(&found)?;
        haproxy.child = Some(child);
        Ok(haproxy)
    }

    /// The one that runs already, if there is one.
    pub fn attach(home: &PlainPath) -> Result<Option<Self>, Failure> {
        let left = left(home);
        let began = Instant::now();
        loop {
            let found = processes(home).map(|found| found.filter(|found| found.worker.is_some()));
            match (found, left) {
                (Ok(Some(found)), _) => return Self::known(&found).map(Some),
                // It begins anew just now: another one could not have its ports.
                (_, Some(master)) if lives(master) && began.elapsed() < LONGEST_START => {
                    thread::sleep(Duration::from_millis(2));
                }
                (Ok(None), _) => return Ok(None),
                (Err(failure), _) => return Err(failure),
            }
        }
    }

    fn known(found: &Processes) -> Result<Self, Failure> {
        let pid = i32::try_from(found.master).ok().and_then(Pid::from_raw);
        let master = pid.ok_or_else(|| Failure::haproxy("HAProxy says no process id"))?;
        Ok(Self {
            master,
            worker: found.worker,
            child: None,
        })
    }

    /// Calls back, on a thread, when it has ended. By the kernel's word, whoever started it.
    pub fn when_dead(&self, tell: impl FnOnce(Pid) + Send + 'static) -> Result<(), Failure> {
        let master = self.master;
        let process = match pidfd_open(master, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(Errno::SRCH) => {
                tell(master);
                return Ok(());
            }
            Err(error) => return Err(Failure::system("watch HAProxy", &error.into())),
        };
        thread::spawn(move || {
            while !ends(&process, None) {}
            tell(master);
        });
        Ok(())
    }

    /// After its death.
    pub fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}

/// The master that the last Sidecar left, by the pid file; checked against its command line, since
/// numbers are given again.
fn left(home: &PlainPath) -> Option<Pid> {
    let text = fs::read_to_string(home.join("haproxy.pid")).ok()?;
    let pid = Pid::from_raw(text.trim().parse().ok()?)?;
    let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let ours = home.join("haproxy.cfg").to_string();
    String::from_utf8_lossy(&words)
        .contains(&ours)
        .then_some(pid)
}

/// Stops listening at once, and lets requests in flight end for two seconds.
pub fn stop(master: Pid) -> Result<(), Failure> {
    let failed = |error: Errno| Failure::system("stop HAProxy", &error.into());
    let process = match pidfd_open(master, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        process => process.map_err(failed)?,
    };
    for signal in [Signal::USR1, Signal::TERM, Signal::KILL] {
        match kill_process(master, signal) {
            Err(Errno::SRCH) => return Ok(()),
            sent => sent.map_err(failed)?,
        }
        if ends(&process, Some(LAST_REQUESTS)) {
            return Ok(());
        }
    }
    Err(Failure::haproxy("HAProxy does not end"))
}

fn ends(process: &OwnedFd, wait: Option<Duration>) -> bool {
    let limit = wait.and_then(|wait| Timespec::try_from(wait).ok());
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ended, limit.as_ref()).is_ok_and(|events| events > 0)
}

fn began(child: &mut Child, home: &PlainPath) -> Result<Processes, Failure> {
    let began = Instant::now();
    while began.elapsed() < LONGEST_START {
        if let Ok(Some(_)) = child.try_wait() {
            let why = "HAProxy does not start: its own words stand above";
            return Err(Failure::new(Kind::Refused, why).help("sidecar check"));
        }
        match processes(home) {
            Ok(Some(found)) if found.master == child.id() && found.worker.is_some() => {
                return Ok(found);
            }
            _ => thread::sleep(Duration::from_millis(2)),
        }
    }
    Err(Failure::haproxy("HAProxy does not answer"))
}
