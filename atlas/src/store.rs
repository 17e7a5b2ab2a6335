//! The store: the one narrow thing that a directory and a cluster have in common.
//!
//! # Two kinds of facts
//! A **registration** has an owner and dies with it: whoever registers holds a guard, and the store
//! sees to it that the entry ends when the owner does, by a lock that the kernel frees or by a
//! lease that runs out. A **fact** ([`Fact`]) was promised by somebody who left: it has no owner,
//! is kept, and changes by compare-and-set.
//!
//! # What a store must hold to
//! The contract is executable: `tests/it/contract.rs` runs against each store.
//! - A watch never misses anything *in the end*: whatever went wrong on the way (a queue that ran
//!   over, a compacted history, another leader), it goes on with [`Event::Full`], and who replaces
//!   its picture by that one has the truth again.
//! - A [`Revision`] is compared for equality only, and equal ones mean equal states. In a directory
//!   it is a digest of the state, in etcd the number of the last change. It is not for files.
//! - "Empty" is an answer of a store that could be read. One that could not is an error, never an
//!   empty snapshot; what to make of a sudden emptiness is the reader's business.
//! - A bad entry is reported and costs only itself.
//!
//! # Blocking, on purpose
//! No call here is `async`. The directory never waits for anything but a lock held for
//! microseconds; the generator, the command and services in other runtimes want no executor; and
//! etcd's JSON gateway is one POST per call and one stream of lines per watch, which a blocking
//! HTTP client does on a thread. A caller with an executor gives [`Watch::next`] a thread of its
//! own and sends what comes through a channel.
//!
//! For etcd: `read` is one range over the realm's prefix, `watch` a stream from `revision + 1`
//! (a compaction answers with `Full`), `register` a put under the host's lease, kept alive by
//! whoever made the store, `renew` the put after a lease was lost, `compare_and_set` one
//! transaction on `mod_revision`, which is the [`Version`].

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::names::{InstanceId, Realm, ServiceName};
use crate::record::{self, Found};
use crate::{Bad, Error, Instance, LONGEST_ENTRY, Reason, Settings};

/// More instances in one realm are reported as bad entries.
pub const MOST_INSTANCES: usize = 10_000;

/// One realm of a registry.
pub trait Store: Send + Sync {
    /// The realm.
    fn realm(&self) -> &Realm;

    /// Everything that is so now. A registry that nobody has used yet is empty.
    fn read(&self) -> Result<Snapshot, Error>;

    /// What changes after a revision. [`Revision::NONE`], or one that cannot be resumed from,
    /// brings everything first.
    fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, Error>;

    /// Registers an instance for as long as the guard lives. [`Error::Held`] if somebody else who
    /// lives has that name.
    fn register(&self, instance: &Instance) -> Result<Box<dyn Registration>, Error>;

    /// A kept fact as it is now, or `None`.
    fn get(&self, fact: &Fact) -> Result<Option<Kept>, Error>;

    /// Sets a fact if it still is what the caller saw (`None`: absent), and makes it last.
    /// [`Error::Conflict`] if it is not: look again, decide again.
    fn compare_and_set(
        &self,
        fact: &Fact,
        seen: Option<Version>,
        text: &str,
    ) -> Result<Version, Error>;

    /// Ends a fact, whatever it says, and tells whether there was one.
    fn delete(&self, fact: &Fact) -> Result<bool, Error>;

    /// Clears away what dead owners left, and tells what it was. Never needed: the dead do not
    /// count.
    fn prune(&self) -> Result<Vec<String>, Error>;
}

/// An entry with an owner. Dropped, or its process killed, the entry ends.
pub trait Registration: Send {
    /// What is registered.
    fn instance(&self) -> &Instance;

    /// Says something else of the same instance, in one step: no reader sees it missing.
    fn update(&mut self, instance: &Instance) -> Result<(), Error>;

    /// Registers again if somebody tidied the entry away (or the lease was lost); tells whether
    /// that was so. Cheap: to be called every few seconds.
    fn renew(&mut self) -> Result<bool, Error>;

    /// Says that the instance wants no new requests.
    fn drain(&mut self) -> Result<(), Error> {
        let instance = Instance {
            draining: true,
            ..self.instance().clone()
        };
        self.update(&instance)
    }
}

