//! Backends, slots and routes: what `HAProxy` has.
//!
//! A backend is rendered with more servers than its service has instances, so that one that comes
//! or goes is a command and no reload. Some backends are spare: a service nobody knew gets one at
//! once, and a backend of its own with the next reload.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use atlas::{InstanceId, ServiceName};

use super::view::{Endpoint, Endpoints, View};

/// Fewest slots of a service, and the slots of a spare backend.
pub const FEWEST: usize = 4;
/// Services that can come between two reloads without a third.
pub const SPARES: u8 = 128;

/// A backend's name: `be_identity`, `spare7`. The prefixes keep the two apart; spares are the last
/// in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    Service(ServiceName),
    Spare(u8),
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "be_{name}"),
            Self::Spare(number) => write!(f, "spare{number}"),
        }
    }
}

/// A server that is rendered, and who is in it.
pub type Slot = Option<(InstanceId, Endpoint)>;

/// What `HAProxy` has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub backends: BTreeMap<Backend, Vec<Slot>>,
    pub routes: BTreeMap<ServiceName, Backend>,
}

impl Layout {
    /// The one layout of a view, whatever was before: equal views give equal bytes.
    pub fn canonical(view: &View) -> Self {
        let mut layout = Self::default();
        for (service, endpoints) in &view.services {
            let backend = Backend::Service(service.clone());
            layout.backends.insert(backend.clone(), filled(endpoints));
            layout.routes.insert(service.clone(), backend);
        }
        let spares = (0..SPARES).map(|number| (Backend::Spare(number), vec![None; FEWEST]));
        layout.backends.extend(spares);
        layout
    }

    /// Spare backends that no service has, nor had since the last reload.
    pub fn free_spares(&self) -> impl Iterator<Item = &Backend> {
        let is_spare = |backend: &Backend| matches!(backend, Backend::Spare(_));
        let taken: BTreeSet<_> = self.routes.values().filter(|at| is_spare(at)).collect();
        let spares = self.backends.range(Backend::Spare(0)..);
        let free = spares.filter(move |(backend, slots)| {
            !taken.contains(backend) && slots.iter().all(Option::is_none)
        });
        free.map(|(backend, _)| backend)
    }

    /// Slots of a service that nobody is in.
    pub fn free_slots(&self, service: &ServiceName) -> usize {
        let slots = self
            .routes
            .get(service)
            .and_then(|at| self.backends.get(at));
        slots.map_or(0, |slots| {
            slots.iter().filter(|slot| slot.is_none()).count()
        })
    }
}

/// Slots for so many instances: twice as many, a power of two.
pub fn slots_for(instances: usize) -> usize {
    FEWEST.max(2 * instances).next_power_of_two()
}

fn filled(endpoints: &Endpoints) -> Vec<Slot> {
    let mut slots: Vec<Slot> = endpoints
        .iter()
        .map(|(id, endpoint)| Some((id.clone(), *endpoint)))
        .collect();
    slots.resize(slots_for(endpoints.len()), None);
    slots
}
