//! The registry of a cluster: etcd, by the JSON gateway of its third version.
//!
//! ```text
//! /atlas/v1/<realm>/hosts/identity/host001:5000           a registration, under its host's lease
//! /atlas/v1/<realm>/hosts/identity/host001:5000/enabled   an operator's "no requests": `false`
//! /atlas/v1/<realm>/settings/identity                     settings
//! /atlas/v1/ports/5004                                    a port that is promised, for all realms
//! ```
//!
//! | module | one line | the only one that |
//! |---|---|---|
//! | `cluster` | which etcd, and who asks | reads variables and certificates |
//! | `client` | one question, one answer: fail-over, time-outs, tokens | names `ureq` |
//! | `wire` | the gateway's JSON | names `base64` |
//! | `keys` | names to keys and back | – |
//! | `look` | one key into the picture of a realm | – |
//! | `kept` | facts without an owner, by transactions on `mod_revision` | – |
//! | `claim` | a port of the cluster while its service is made | – |
//! | `lease` | registrations under one lease, which a thread keeps alive | – |
//! | `watch` | what changes, by a stream that is checked against what is there | – |
//!
//! Invariants:
//! - Nothing is read but linearizably: who is cut off from the majority gets an error, not the past.
//! - A stream of changes is never believed to be whole because it is silent: every few seconds a
//!   count says whether something was missed.
//! - A registration ends with its lease. An entry without one counts for nothing.

mod claim;
mod client;
mod cluster;
mod kept;
mod keys;
mod lease;
mod look;
mod watch;
mod wire;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::names::Realm;
use crate::store::{Fact, Kept, Registration, Revision, Snapshot, Store, Version, Watch};
use crate::{Error, Holder, Instance, Owner};

use client::Client;
use lease::Session;

pub use claim::Claim;
pub use cluster::Cluster;

/// A realm in an etcd. Clones share one lease.
#[derive(Clone, Debug)]
pub struct Etcd {
    realm: Realm,
    client: Arc<Client>,
    session: Arc<Session>,
}

impl Etcd {
    /// The realm's part of a cluster. Does no I/O.
    #[must_use]
    pub fn new(cluster: &Cluster, realm: Realm) -> Self {
        let client = Arc::new(Client::new(cluster));
        Self {
            realm,
            session: Arc::new(Session::new(Arc::clone(&client))),
            client,
        }
    }

    /// Goes on with a lease that a process in our place had, so that what it registered is ours.
    /// One that has run out meanwhile is replaced.
    pub fn resume(&self, lease: NonZeroU64) {
        self.session.resume(lease);
    }

    /// The lease of what is registered here, taken out if there is none yet.
    pub fn lease(&self) -> Result<NonZeroU64, Error> {
        self.session
            .lease()
            .map_err(|trouble| self.client.error(trouble))
    }

    /// Ends the lease, and with it everything that is registered here, at once.
    pub fn leave(&self) {
        self.session.end();
    }

    /// Every port that is promised, with who has it; [`Holder::Garbage`] where nobody can tell.
    pub fn promises(&self) -> Result<BTreeMap<u16, Holder>, Error> {
        kept::promises(self)
    }

    /// Ends the promise of a port to this owner, and tells whether there was one.
    pub fn release(&self, port: u16, owner: &Owner) -> Result<bool, Error> {
        kept::release(self, port, owner)
    }
}

impl Store for Etcd {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn read(&self) -> Result<Snapshot, Error> {
        let looked = look::all(&self.client, &self.realm, None);
        looked
            .map(|realm| realm.snapshot())
            .map_err(|trouble| self.client.error(trouble))
    }

    fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, Error> {
        Ok(Box::new(watch::Following::start(self, since)?))
    }

    fn register(&self, instance: &Instance) -> Result<Box<dyn Registration>, Error> {
        Ok(Box::new(lease::Guard::register(self, instance)?))
    }

    fn get(&self, fact: &Fact) -> Result<Option<Kept>, Error> {
        kept::get(self, fact)
    }

    fn compare_and_set(
        &self,
        fact: &Fact,
        seen: Option<Version>,
        text: &str,
    ) -> Result<Version, Error> {
        kept::compare_and_set(self, fact, seen, text)
    }

    fn delete(&self, fact: &Fact) -> Result<bool, Error> {
        kept::delete(self, fact)
    }

    /// Leases have ended what the dead left.
    fn prune(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}
