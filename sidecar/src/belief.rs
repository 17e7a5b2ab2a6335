//! The registry as far as it is to be believed.
//!
//! Who comes is believed at once. Who goes is believed if that was to be expected (drained,
//! disabled), or if it is a small part of the whole; else only once it refuses a connection. So an
//! empty directory, a lost mount or a mistaken `rm` changes nothing for what still runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use atlas::{Bad, Change, Event, Instance, InstanceId, ServiceName, Snapshot};

use crate::core::view::{Admin, Endpoint, Endpoints, View};
use crate::health::Run;
use crate::probe::Asked;
use crate::routes::Routes;

/// An entry that turned bad is good for so long as it was.
const SPARED: Duration = Duration::from_mins(1);
/// A service without instances is known for so long, in seconds: it answers 503, not 404.
const REMEMBERED: u64 = 24 * 60 * 60;

/// What is believed.
#[derive(Clone, Debug, Default)]
pub struct Belief {
    routes: Routes,
    /// Routed, though the registry knows them no more; until when at most.
    held: BTreeMap<InstanceId, Option<Instant>>,
    /// Turned bad lately.
    spared: BTreeMap<InstanceId, Instant>,
    bad: BTreeMap<String, Bad>,
    sick: BTreeSet<Run>,
    /// Services of which something has changed since somebody asked.
    changed: BTreeSet<ServiceName>,
    /// Bad entries seen so far, by the word for their reason.
    pub bad_seen: BTreeMap<&'static str, u64>,
}

impl Belief {
    /// As the last Sidecar left it.
    pub fn from_routes(routes: Routes) -> Self {
        Self {
            routes,
            ..Self::default()
        }
    }

    /// Takes an event; new bad entries are returned, to be reported.
    pub fn take(&mut self, event: Event) -> Vec<Bad> {
        match event {
            Event::Full(snapshot) => self.replace(snapshot),
            Event::Changed { changes, .. } => self.follow(changes),
        }
    }

    fn replace(&mut self, snapshot: Snapshot) -> Vec<Bad> {
        let now_bad: BTreeSet<_> = snapshot.bad.iter().map(|bad| bad.place.clone()).collect();
        self.bad.retain(|place, _| now_bad.contains(place));
        let news = snapshot
            .bad
            .into_iter()
            .filter_map(|bad| self.turned_bad(bad))
            .collect();
        let there = |id: &InstanceId| snapshot.instances.contains_key(id);
        let gone = self
            .routes
            .instances
            .keys()
            .filter(|id| !there(id))
            .cloned()
            .collect();
        self.lose(gone);
        for instance in snapshot.instances.into_values() {
            self.gain(instance);
        }
        news
    }

    fn follow(&mut self, changes: Vec<Change>) -> Vec<Bad> {
        let (mut news, mut gone) = (Vec::new(), BTreeSet::new());
        for change in changes {
            match change {
                Change::Up(instance) => {
                    gone.remove(&instance.id);
                    self.gain(instance);
                }
                Change::Down(id) => drop(gone.insert(id)),
                Change::Disabled(id, disabled) => {
                    if let Some(instance) = self.routes.instances.get_mut(&id) {
                        instance.enabled = !disabled;
                        self.changed.insert(id.service);
                    }
                }
                Change::Bad(bad) => news.extend(self.turned_bad(bad)),
                Change::Mended(place) => drop(self.bad.remove(&place)),
                Change::Settings(..) => {}
            }
        }
        self.lose(gone);
        news
    }

    fn gain(&mut self, instance: Instance) {
        let at = Run::of(&instance).addr;
        // Somebody else answers there now, so its refusal will never come.
        let replaced = |id: &InstanceId| self.routes.instances.get(id).map(|old| Run::of(old).addr);
        let replaced: Vec<_> = self
            .held
            .keys()
            .filter(|id| replaced(id) == Some(at))
            .cloned()
            .collect();
        for id in replaced {
            self.drop(&id);
        }
        self.held.remove(&instance.id);
        self.spared.remove(&instance.id);
        self.changed.insert(instance.id.service.clone());
        self.routes.empty.remove(&instance.id.service);
        self.routes.instances.insert(instance.id.clone(), instance);
    }

    fn lose(&mut self, gone: BTreeSet<InstanceId>) {
        let gone: BTreeSet<_> = gone
            .into_iter()
            .filter(|id| self.routes.instances.contains_key(id) && !self.held.contains_key(id))
            .collect();
        let (expected, sudden): (BTreeSet<_>, BTreeSet<_>) =
            gone.into_iter().partition(|id| self.is_expected(id));
        for id in &expected {
            self.drop(id);
        }
        let doubtful = self.doubtful(&sudden);
        for id in sudden {
            let until = self.spared.remove(&id);
            if until.is_some() || doubtful.contains(&id) {
                self.held.insert(id, until);
            } else {
                self.drop(&id);
            }
        }
    }

    fn is_expected(&self, id: &InstanceId) -> bool {
        self.routes
            .instances
            .get(id)
            .is_some_and(|instance| !instance.is_up())
    }

