//! Registrations under one lease: a thread keeps it alive, takes out a new one when it was lost
//! (a stopped process, a clock that jumped, an etcd that was away), and then registers everything
//! again at once.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, Trouble};
use super::wire::{self, Entry, Lease, Range, Streamed, Transaction};
use super::{Etcd, keys};
use crate::store::Registration;
use crate::{Error, Instance};

/// A host that is silent for so long is gone, in seconds.
const LASTS: u64 = 10;
/// Three signs of life may be lost.
const EVERY: Duration = Duration::from_secs(3);
/// After a sign of life that was not answered.
const AGAIN: Duration = Duration::from_secs(1);

/// What one process registers. Dropped, it ends its lease.
#[derive(Debug)]
pub(crate) struct Session(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Arc<Client>,
    /// Held while the registry is written, so that what is written last is what was meant last.
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lease: Option<NonZeroU64>,
    /// What is to be there, by key.
    held: BTreeMap<String, String>,
    /// What is to be there no more, and could not be taken away.
    owed: BTreeSet<String>,
    /// A lease was lost, and what was under it with it.
    is_torn: bool,
    is_kept: bool,
    has_ended: bool,
}

impl State {
    fn lose(&mut self) {
        self.is_torn |= self.lease.take().is_some();
    }
}

impl Session {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self(Arc::new(Shared {
            client,
            state: Mutex::default(),
            bell: Condvar::new(),
        }))
    }

    pub(crate) fn resume(&self, lease: NonZeroU64) {
        self.0.state().lease.get_or_insert(lease);
    }

    pub(crate) fn lease(&self) -> Result<NonZeroU64, Trouble> {
        let mut state = self.0.state();
        self.keep(&mut state);
        self.0.lease(&mut state)
    }

    pub(crate) fn end(&self) {
        let mut state = self.0.state();
        state.has_ended = true;
        state.held.clear();
        let lease = state.lease.take();
        drop(state);
        self.0.bell.notify_all();
        if let Some(lease) = lease {
            let words = json!({ "ID": lease.to_string() });
            // Should nobody hear of it, it runs out.
            let _ = self.0.client.get::<Value>("/v3/lease/revoke", &words);
        }
    }

    /// Sees to it that the lease is kept alive.
    fn keep(&self, state: &mut State) {
        if !std::mem::replace(&mut state.is_kept, true) {
            let shared = Arc::clone(&self.0);
            thread::spawn(move || shared.keep_alive());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_alive(&self) {
        let mut pause = EVERY;
        loop {
            let state = self.state();
            let (state, _) = self
                .bell
                .wait_timeout_while(state, pause, |state| !state.has_ended)
                .unwrap_or_else(PoisonError::into_inner);
            if state.has_ended {
                return;
            }
            let lease = state.lease;
            // Others may write meanwhile.
            drop(state);
            pause = match self.sign_of_life(lease) {
                Ok(()) => EVERY,
                Err(_) => AGAIN,
            };
        }
    }

    fn sign_of_life(&self, lease: Option<NonZeroU64>) -> Result<(), Trouble> {
        let lives = lease.map_or(Ok(false), |lease| self.lives(lease))?;
        let mut state = self.state();
        if state.has_ended {
            return Ok(());
        }
        if !lives && state.lease == lease {
            state.lose();
        }
        if state.is_torn {
            self.lease(&mut state)?;
            let held = state.held.clone();
            for (key, line) in &held {
                self.put(&mut state, key, line)?;
            }
            state.is_torn = false;
        }
        self.pay(&mut state)
    }

    fn lives(&self, lease: NonZeroU64) -> Result<bool, Trouble> {
        let words = json!({ "ID": lease.to_string() });
        let answer = self
            .client
            .get::<Streamed<Lease>>("/v3/lease/keepalive", &words)?;
        if !answer.error.is_null() {
            return Err(Trouble::No {
                message: answer.error.to_string(),
                code: 0,
            });
        }
        Ok(answer.result.is_some_and(|lease| lease.ttl > 0))
    }

    fn pay(&self, state: &mut State) -> Result<(), Trouble> {
        while let Some(key) = state.owed.first().cloned() {
            self.delete(state, &key)?;
            state.owed.remove(&key);
        }
        Ok(())
    }

    fn lease(&self, state: &mut State) -> Result<NonZeroU64, Trouble> {
        if let Some(lease) = state.lease {
            return Ok(lease);
        }
        if state.has_ended {
            return Err(Trouble::No {
                message: "we have left it".to_owned(),
                code: 0,
            });
        }
        let words = json!({ "TTL": LASTS.to_string() });
        let granted: Lease = self.client.get("/v3/lease/grant", &words)?;
        let lease = NonZeroU64::new(granted.id).ok_or_else(|| Trouble::No {
            message: "it grants a lease without a number".to_owned(),
            code: 0,
        })?;
        state.lease = Some(lease);
        Ok(lease)
    }

    /// Puts an entry where none is, or ours; the other's entry, if somebody else is there.
    fn put(&self, state: &mut State, key: &str, line: &str) -> Result<Option<Entry>, Trouble> {
        match self.try_put(state, key, line) {
            // The lease was lost since the last sign of life; the next one sees to the others.
            Err(trouble) if trouble.is_not_found() => {
                state.lose();
                self.try_put(state, key, line)
            }
            outcome => outcome,
        }
    }

    fn try_put(&self, state: &mut State, key: &str, line: &str) -> Result<Option<Entry>, Trouble> {
        let lease = self.lease(state)?.get();
        let then = wire::put(key, line, lease);
        let mut conditions = [wire::is_at(key, 0), wire::is_under(key, lease)];
        if state.held.contains_key(key) {
            // The likely one first.
            conditions.reverse();
        }
        let mut there = None;
        for condition in conditions {
            let words = wire::transaction(key, &condition, &then);
            let answer: Transaction = self.client.get("/v3/kv/txn", &words)?;
            if answer.succeeded {
                return Ok(None);
            }
            there = answer.found();
        }
        Ok(there)
    }

    /// Takes an entry away, if it is ours.
    fn delete(&self, state: &State, key: &str) -> Result<(), Trouble> {
        let Some(lease) = state.lease else {
            return Ok(());
        };
        let delete = json!({ "request_delete_range": wire::key(key) });
        let words = wire::transaction(key, &wire::is_under(key, lease.get()), &delete);
        self.client.get::<Transaction>("/v3/kv/txn", &words)?;
        Ok(())
    }
}

/// A registration in its owner's hands.
pub(crate) struct Guard {
    store: Etcd,
    key: String,
    instance: Instance,
}

impl Guard {
    pub(crate) fn register(store: &Etcd, instance: &Instance) -> Result<Self, Error> {
        let key = keys::instance(&store.realm, &instance.id);
        let mut state = store.session.0.state();
        store.session.keep(&mut state);
        if state.held.contains_key(&key) {
            return Err(held(store, instance, None));
        }
        put(store, &mut state, &key, instance)?;
        drop(state);
        Ok(Self {
            store: store.clone(),
            key,
            instance: instance.clone(),
        })
    }
}

fn put(store: &Etcd, state: &mut State, key: &str, instance: &Instance) -> Result<(), Error> {
    let line = instance.to_line();
    let there = store.session.0.put(state, key, &line);
    if let Some(other) = there.map_err(|trouble| store.client.error(trouble))? {
        return Err(held(store, instance, Some(&other)));
    }
    state.owed.remove(key);
    state.held.insert(key.to_owned(), line);
    Ok(())
}

/// Somebody else has the name: another process, or ourselves.
fn held(store: &Etcd, instance: &Instance, by: Option<&Entry>) -> Error {
    let id = instance.id.clone();
    let parse = |other: &Entry| Instance::parse(&other.value, &id, &store.realm).ok();
    let other = by.map_or_else(|| Some(instance.clone()), parse);
    Error::Held {
        pid: other.and_then(|other| other.pid).map(Into::into),
        id,
    }
}

impl Registration for Guard {
    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn update(&mut self, instance: &Instance) -> Result<(), Error> {
        let instance = Instance {
            id: self.instance.id.clone(),
            ..instance.clone()
        };
        let mut state = self.store.session.0.state();
        // What is meant now is what the next sign of life sees to.
        state.held.insert(self.key.clone(), instance.to_line());
        let put = put(&self.store, &mut state, &self.key, &instance);
        drop(state);
        self.instance = instance;
        put
    }

    fn renew(&mut self) -> Result<bool, Error> {
        let client = &self.store.client;
        let range = client.get::<Range>("/v3/kv/range", &wire::key(&self.key));
        let range = range.map_err(|trouble| client.error(trouble))?;
        let mut state = self.store.session.0.state();
        let ours = state.lease.map_or(0, NonZeroU64::get);
        if range.kvs.first().is_some_and(|entry| entry.lease == ours) {
            return Ok(false);
        }
        put(&self.store, &mut state, &self.key, &self.instance).map(|()| true)
    }
}

impl Drop for Guard {
    /// What cannot be told now is told with the next sign of life, or ends with the lease.
    fn drop(&mut self) {
        let mut state = self.store.session.0.state();
        state.held.remove(&self.key);
        if self.store.session.0.delete(&state, &self.key).is_err() {
            state.owed.insert(self.key.clone());
        }
    }
}
