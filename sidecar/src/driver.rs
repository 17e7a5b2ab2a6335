//! One loop: events in, changes out. What takes time is done by threads that send an event back.
//!
//! ```text
//! registry, health, refusals, signals, deaths, files written ──▶ handle ──▶ route (runtime commands)
//!                                                                      └──▶ write (files, reload)
//! ```

pub mod cluster;
mod event;
mod upkeep;
pub mod write;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::belief::Belief;
use crate::command::failure::Failure;
use crate::command::{World, report};
use crate::core::layout::Layout;
use crate::core::plan::{Plan, Reload};
use crate::core::view::View;
use crate::haproxy::{self, Haproxy};
use crate::health::Patients;
use crate::metrics::{Board, Counts};
use crate::{answers, home, probe};
use event::Event;
use upkeep::Dues;
use write::{Done, Job};

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
    busy: Option<Reload>,
    dues: Dues,
    silence: probe::Silence,
    /// When the changes that are not yet applied were heard of.
    heard: Option<Instant>,
    /// Something changed since the last look at what is to be routed.
    is_news: bool,
    /// The board says what is routed.
    is_told: bool,
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
        self.is_told = false;
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

    /// Applies what can be applied without a reload. While one is under way nobody knows which
    /// worker would take a command, so changes wait for its end.
    fn route(&mut self) {
        if self.haproxy.is_none() || self.busy > Some(Reload::No) {
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
        (self.is_routed, self.is_news) = (true, false);
        if plan.commands.is_empty() && plan.reload == Reload::No {
            (self.layout, self.heard) = (Some(plan.next), None);
            return;
        }
        let sent = haproxy::run(self.world.home(), &plan.commands);
        self.count(plan.commands.len(), sent.is_ok());
        match sent {
            Ok(()) => {
                self.layout = Some(plan.next);
                self.owed = self.owed.max(plan.reload);
                self.is_told = false;
            }
            Err(failure) => {
                self.complain(&failure);
                (self.layout, self.is_routed, self.owed) = (None, false, Reload::Now);
            }
        }
        self.dues.changed();
    }

    fn count(&mut self, commands: usize, sent: bool) {
        let mut told = self.board.told();
        let commands = u64::try_from(commands).unwrap_or(u64::MAX);
        if sent {
            told.commands += commands;
        } else {
            told.commands_failed += 1;
        }
        if let Some(heard) = self.heard.take() {
            told.applied(heard.elapsed());
        }
    }

    /// Has files written once there was quiet, and the reload that is owed once it is time.
    fn write(&mut self) {
        if self.busy.is_some() || self.haproxy.is_none() {
            return;
        }
        let reload = self.dues.may_reload(self.owed);
        if !reload && !self.dues.may_write() {
            return;
        }
        self.busy = Some(if reload { self.owed } else { Reload::No });
        if reload {
            self.owed = Reload::No;
        }
        self.dues.begun();
        let job = self.job(reload);
        let (world, sender) = (self.world.clone(), self.sender.clone());
        std::thread::spawn(move || drop(sender.send(Event::Done(write::perform(&world, &job)))));
    }

    fn job(&self, reload: bool) -> Job {
        let master = self.haproxy.as_ref().map(|haproxy| haproxy.master);
        Job {
            layout: Layout::canonical(&self.belief.view()),
            routes: self.belief.routes().clone(),
            reload: master.filter(|_| reload),
        }
    }

    fn done(&mut self, done: Done) {
        let owed = self.busy.take().unwrap_or(Reload::No);
        if let Some(written) = done.written {
            self.written = written;
        }
        if let Some(worker) = done.reloaded {
            self.layout = Some(self.written.clone());
            self.is_routed = false;
            if let Some(haproxy) = &mut self.haproxy {
                haproxy.worker = Some(worker);
            }
        }
        if done.is_unknown {
            self.layout = None;
        }
        self.is_told = false;
        let is_reload = owed > Reload::No;
        self.dues.ended(done.outcome.is_ok(), is_reload);
        let mut told = self.board.told();
        if is_reload {
            told.reload_last = done.took;
            let count = if done.outcome.is_ok() {
                &mut told.reloads
            } else {
                &mut told.reloads_failed
            };
            *count += 1;
        }
        drop(told);
        match done.outcome {
            Ok(()) => self.told = None,
            Err(failure) => {
                self.owed = self.owed.max(owed);
                self.complain(&failure);
            }
        }
    }

    /// Once a trouble, not once a second.
    fn complain(&mut self, failure: &Failure) {
        if self.told.as_ref() != Some(&failure.message) {
            report::survived(failure);
            self.told = Some(failure.message.clone());
        }
    }

    fn tell(&mut self) {
        let mut told = self.board.told();
        told.reload_owed = self.owed > Reload::No || self.busy > Some(Reload::No);
        told.haproxy = self
            .haproxy
            .as_ref()
            .map(|haproxy| haproxy.master.as_raw_nonzero().get().unsigned_abs());
        told.doubted = self.belief.doubted().len();
        told.bad = self.belief.bad();
        told.bad_seen.clone_from(&self.belief.bad_seen);
        if self.is_told {
            return;
        }
        self.is_told = true;
        self.patients.set(self.belief.routes().instances.values());
        let layout = self.layout.as_ref();
        told.services = self
            .view
            .services
            .iter()
            .map(|(service, endpoints)| {
                let ready = endpoints
                    .values()
                    .filter(|one| one.admin == crate::core::view::Admin::Ready)
                    .count();
                let counts = Counts {
                    ready,
                    drained: endpoints.len() - ready,
                    slots_free: layout.map_or(0, |layout| layout.free_slots(service)),
                };
                (service.clone(), counts)
            })
            .collect();
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
