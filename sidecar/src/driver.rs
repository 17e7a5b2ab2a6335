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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use atlas::ServiceName;

use crate::belief::Belief;
use crate::command::failure::Failure;
use crate::command::{World, report};
use crate::core::layout::Layout;
use crate::core::plan::{Plan, Reload};
use crate::core::view::{Admin, View};
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

/// What is done on a thread of its own just now.
#[derive(Clone, Copy)]
struct Busy {
    /// The reload that it is for.
    owed: Reload,
    is_reloading: bool,
    /// Something was applied that is not in the files that are being written.
    is_behind: bool,
    /// So often the files were behind when they were there.
    late: u8,
}

impl Busy {
    /// While a reload is under way nobody knows which worker would take a command; and what is in
    /// no file would be gone with it.
    fn holds_changes(self) -> bool {
        self.is_reloading || self.late >= PATIENCE
    }
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

    /// Has files written once there was quiet, or for the reload that is owed once it is time.
    fn write(&mut self) {
        if self.busy.is_some() || self.haproxy.is_none() {
            return;
        }
        let reload = self.dues.may_reload(self.owed);
        if !reload && !self.dues.may_write() {
            return;
        }
        let owed = if reload { self.owed } else { Reload::No };
        if reload {
            self.owed = Reload::No;
        }
        self.dues.begun();
        self.write_files(owed, 0);
    }

    fn write_files(&mut self, owed: Reload, late: u8) {
        self.busy = Some(Busy {
            owed,
            is_reloading: false,
            is_behind: false,
            late,
        });
        let job = self.job();
        self.apart(move |world| match owed {
            Reload::Now => write::files(world, &job),
            _ => write::files_in_peace(world, &job),
        });
    }

    fn apart(&self, work: impl FnOnce(&World) -> Done + Send + 'static) {
        let (world, sender) = (self.world.clone(), self.sender.clone());
        std::thread::spawn(move || drop(sender.send(Event::Done(work(&world)))));
    }

    fn job(&self) -> Job {
        Job {
            belief: self.belief.clone(),
        }
    }

    /// The files are there: on to the reload that they are for, if they say all that is routed.
    fn goes_on(&mut self, done: &Done) -> bool {
        let wanted = self.busy.filter(|busy| busy.owed > Reload::No);
        let Some(busy) = wanted.filter(|busy| !busy.is_reloading && done.outcome.is_ok()) else {
            return false;
        };
        if busy.is_behind {
            self.write_files(busy.owed, busy.late + 1);
            return true;
        }
        let Some(master) = self.haproxy.as_ref().map(|haproxy| haproxy.master) else {
            return false;
        };
        // The files say all that is routed, and so will the new worker.
        self.owed = Reload::No;
        self.busy = Some(Busy {
            is_reloading: true,
            ..busy
        });
        self.apart(move |world| write::reload(world, master));
        true
    }

    fn done(&mut self, mut done: Done) {
        if let Some(written) = done.written.take() {
            self.written = written;
        }
        if self.goes_on(&done) {
            return;
        }
        let busy = self.busy.take();
        let owed = busy.map_or(Reload::No, |busy| busy.owed);
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
        // One whose `HAProxy` died meanwhile is none: the next one begins with these files.
        let is_reload = busy.is_some_and(|busy| busy.is_reloading)
            || (owed > Reload::No && done.outcome.is_err());
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
        told.reload_owed = self
            .owed
            .max(self.busy.map_or(Reload::No, |busy| busy.owed))
            > Reload::No;
        told.haproxy = self
            .haproxy
            .as_ref()
            .map(|haproxy| haproxy.master.as_raw_nonzero().get().unsigned_abs());
        told.doubted = self.belief.doubted().len();
        told.bad = self.belief.bad();
        told.bad_seen.clone_from(&self.belief.bad_seen);
        let untold = std::mem::take(&mut self.untold);
        if self.is_told && untold.is_empty() {
            return;
        }
        self.patients.set(self.belief.routes().instances.values());
        if !self.is_told {
            told.services = Arc::default();
        }
        let services = Arc::make_mut(&mut told.services);
        if self.is_told {
            self.tell_of(untold.iter(), services);
        } else {
            self.tell_of(self.view.services.keys(), services);
        }
        drop(told);
        self.is_told = true;
    }

    fn tell_of<'s>(
        &self,
        names: impl Iterator<Item = &'s ServiceName>,
        services: &mut BTreeMap<ServiceName, Counts>,
    ) {
        for name in names {
            let Some(endpoints) = self.view.services.get(name) else {
                services.remove(name);
                continue;
            };
            let ready = endpoints.values().filter(|one| one.admin == Admin::Ready);
            let ready = ready.count();
            let layout = self.layout.as_ref();
            let counts = Counts {
                ready,
                drained: endpoints.len() - ready,
                slots_free: layout.map_or(0, |layout| layout.free_slots(name)),
            };
            services.insert(name.clone(), counts);
        }
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

/// So often files are written anew before a reload, if they were behind by then; after that
/// changes wait for them.
const PATIENCE: u8 = 3;
/// Between looks at what makes no event.
const TICK: Duration = Duration::from_secs(1);
