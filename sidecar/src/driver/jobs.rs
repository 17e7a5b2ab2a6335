//! Files and reloads as the loop sees them: begun when they are due, answered for when they are done.
//!
//! Changes go on while files are written; a reload begins when the files say all that is routed.

use super::Driver;
use super::event::Event;
use super::write::{self, Done, Job};
use crate::command::World;
use crate::core::plan::Reload;

/// So often files are written anew before a reload, if they were behind by then; after that
/// changes wait for them.
const PATIENCE: u8 = 3;

/// What is done on a thread of its own just now.
#[derive(Clone, Copy)]
pub(super) struct Busy {
    /// The reload that it is for.
    pub(super) owed: Reload,
    is_reloading: bool,
    /// Something was applied that is not in the files that are being written.
    pub(super) is_behind: bool,
    /// So often the files were behind when they were there.
    late: u8,
}

impl Busy {
    /// While a reload is under way nobody knows which worker would take a command; and what is in
    /// no file would be gone with it.
    pub(super) fn holds_changes(self) -> bool {
        self.is_reloading || self.late >= PATIENCE
    }
}

impl Driver<'_> {
    /// Has files written once there was quiet, or for the reload that is owed once it is time.
    pub(super) fn write(&mut self) {
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

    pub(super) fn job(&self) -> Job {
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

    pub(super) fn done(&mut self, mut done: Done) {
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
        if is_reload {
            self.count_reload(&done);
        }
        match done.outcome {
            Ok(()) => self.told = None,
            Err(failure) => {
                self.owed = self.owed.max(owed);
                self.complain(&failure);
            }
        }
    }
}
