//! Beginning, and what is due though no event says so.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::event::Event;
use super::write;
use super::{Driver, TICK};
use crate::belief::Belief;
use crate::command::failure::{Failure, Kind};
use crate::command::report;
use crate::core::plan::Reload;
use crate::haproxy::{self, Haproxy};
use crate::probe;
use crate::routes::Routes;

/// The registry answers within so long, or the last good state is good enough to begin with.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// Files are written after so long without a change, and in a storm as often as this.
const QUIET: Duration = Duration::from_millis(100);
const STORM: Duration = Duration::from_secs(1);
/// A reload that only tidies up waits for so long a quiet, since changes would wait for it, and for
/// so long after the last one, since each leaves an old worker for a while.
const TIDY_QUIET: Duration = Duration::from_secs(2);
const TIDY: Duration = Duration::from_secs(30);
/// Who is doubted and does not answer at all, over the network, is gone after so long.
const SILENT: Duration = Duration::from_secs(10);
/// Between attempts.
const AGAIN: Duration = Duration::from_secs(1);

/// When what is due.
pub struct Dues {
    tick: Instant,
    /// The first and the last change that is in no file.
    unwritten: Option<(Instant, Instant)>,
    changed: Option<Instant>,
    reloaded: Option<Instant>,
    /// After a failure, nothing before this.
    again: Instant,
    /// `HAProxy` did not start: not before then, and twice as long the next time.
    restart: Instant,
    pause: Duration,
    owed: Reload,
}

impl Default for Dues {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            tick: now + TICK,
            unwritten: None,
            changed: None,
            reloaded: None,
            again: now,
            restart: now,
            pause: QUIET,
            owed: Reload::No,
        }
    }
}

impl Dues {
    pub fn changed(&mut self) {
        let now = Instant::now();
        let first = self.unwritten.map_or(now, |(first, _)| first);
        (self.unwritten, self.changed) = (Some((first, now)), Some(now));
    }

    pub fn may_write(&self) -> bool {
        let now = Instant::now();
        self.unwritten_until().is_some_and(|due| now >= due) && now >= self.again
    }

    fn unwritten_until(&self) -> Option<Instant> {
        self.unwritten
            .map(|(first, last)| (last + QUIET).min(first + STORM))
    }

    pub fn may_reload(&mut self, owed: Reload) -> bool {
        self.owed = owed;
        self.reload_at().is_some_and(|due| Instant::now() >= due)
    }

    fn reload_at(&self) -> Option<Instant> {
        let at = match self.owed {
            Reload::No => return None,
            Reload::Now => self.again,
            Reload::Later => {
                let quiet = self.changed.map(|at| at + TIDY_QUIET);
                let tidy = self.reloaded.map(|at| at + TIDY);
                [Some(self.again), quiet, tidy]
                    .into_iter()
                    .flatten()
                    .max()?
            }
        };
        Some(at)
    }

    pub fn begun(&mut self) {
        (self.unwritten, self.owed) = (None, Reload::No);
    }

    pub fn ended(&mut self, is_good: bool, is_reload: bool) {
        let now = Instant::now();
        if is_good {
            self.reloaded = if is_reload { Some(now) } else { self.reloaded };
        } else {
            self.again = now + AGAIN;
            self.changed();
        }
    }

    /// Until something is due.
    pub fn wait(&self) -> Duration {
        let write = self.unwritten_until().map(|due| due.max(self.again));
        let due = [Some(self.tick), write, self.reload_at()]
            .into_iter()
            .flatten()
            .min();
        // A job that is under way sends an event; until then what is due would only spin.
        let floor = Duration::from_millis(1);
        due.map_or(TICK, |due| due.saturating_duration_since(Instant::now()))
            .max(floor)
    }
}