    /// Those of a service that would lose more than half of its instances, or all if more than
    /// 15 % of all would go.
    fn doubtful(&self, gone: &BTreeSet<InstanceId>) -> BTreeSet<InstanceId> {
        if gone.len() * 100 > self.routes.instances.len() * 15 {
            return gone.clone();
        }
        let mut going: BTreeMap<&ServiceName, usize> = BTreeMap::new();
        for id in gone {
            *going.entry(&id.service).or_default() += 1;
        }
        let is_most = |service| going[service] * 2 > self.of(service).count();
        let doubtful = gone.iter().filter(|id| is_most(&id.service));
        doubtful.cloned().collect()
    }

    /// The instances of a service: they are beside each other.
    fn of(&self, service: &ServiceName) -> impl Iterator<Item = &Instance> {
        let first = self.routes.instances.range(first_of(service)..);
        let instances = first.map(|(_, instance)| instance);
        instances.take_while(move |instance| instance.id.service == *service)
    }

    fn drop(&mut self, id: &InstanceId) {
        self.changed.insert(id.service.clone());
        self.held.remove(id);
        self.routes.instances.remove(id);
        self.sick.retain(|run| run.id != *id);
        if self.of(&id.service).next().is_none() {
            self.routes.empty.insert(id.service.clone(), now());
        }
    }

    fn turned_bad(&mut self, bad: Bad) -> Option<Bad> {
        if let Some(id) = bad
            .id
            .clone()
            .filter(|id| self.routes.instances.contains_key(id))
        {
            self.spared.insert(id, Instant::now() + SPARED);
        }
        let before = self.bad.insert(bad.place.clone(), bad.clone());
        let is_new = before.is_none_or(|before| before.reason != bad.reason);
        is_new.then(|| {
            *self.bad_seen.entry(bad.reason.word()).or_default() += 1;
            bad
        })
    }

    /// These refused a connection: those that are doubted are gone.
    pub fn refused(&mut self, ids: &[InstanceId]) {
        for id in ids
            .iter()
            .filter(|id| self.held.contains_key(id))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.drop(&id);
        }
    }

    /// Is it ready?
    pub fn health(&mut self, run: Run, is_ready: bool) {
        self.changed.insert(run.id.service.clone());
        if is_ready {
            self.sick.remove(&run);
        } else {
            self.sick.insert(run);
        }
    }

    /// Forgets what has had its time, and tells whether there was anything.
    pub fn pass(&mut self) -> bool {
        let late = |until: &Option<Instant>| until.is_some_and(|until| Instant::now() >= until);
        let late: Vec<_> = self
            .held
            .iter()
            .filter(|(_, until)| late(until))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &late {
            self.drop(id);
        }
        let now = now();
        let forgotten = self
            .routes
            .empty
            .extract_if(.., |_, since| now.saturating_sub(*since) >= REMEMBERED);
        let before = self.changed.len();
        self.changed.extend(forgotten.map(|(service, _)| service));
        !late.is_empty() || self.changed.len() > before
    }

    /// Who is doubted, to be asked.
    pub fn doubted(&self) -> Asked {
        let at = |id| {
            self.routes
                .instances
                .get(id)
                .map(|instance| Run::of(instance).addr)
        };
        let asked = self
            .held
            .keys()
            .filter_map(|id| Some((id.clone(), at(id)?)));
        asked.collect::<BTreeMap<InstanceId, SocketAddr>>()
    }

    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    pub fn bad(&self) -> usize {
        self.bad.len()
    }

    /// What is to be routed, all of it.
    pub fn view(&self) -> View {
        let mut view = View::default();
        for service in self.routes.empty.keys() {
            view.services.entry(service.clone()).or_default();
        }
        for instance in self.routes.instances.values() {
            let service = view.services.entry(instance.id.service.clone());
            let endpoints = service.or_default();
            endpoints.insert(instance.id.clone(), self.endpoint(instance));
        }
        view
    }

    /// Brings a view up to date, and tells of which services.
    pub fn refresh(&mut self, view: &mut View) -> BTreeSet<ServiceName> {
        let changed = std::mem::take(&mut self.changed);
        for service in &changed {
            let endpoints: Endpoints = self
                .of(service)
                .map(|instance| (instance.id.clone(), self.endpoint(instance)))
                .collect();
            if endpoints.is_empty() && !self.routes.empty.contains_key(service) {
                view.services.remove(service);
            } else {
                view.services.insert(service.clone(), endpoints);
            }
        }
        changed
    }

    fn endpoint(&self, instance: &Instance) -> Endpoint {
        let run = Run::of(instance);
        let ready = instance.is_up() && !self.sick.contains(&run);
        Endpoint {
            addr: run.addr,
            weight: instance.weight,
            admin: if ready { Admin::Ready } else { Admin::Drain },
        }
    }
}

/// The least instance that a service can have.
fn first_of(service: &ServiceName) -> InstanceId {
    InstanceId {
        service: service.clone(),
        host: "-"
            .parse()
            .expect("a host; `-` is the least of its letters"),
        port: NonZeroU16::MIN,
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
