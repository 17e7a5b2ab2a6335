//! From a layout to a view: the commands that lead there, and whether a reload is wanted.
//!
//! Who comes is let in before who goes is let out, so that in a deploy there is no moment with
//! nobody there.

use std::collections::BTreeSet;

use atlas::{InstanceId, ServiceName};

use super::commands::{Command, Place};
use super::layout::{Backend, FEWEST, Layout, Slot};
use super::view::{Admin, Endpoint, Endpoints, View};

/// With no more spare backends than these a reload does not wait for quiet.
const FEW_SPARES: usize = 8;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub commands: Vec<Command>,
    /// What `HAProxy` has after them.
    pub next: Layout,
    pub reload: Reload,
}

/// Whether the shape of the configuration has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reload {
    /// It has not.
    No,
    /// Everything is routed; a reload would only tidy up.
    Later,
    /// Something cannot be routed without, or soon could not.
    Now,
}

impl Plan {
    /// The way from what `HAProxy` has to what is to be routed.
    pub fn new(now: Layout, view: &View) -> Self {
        let all = now.routes.keys().chain(view.services.keys());
        let all = all.cloned().collect();
        Self::of(now, view, &all)
    }

    /// As [`Plan::new`], where only these services have changed.
    pub fn of(now: Layout, view: &View, changed: &BTreeSet<ServiceName>) -> Self {
        let mut planner = Planner::start(now);
        let (known, forgotten): (Vec<_>, Vec<_>) = changed
            .iter()
            .partition(|service| view.services.contains_key(*service));
        for service in known {
            planner.serve(service, &view.services[service]);
        }
        // Last, so that nobody gets a spare backend that is still to be vacated.
        for service in forgotten {
            planner.forget(service);
        }
        planner.finish()
    }
}

struct Planner {
    /// Come, then change, then go.
    first: Vec<Command>,
    last: Vec<Command>,
    next: Layout,
    reload: Reload,
}

impl Planner {
    fn start(now: Layout) -> Self {
        Self {
            first: Vec::new(),
            last: Vec::new(),
            next: now,
            reload: Reload::No,
        }
    }

    fn finish(self) -> Plan {
        Plan {
            commands: [self.first, self.last].concat(),
            next: self.next,
            reload: self.reload,
        }
    }

    fn want(&mut self, reload: Reload) {
        self.reload = self.reload.max(reload);
    }

    fn serve(&mut self, service: &ServiceName, endpoints: &Endpoints) {
        let known = self.next.routes.get(service).cloned();
        let is_new = known.is_none();
        let fits = endpoints.len() <= FEWEST;
        let spare = || self.next.free_spares().next().filter(|_| fits).cloned();
        let Some(backend) = known.or_else(spare) else {
            return self.want(Reload::Now);
        };
        let mut slots = self.next.backends.remove(&backend).unwrap_or_default();
        self.settle(&backend, &mut slots, endpoints);
        self.next.backends.insert(backend.clone(), slots);
        if is_new {
            // After its slots: whoever is routed there finds somebody.
            self.first
                .push(Command::AddRoute(service.clone(), backend.clone()));
            self.next.routes.insert(service.clone(), backend);
            let is_short = self.next.free_spares().nth(FEW_SPARES).is_none();
            self.want(if is_short { Reload::Now } else { Reload::Later });
        }
    }

    fn settle(&mut self, backend: &Backend, slots: &mut [Slot], endpoints: &Endpoints) {
        let place = |slot| Place {
            backend: backend.clone(),
            slot,
        };
        let (mut free, mut left) = (Vec::new(), Vec::new());
        for (index, slot) in slots.iter_mut().enumerate() {
            match slot {
                None => free.push(index),
                Some((id, was)) => match endpoints.get(id) {
                    None => left.push(index),
                    Some(is) => self.change(&place(index), was, is),
                },
            }
        }
        let is_there =
            |slots: &[Slot], id: &InstanceId| slots.iter().flatten().any(|(there, _)| there == id);
        let newcomers: Vec<_> = endpoints
            .iter()
            .filter(|(id, _)| !is_there(slots, id))
            .collect();
        let mut places = free.into_iter().chain(left.clone());
        for (id, endpoint) in newcomers {
            let Some(index) = places.next() else {
                self.want(Reload::Now);
                break;
            };
            self.let_in(&place(index), endpoint);
            slots[index] = Some((id.clone(), *endpoint));
        }
        for index in left {
            let gone = |slot: &Slot| {
                slot.as_ref()
                    .is_some_and(|(id, _)| !endpoints.contains_key(id))
            };
            if gone(&slots[index]) {
                slots[index] = None;
                self.last.push(Command::Vacate(place(index)));
            }
        }
    }

    fn let_in(&mut self, place: &Place, endpoint: &Endpoint) {
        self.first.extend([
            Command::Address(place.clone(), endpoint.addr),
            Command::Weight(place.clone(), endpoint.weight),
            Command::Admin(place.clone(), endpoint.admin),
        ]);
    }

    fn change(&mut self, place: &Place, was: &mut Endpoint, is: &Endpoint) {
        if was.addr != is.addr {
            self.first.push(Command::Address(place.clone(), is.addr));
        }
        if was.weight != is.weight {
            self.first.push(Command::Weight(place.clone(), is.weight));
        }
        if was.admin != is.admin {
            let command = Command::Admin(place.clone(), is.admin);
            match is.admin {
                Admin::Ready => self.first.push(command),
                Admin::Drain => self.last.push(command),
            }
        }
        *was = *is;
    }

    fn forget(&mut self, service: &ServiceName) {
        let Some(backend) = self.next.routes.remove(service) else {
            return;
        };
        // In front of its slots: first nobody is sent there.
        self.last.push(Command::DropRoute(service.clone()));
        let slots = self.next.backends.get_mut(&backend);
        for (slot, who) in slots.into_iter().flatten().enumerate() {
            if who.take().is_some() {
                let backend = backend.clone();
                self.last.push(Command::Vacate(Place { backend, slot }));
            }
        }
        self.want(Reload::Later);
    }
}