impl Driver<'_> {
    /// From the last good state and the registry to an `HAProxy` that runs.
    pub fn begin(&mut self, events: &Receiver<Event>) -> Result<(), Failure> {
        let routes = Routes::load(&self.world.routes(), &self.world.realm);
        self.belief = Belief::from_routes(routes);
        match events.recv_timeout(FIRST_WORD) {
            Ok(event) => self.handle(event),
            Err(_) => {
                report::warn("the registry does not answer; beginning with the last good state");
            }
        }
        // Whoever died while no Sidecar looked.
        self.belief.refused(&probe::once(&self.belief.doubted()));
        self.patients.set(self.belief.routes().instances.values());
        self.view = self.belief.view();
        let done = write::files(self.world, &self.job());
        self.written = done.written.unwrap_or_default();
        let running = Haproxy::attach(self.world.home())?;
        match (running, done.outcome) {
            (Some(haproxy), outcome) => self.take_over(haproxy, outcome)?,
            (None, outcome) => outcome.and_then(|()| self.first_start())?,
        }
        report::note(&format!(
            "services are called at http://{}",
            self.world.setup.listen
        ));
        Ok(())
    }

    fn take_over(&mut self, haproxy: Haproxy, outcome: Result<(), Failure>) -> Result<(), Failure> {
        let master = haproxy.master.as_raw_nonzero();
        report::note(&format!("attached to HAProxy, process {master}"));
        // It serves, whatever keeps us from writing: the reload is owed until that is over.
        if let Err(failure) = outcome {
            self.complain(&failure);
        }
        // What it has was known to the last Sidecar only.
        self.owed = Reload::Now;
        self.adopt(haproxy)
    }

    fn first_start(&mut self) -> Result<(), Failure> {
        free("--listen", self.world.setup.listen)?;
        free("--stats", self.world.setup.stats)?;
        let haproxy = Haproxy::start(&self.world.haproxy, self.world.home())?;
        self.layout = Some(self.written.clone());
        self.adopt(haproxy)
    }

    fn adopt(&mut self, haproxy: Haproxy) -> Result<(), Failure> {
        let sender = self.sender.clone();
        haproxy.when_dead(move |master| drop(sender.send(Event::Died(master))))?;
        self.haproxy = Some(haproxy);
        Ok(())
    }

    pub(super) fn died(&mut self, master: Pid) {
        let Some(mut dead) = self.haproxy.take_if(|haproxy| haproxy.master == master) else {
            return;
        };
        dead.reap();
        report::warn("HAProxy has died; starting it again");
    }

    /// Restarts the dead at once; once a second looks at the rest.
    pub(super) fn upkeep(&mut self) {
        if self.haproxy.is_none() && self.busy.is_none() && Instant::now() >= self.dues.restart {
            self.restart();
        }
        if Instant::now() < self.dues.tick {
            return;
        }
        self.dues.tick = Instant::now() + TICK;
        if self.belief.pass() {
            self.changed();
        }
        let doubted = self.belief.doubted();
        if !doubted.is_empty() {
            let (sender, silence) = (self.sender.clone(), self.silence.clone());
            std::thread::spawn(move || {
                drop(sender.send(Event::Refused(silence.ask(&doubted, SILENT))));
            });
        }
        self.look();
    }

    /// On the files that are there: they were looked at before they got there.
    fn restart(&mut self) {
        let started = Haproxy::start(&self.world.haproxy, self.world.home());
        match started.and_then(|haproxy| self.adopt(haproxy)) {
            Ok(()) => {
                self.board.told().restarts += 1;
                (self.layout, self.is_routed) = (Some(self.written.clone()), false);
                self.dues.pause = QUIET;
            }
            Err(failure) => {
                self.complain(&failure);
                self.dues.restart = Instant::now() + self.dues.pause;
                self.dues.pause = (self.dues.pause * 2).min(Duration::from_secs(2));
            }
        }
    }

    /// Somebody else may have reloaded it: then it has what the files say.
    fn look(&mut self) {
        if self.busy.is_some() {
            return;
        }
        let Some(haproxy) = &mut self.haproxy else {
            return;
        };
        let Ok(Some(found)) = haproxy::processes(self.world.home()) else {
            return;
        };
        self.board.told().old_workers = found.old;
        if found.worker.is_some() && found.worker != haproxy.worker {
            haproxy.worker = found.worker;
            // Between two writes the files may be behind what we know of them: a reload makes sure.
            (self.layout, self.is_routed) = (Some(self.written.clone()), false);
            self.owed = Reload::Now;
        }
    }
}

/// `HAProxy` binds with `SO_REUSEPORT`: a second one, of another realm say, would not fail but take
/// every other request.
fn free(flag: &str, at: SocketAddr) -> Result<(), Failure> {
    match TcpListener::bind(at) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let why = format!("somebody listens on `{at}` already");
            let help = format!("sidecar {flag} 127.0.0.1:PORT");
            Err(Failure::new(Kind::Conflict, why).help(help))
        }
        // Whatever else is wrong with it, `HAProxy` will say.
        _ => Ok(()),
    }
}
