//! The state of a realm while it is looked at, entry by entry: what each look changes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::names::{InstanceId, ServiceName};
use crate::store::MOST_INSTANCES;
use crate::{Bad, Change, Instance, Reason, Revision, Settings, Snapshot};

/// What a look at an entry found.
pub(crate) enum Seen<T> {
    /// Nothing, or what a dead owner left.
    Absent,
    Good(T),
    Bad(Reason),
}

/// Where a look was, safe to print, and at whose entry, if the name says.
pub(crate) struct Place {
    pub(crate) text: String,
    pub(crate) id: Option<InstanceId>,
}

/// A snapshot in the making. Its digest does not depend on the order of the looks.
#[derive(Default)]
pub(crate) struct Picture {
    instances: BTreeMap<InstanceId, Instance>,
    disabled: BTreeSet<InstanceId>,
    settings: BTreeMap<ServiceName, Settings>,
    bad: BTreeMap<String, Bad>,
    digest: u64,
}

impl Picture {
    pub(crate) fn revision(&self) -> Revision {
        Revision(self.digest)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            revision: self.revision(),
            instances: self.instances.clone(),
            disabled: self.disabled.clone(),
            settings: self.settings.clone(),
            bad: self.bad.values().cloned().collect(),
        }
    }

    pub(crate) fn has(&self, id: &InstanceId) -> bool {
        self.instances.contains_key(id)
    }

    /// A look at an instance's entry.
    pub(crate) fn instance(
        &mut self,
        place: Place,
        id: &InstanceId,
        seen: Seen<Instance>,
    ) -> Vec<Change> {
        let full = self.instances.len() >= MOST_INSTANCES && !self.has(id);
        let seen = match seen {
            Seen::Good(_) if full => Seen::Bad(Reason::TooMany),
            seen => seen,
        };
        let (good, bad) = seen.parted();
        let mut changes = self.judge(place, bad);
        changes.extend(self.set_instance(id, good));
        changes
    }

    /// A look at an operator's word about an instance.
    pub(crate) fn disabled(
        &mut self,
        place: Place,
        id: &InstanceId,
        seen: Seen<()>,
    ) -> Vec<Change> {
        let (good, bad) = seen.parted();
        let mut changes = self.judge(place, bad);
        let is = good.is_some();
        if is != self.disabled.contains(id) {
            if is {
                self.disabled.insert(id.clone());
            } else {
                self.disabled.remove(id);
            }
            self.toggle(&("disabled", id));
            changes.push(Change::Disabled(id.clone(), is));
            let living = self.instances.get(id).cloned();
            changes.extend(living.and_then(|instance| self.set_instance(id, Some(instance))));
        }
        changes
    }

    /// A look at the settings of a service.
    pub(crate) fn settings(
        &mut self,
        place: Place,
        service: &ServiceName,
        seen: Seen<Settings>,
    ) -> Vec<Change> {
        let (good, bad) = seen.parted();
        let mut changes = self.judge(place, bad);
        let old = match &good {
            Some(settings) => self.settings.insert(service.clone(), settings.clone()),
            None => self.settings.remove(service),
        };
        if old != good {
            for settings in [&old, &good].into_iter().flatten() {
                self.toggle(&("settings", service, settings.to_line()));
            }
            changes.push(Change::Settings(service.clone(), good));
        }
        changes
    }

    /// A look at something whose name says nothing.
    pub(crate) fn garbage(&mut self, place: Place, there: bool) -> Vec<Change> {
        self.judge(place, there.then_some(Reason::Name))
    }

    fn set_instance(&mut self, id: &InstanceId, good: Option<Instance>) -> Option<Change> {
        let enabled = !self.disabled.contains(id);
        let new = good.map(|instance| Instance {
            enabled,
            ..instance
        });
        let old = match &new {
            Some(instance) => self.instances.insert(id.clone(), instance.clone()),
            None => self.instances.remove(id),
        };
        if old == new {
            return None;
        }
        for instance in [&old, &new].into_iter().flatten() {
            self.toggle(&("instance", instance));
        }
        Some(new.map_or_else(|| Change::Down(id.clone()), Change::Up))
    }

    fn judge(&mut self, place: Place, reason: Option<Reason>) -> Vec<Change> {
        let Place { text, id } = place;
        let new = reason.map(|reason| Bad {
            place: text.clone(),
            id,
            reason,
        });
        let old = match &new {
            Some(bad) => self.bad.insert(text.clone(), bad.clone()),
            None => self.bad.remove(&text),
        };
        if old == new {
            return Vec::new();
        }
        for bad in [&old, &new].into_iter().flatten() {
            self.toggle(&("bad", &bad.place, bad.reason.to_string()));
        }
        vec![new.map_or(Change::Mended(text), Change::Bad)]
    }

    /// Adds a fact to the digest, or takes it out again.
    fn toggle(&mut self, fact: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        fact.hash(&mut hasher);
        self.digest ^= hasher.finish();
    }
}

impl<T> Seen<T> {
    fn parted(self) -> (Option<T>, Option<Reason>) {
        match self {
            Self::Absent => (None, None),
            Self::Good(good) => (Some(good), None),
            Self::Bad(reason) => (None, Some(reason)),
        }
    }
}
