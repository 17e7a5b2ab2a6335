//! A port of the whole cluster, claimed while its service is made: under a lease, so that the claim
//! of a generator that was killed ends by itself.

use serde_json::json;

use super::wire::{Entry, Transaction};
use super::{Etcd, kept, keys, wire};
use crate::record::{self, Found};
use crate::{Error, Holder, Owner};

/// A port that no other machine of the cluster can have. Dropped, or its process killed, it is given
/// back; kept, it is promised for good.
#[derive(Debug)]
#[must_use = "a claim that is dropped is given back"]
pub struct Claim {
    store: Etcd,
    port: u16,
    owner: Owner,
    /// Where the entry was last changed, by us; 0: it was there before, and is ours for good.
    revision: u64,
    is_kept: bool,
}

impl Etcd {
    /// Claims a port by putting it where nobody is. [`Error::Lost`]: somebody else was faster.
    /// What is promised to this very owner counts as free.
    pub fn claim(&self, port: u16, owner: &Owner) -> Result<Claim, Error> {
        let mut claim = Claim {
            store: self.clone(),
            port,
            owner: owner.clone(),
            revision: 0,
            is_kept: true,
        };
        let lease = self.lease()?.get();
        if let Some(revision) = claim.put(0, lease)? {
            (claim.revision, claim.is_kept) = (revision, false);
        }
        Ok(claim)
    }
}

impl Claim {
    /// Makes it a promise, which outlasts the lease. Where that was lost (a laptop that slept), the
    /// port is asked for again.
    pub fn keep(mut self) -> Result<(), Error> {
        if self.is_kept {
            return Ok(());
        }
        let key = self.key();
        let is_there = kept::entry(&self.store, &key)?.is_some();
        let seen = if is_there { self.revision } else { 0 };
        self.put(seen, 0)?;
        self.is_kept = true;
        Ok(())
    }

    /// Puts it if it was last changed at that revision; `None`: it is promised to us already.
    fn put(&self, seen: u64, lease: u64) -> Result<Option<u64>, Error> {
        let (key, text) = (self.key(), record::text(&self.owner));
        let put = wire::put(&key, &text, lease);
        let words = wire::transaction(&key, &wire::is_at(&key, seen), &put);
        let answer = self.store.client.get::<Transaction>("/v3/kv/txn", &words);
        let answer = answer.map_err(|trouble| self.store.client.error(trouble))?;
        if answer.succeeded {
            return Ok(Some(answer.header.revision));
        }
        let Some(entry) = answer.found() else {
            return Err(self.lost(None));
        };
        let is_ours = |owner: &Owner| *owner == self.owner;
        match record::read_text(&entry.value) {
            // An answer to an attempt before this one was lost, or the last run came so far.
            Found::Owner(owner) if is_ours(&owner) && entry.lease == 0 => Ok(None),
            Found::Owner(owner) if is_ours(&owner) && entry.lease == lease => {
                Ok(Some(entry.mod_revision))
            }
            // Under a lease that is about to end.
            Found::Owner(owner) if is_ours(&owner) => self.put(entry.mod_revision, lease),
            _ => Err(self.lost(Some(&entry))),
        }
    }

    fn lost(&self, by: Option<&Entry>) -> Error {
        let record = self.key().into();
        let by = match by.map(|entry| record::read_text(&entry.value)) {
            Some(Found::Owner(owner)) => Holder::Promise { owner, record },
            _ => Holder::Garbage { record },
        };
        Error::Lost {
            port: self.port,
            by,
        }
    }

    fn key(&self) -> String {
        format!("{}{}", keys::PORTS, self.port)
    }
}

impl Drop for Claim {
    /// If nobody hears of it, it ends with the lease.
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let key = self.key();
        let delete = json!({ "request_delete_range": wire::key(&key) });
        let words = wire::transaction(&key, &wire::is_at(&key, self.revision), &delete);
        let _ = self.store.client.get::<Transaction>("/v3/kv/txn", &words);
    }
}
