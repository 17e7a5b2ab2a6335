//! What the loop tells: on the board, and of its troubles.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas::ServiceName;

use super::Driver;
use super::write::Done;
use crate::command::failure::Failure;
use crate::command::report;
use crate::core::plan::Reload;
use crate::core::view::Admin;
use crate::metrics::Counts;

impl Driver<'_> {
    pub(super) fn count(&mut self, commands: usize, sent: bool) {
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

    pub(super) fn count_reload(&mut self, done: &Done) {
        let mut told = self.board.told();
        told.reload_last = done.took;
        if done.outcome.is_ok() {
            told.reloads += 1;
        } else {
            told.reloads_failed += 1;
        }
    }

    /// Once a trouble, not once a second.
    pub(super) fn complain(&mut self, failure: &Failure) {
        if self.told.as_ref() != Some(&failure.message) {
            report::survived(failure);
            self.told = Some(failure.message.clone());
        }
    }

    pub(super) fn tell(&mut self) {
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
}