/// What changes, in order.
pub trait Watch: Send {
    /// The next event, or `None` if there was none for that long. After an error the watch may be
    /// asked again; it then begins with [`Event::Full`].
    fn next(&mut self, wait: Duration) -> Result<Option<Event>, Error>;
}

/// Takes steps until one tells something or the wait is over: what [`Watch::next`] is made of.
pub(crate) fn patiently(
    wait: Duration,
    mut step: impl FnMut(Instant) -> Result<Option<Event>, Error>,
) -> Result<Option<Event>, Error> {
    let deadline = Instant::now() + wait;
    loop {
        match step(deadline)? {
            None if Instant::now() < deadline => {}
            event => return Ok(event),
        }
    }
}

/// A state of a store: see the module's words on what it may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Revision(pub(crate) u64);

impl Revision {
    /// The state of who has seen nothing.
    pub const NONE: Self = Self(u64::MAX);
}

/// A state of one fact, for compare-and-set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub(crate) u64);

/// A fact without an owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// An operator wants no requests to go there. Its text is empty.
    Disabled(InstanceId),
    /// The settings of a service: [`Settings::to_line`].
    Settings(ServiceName),
    /// A port that is promised. All realms of a machine share its ports.
    Port(NonZeroU16),
}

impl Fact {
    /// Nothing is written that would not be read.
    pub(crate) fn check(&self, text: &str) -> Result<(), Reason> {
        if text.len() as u64 > LONGEST_ENTRY {
            return Err(Reason::TooLong(text.len() as u64));
        }
        match self {
            Self::Disabled(_) if text.is_empty() => Ok(()),
            Self::Disabled(_) => Err(Reason::Content(
                "a disabled instance has no text".to_owned(),
            )),
            Self::Settings(_) => Settings::parse(text.as_bytes()).map(drop),
            Self::Port(_) => match record::read_text(text.as_bytes()) {
                Found::Owner(_) => Ok(()),
                _ => Err(Reason::Content("it names no owner of a port".to_owned())),
            },
        }
    }
}

/// A fact and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// For compare-and-set.
    pub version: Version,
    /// What it says.
    pub text: String,
}

/// Everything that is so at one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Where to watch from.
    pub revision: Revision,
    /// Who lives. `enabled` tells what `disabled` says of each.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// What operators took out, living or not.
    pub disabled: BTreeSet<InstanceId>,
    /// The settings of each service that has any.
    pub settings: BTreeMap<ServiceName, Settings>,
    /// What counts for nothing, sorted by place.
    pub bad: Vec<Bad>,
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Forget what you knew: this is so.
    Full(Snapshot),
    /// This has changed, and led to that revision. Never empty.
    Changed {
        /// Where to resume.
        revision: Revision,
        /// In an order in which they may be applied one by one.
        changes: Vec<Change>,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An instance came, or something about it changed.
    Up(Instance),
    /// An instance went.
    Down(InstanceId),
    /// An operator took an instance out (`true`) or back in. If it lives, `Up` follows.
    Disabled(InstanceId, bool),
    /// The settings of a service changed; `None`: there are none any more.
    Settings(ServiceName, Option<Settings>),
    /// An entry turned out bad. If it was good until now, `Down` or `Settings` follows.
    Bad(Bad),
    /// What was at that place is bad no more: gone, or good.
    Mended(String),
}

impl Snapshot {
    /// This snapshot after a change: what a follower of a watch does.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Up(instance) => {
                self.instances.insert(instance.id.clone(), instance);
            }
            Change::Down(id) => drop(self.instances.remove(&id)),
            Change::Disabled(id, true) => drop(self.disabled.insert(id)),
            Change::Disabled(id, false) => drop(self.disabled.remove(&id)),
            Change::Settings(service, Some(settings)) => {
                self.settings.insert(service, settings);
            }
            Change::Settings(service, None) => drop(self.settings.remove(&service)),
            Change::Bad(bad) => {
                self.bad.retain(|known| known.place != bad.place);
                self.bad.push(bad);
                self.bad.sort_by(|a, b| a.place.cmp(&b.place));
            }
            Change::Mended(place) => self.bad.retain(|known| known.place != place),
        }
    }
}
