//! This host from its directory, the others from the cluster: two states into one. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use atlas::{Bad, Change, Event, Host, Instance, InstanceId, Revision, Snapshot};

use super::Membership;
use crate::health::Run;
use crate::routes::Routes;

/// Both states, and what is made of them.
pub struct Union {
    host: Host,
    advertise: Option<IpAddr>,
    local: Snapshot,
    /// Without what this host has published itself.
    remote: Snapshot,
    sick: BTreeSet<Run>,
}

impl Union {
    /// Begins with the other hosts as they were last known.
    pub fn new(membership: &Membership, known: Routes) -> Self {
        let mut union = Self {
            host: membership.host.clone(),
            advertise: membership.advertise,
            local: Snapshot::default(),
            remote: Snapshot::default(),
            sick: BTreeSet::new(),
        };
        let here = [membership.host.clone(), Host::this()];
        let others = known.instances.into_iter();
        union.remote.instances = others.filter(|(id, _)| !here.contains(&id.host)).collect();
        union
    }

    /// What the directory says; what the driver is told.
    pub fn local(&mut self, event: Event) -> Event {
        match event {
            Event::Full(snapshot) => {
                self.local = snapshot;
                Event::Full(self.both())
            }
            Event::Changed { revision, changes } => {
                self.local.revision = revision;
                let changes = changes.into_iter().map(|change| {
                    self.local.apply(change.clone());
                    self.told_locally(change)
                });
                let changes = changes.collect();
                Event::Changed { revision, changes }
            }
        }
    }

    /// What the cluster says; what the driver is told, if it is of interest here.
    pub fn remote(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Full(snapshot) => {
                self.remote = snapshot;
                let here = &self.host;
                self.remote.instances.retain(|id, _| id.host != *here);
                let bad = self.remote.bad.iter_mut();
                bad.for_each(|bad| *bad = not_ours(bad.clone(), here));
                Some(Event::Full(self.both()))
            }
            Event::Changed { changes, .. } => {
                let changes: Vec<_> = changes
                    .into_iter()
                    .flat_map(|change| self.told_remotely(change))
                    .collect();
                let revision = Revision::NONE;
                (!changes.is_empty()).then_some(Event::Changed { revision, changes })
            }
        }
    }

    /// Is it ready? For the others to know.
    pub fn health(&mut self, run: Run, is_ready: bool) {
        if is_ready {
            self.sick.remove(&run);
        } else {
            self.sick.insert(run);
        }
    }

    /// What the cluster is to know of this host. An address that only this host can call is replaced,
    /// and where nobody said by what, the instance stays at home.
    pub fn published(&mut self) -> BTreeMap<InstanceId, Instance> {
        let runs: BTreeSet<_> = self.local.instances.values().map(Run::of).collect();
        self.sick.retain(|run| runs.contains(run));
        let local = self.local.instances.values();
        let published = local.filter_map(|instance| {
            let addr = match self.advertise {
                Some(addr) if instance.addr.is_loopback() => addr,
                None if instance.addr.is_loopback() => return None,
                _ => instance.addr,
            };
            let is_sick = self.sick.contains(&Run::of(instance));
            let instance = Instance {
                id: self.abroad(&instance.id),
                addr,
                draining: !instance.is_up() || is_sick,
                enabled: true,
                ..instance.clone()
            };
            Some((instance.id.clone(), instance))
        });
        published.collect()
    }

    fn both(&self) -> Snapshot {
        let mut both = self.remote.clone();
        both.revision = self.local.revision;
        let local = self.local.instances.values();
        let local = local.map(|instance| (instance.id.clone(), self.own(instance.clone())));
        both.instances.extend(local);
        both.disabled.extend(self.local.disabled.iter().cloned());
        both.bad.extend(self.local.bad.iter().cloned());
        both
    }

    fn told_locally(&self, change: Change) -> Change {
        match change {
            Change::Up(instance) => Change::Up(self.own(instance)),
            // Somebody else of that name has been in its shadow.
            Change::Down(id) => match self.remote.instances.get(&id) {
                Some(other) => Change::Up(other.clone()),
                None => Change::Down(id),
            },
            change => change,
        }
    }

    fn told_remotely(&mut self, change: Change) -> Vec<Change> {
        let is_ours = |id: &InstanceId| id.host == self.host;
        match change {
            Change::Up(instance) if is_ours(&instance.id) => return Vec::new(),
            Change::Down(id) if is_ours(&id) => return Vec::new(),
            _ => {}
        }
        self.remote.apply(change.clone());
        match change {
            Change::Disabled(id, _) if id.host == self.host => self.again(&id),
            Change::Up(Instance { id, .. }) | Change::Down(id) if self.is_local(&id) => Vec::new(),
            Change::Bad(bad) => vec![Change::Bad(not_ours(bad, &self.host))],
            change => vec![change],
        }
    }

    fn is_local(&self, id: &InstanceId) -> bool {
        self.local.instances.contains_key(id)
    }

    /// What the cluster calls that, as it is now.
    fn again(&self, abroad: &InstanceId) -> Vec<Change> {
        let local = self.local.instances.values();
        let named = local.filter(|instance| self.abroad(&instance.id) == *abroad);
        let again = named.map(|instance| Change::Up(self.own(instance.clone())));
        again.collect()
    }

    /// An operator may take it out here or for the whole cluster.
    fn own(&self, instance: Instance) -> Instance {
        let out = self.remote.disabled.contains(&self.abroad(&instance.id));
        Instance {
            enabled: instance.enabled && !out,
            ..instance
        }
    }

    /// The name by which others know an instance of this host.
    fn abroad(&self, id: &InstanceId) -> InstanceId {
        InstanceId {
            host: self.host.clone(),
            ..id.clone()
        }
    }
}

/// A bad entry under a name of ours says nothing of what runs here.
fn not_ours(bad: Bad, here: &Host) -> Bad {
    let id = bad.id.clone().filter(|id| id.host != *here);
    Bad { id, ..bad }
}
