//! One loop: events in, changes out. What takes time is done by threads that send an event back.
//!
//! ```text
//! registry, health, refusals, signals, deaths, files written ──▶ handle ──▶ route (runtime commands)
//!                                                                      └──▶ write (files, reload)
//! ```
//!
//! | module | one line |
//! |---|---|
//! | `event` | what the loop hears of, and the threads that listen |
//! | `cluster` | a host among others: etcd beside the directory |
//! | `jobs`, `write` | files and reloads: when they are due, and how they are done |
//! | `upkeep` | beginning, and what is due though no event says so |
//! | `board` | what the loop tells |

mod board;
pub mod cluster;
mod event;
mod jobs;
mod upkeep;
pub mod write;

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use atlas::ServiceName;

use crate::belief::Belief;
use crate::command::failure::Failure;
use crate::command::{World, report};
use crate::core::layout::Layout;
use crate::core::plan::{Plan, Reload};
use crate::core::view::View;
use crate::haproxy::{self, Haproxy};
use crate::health::Patients;
use crate::metrics::Board;
use crate::{answers, home, probe};
use event::Event;
use jobs::Busy;
use upkeep::Dues;

/// Runs until a signal.
pub fn run(world: &World) -> Result<(), Failure> {
    let _lock = home::take(world.home())?;
    report::note(&haproxy::version(&world.haproxy)?);
    let board = Board::new(world.realm.clone());
    answers::own(world.status, &board)?;
    answers::unknown(world.home(), &world.setup.header, &board)?;
    let (sender, events) = std::sync::mpsc::channel();
    let patients = Patients::default();
    event::listen(world, &board, &patients, &sender)?;
    let mut driver = Driver::start(world, board, sender, patients);
    driver.begin(&events)?;
    driver.follow(&events)
}

/// The state, all of it.
struct Driver<'a> {
    world: &'a World,
    board: Board,
    sender: Sender<Event>,
    patients: Patients,
    belief: Belief,
    haproxy: Option<Haproxy>,
    /// What `HAProxy` has; `None` if nobody knows, and then a reload is owed.
    layout: Option<Layout>,
    /// What is to be routed, as far as it was looked at.
    view: View,
    /// The layout has all of it.
    is_routed: bool,
    /// What the files say: with what a restarted `HAProxy` begins.
    written: Layout,
    owed: Reload,
    /// Files are being written, or a reload is under way.
    busy: Option<Busy>,
    dues: Dues,
    silence: probe::Silence,
    /// When the changes that are not yet applied were heard of.
    heard: Option<Instant>,
    /// Something changed since the last look at what is to be routed.
    is_news: bool,
    /// The board says what is routed, but for these services.
    is_told: bool,
    untold: BTreeSet<ServiceName>,
    /// The last trouble of each kind, so that it is told once.
    told: Option<String>,
    end: Option<i32>,
}

impl<'a> Driver<'a> {
    fn start(world: &'a World, board: Board, sender: Sender<Event>, patients: Patients) -> Self {
        Self {
            world,
            board,
            sender,
            patients,
            belief: Belief::default(),
            haproxy: None,
            layout: None,
            view: View::default(),
            is_routed: false,
            written: Layout::default(),
            owed: Reload::No,
            busy: None,
            dues: Dues::default(),
            silence: probe::Silence::default(),
            heard: None,
            is_news: true,
            is_told: false,
            untold: BTreeSet::new(),
            told: None,
            end: None,
        }
    }

    fn follow(&mut self, events: &Receiver<Event>) -> Result<(), Failure> {
        while self.end.is_none() {
            self.upkeep();
            self.route();
            self.write();
            self.tell();
            match events.recv_timeout(self.dues.wait()) {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // A storm is one change.
            while let Ok(event) = events.try_recv() {
                self.handle(event);
            }
        }
        self.leave()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Registry(Ok(event)) => self.hear(event),
            Event::Registry(Err(failure)) => {
                self.board.told().connected = false;
                self.complain(&failure);
            }
            Event::Health(run, is_ready) => {
                let word = if is_ready {
                    "is ready again"
                } else {
                    "is not ready"
                };
                report::note(&format!("{} {word}", run.id));
                self.belief.health(run, is_ready);
                self.changed();
            }
            Event::Refused(ids) => {
                self.belief.refused(&ids);
                self.changed();
            }
            Event::Died(master) => self.died(master),
            Event::Done(done) => self.done(done),
            Event::Signal(signal) => self.end = Some(signal),
        }
    }

    fn hear(&mut self, event: atlas::Event) {
        self.changed();
        for bad in self.belief.take(event) {
            report::warn(&format!(
                "`{}` counts for nothing: {}",
                bad.place, bad.reason
            ));
        }
        let doubted = self.belief.doubted();
        if !doubted.is_empty() {
            let sender = self.sender.clone();
            std::thread::spawn(move || {
                probe::patiently(doubted, |refused| {
                    drop(sender.send(Event::Refused(refused)));
                });
            });
        }
        let mut told = self.board.told();
        if !told.is_away {
            (told.connected, told.heard) = (true, Instant::now());
        }
    }

    fn changed(&mut self) {
        self.heard.get_or_insert_with(Instant::now);
        self.is_news = true;
    }

    /// Applies what can be applied without a reload.
    fn route(&mut self) {
        if self.haproxy.is_none() || self.busy.is_some_and(Busy::holds_changes) {
            return;
        }
        if self.is_routed && !self.is_news {
            return;
        }
        let Some(layout) = self.layout.take() else {
            return;
        };
        let changed = self.belief.refresh(&mut self.view);
        let plan = if self.is_routed {
            Plan::of(layout, &self.view, &changed)
        } else {
            Plan::new(layout, &self.view)
        };
        self.is_told &= self.is_routed;
        (self.is_routed, self.is_news) = (true, false);
        self.untold.extend(changed);
        if plan.commands.is_empty() && plan.reload == Reload::No {
            (self.layout, self.heard) = (Some(plan.next), None);
            return;
        }
        if let Some(busy) = &mut self.busy {
            busy.is_behind = true;
        }
        let sent = haproxy::run(self.world.home(), &plan.commands);
        self.count(plan.commands.len(), sent.is_ok());
        match sent {
            Ok(()) => {
                self.layout = Some(plan.next);
                self.owed = self.owed.max(plan.reload);
            }
            Err(failure) => {
                self.complain(&failure);
                (self.layout, self.is_routed, self.owed) = (None, false, Reload::Now);
            }
        }
        self.dues.changed();
    }

    /// SIGTERM leaves `HAProxy` to the next Sidecar; ctrl-c and a closed terminal end it, too.
    fn leave(&mut self) -> Result<(), Failure> {
        let stop = self.end != Some(signal_hook::consts::SIGTERM);
        if let Some(membership) = self.world.membership.as_ref().filter(|_| stop) {
            // First the others hear that nobody is here.
            membership.etcd.leave();
        }
        match self.haproxy.take() {
            Some(mut haproxy) if stop => {
                haproxy::stop(haproxy.master)?;
                haproxy.reap();
                report::note("HAProxy has ended");
            }
            Some(haproxy) => {
                let pid = haproxy.master.as_raw_nonzero();
                report::note(&format!(
                    "HAProxy goes on as process {pid}; `sidecar stop` ends it"
                ));
            }
            None => {}
        }
        Ok(())
    }
}

/// Between looks at what makes no event.
const TICK: Duration = Duration::from_secs(1);
