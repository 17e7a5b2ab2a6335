//! Facts without an owner: transactions on `mod_revision`, which is the version.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::look::pages;
use super::wire::{self, Deleted, Entry, Range, Transaction};
use super::{Etcd, keys};
use crate::record::{self, Found};
use crate::store::{Fact, Kept, Version};
use crate::{Error, Holder, Owner, Reason};

/// What an operator's "no requests" says in etcd, where an empty value looks like a mistake.
const OFF: &str = "false";

pub(crate) fn get(store: &Etcd, fact: &Fact) -> Result<Option<Kept>, Error> {
    let key = keys::fact(&store.realm, fact);
    let Some(entry) = entry(store, &key)? else {
        return Ok(None);
    };
    let text = match fact {
        Fact::Disabled(_) => String::new(),
        _ => String::from_utf8(entry.value).map_err(|_| Error::Damaged {
            path: PathBuf::from(&key),
            reason: Reason::Content("it is no text".to_owned()),
        })?,
    };
    Ok(Some(Kept {
        version: Version(entry.mod_revision),
        text,
    }))
}

pub(crate) fn compare_and_set(
    store: &Etcd,
    fact: &Fact,
    seen: Option<Version>,
    text: &str,
) -> Result<Version, Error> {
    let key = keys::fact(&store.realm, fact);
    fact.check(text).map_err(|reason| Error::Damaged {
        path: PathBuf::from(&key),
        reason,
    })?;
    let text = match fact {
        Fact::Disabled(_) => OFF,
        _ => text,
    };
    let is_as_seen = wire::is_at(&key, seen.map_or(0, |version| version.0));
    let words = wire::transaction(&key, &is_as_seen, &wire::put(&key, text, 0));
    let answer = store.client.ask::<Transaction>("/v3/kv/txn", &words);
    let answer = answer.map_err(|trouble| store.client.error(trouble))?;
    if answer.said.succeeded {
        return Ok(Version(answer.said.header.revision));
    }
    // The answer to an attempt before this one may have been lost on its way.
    let found = answer.said.found().filter(|_| answer.is_second);
    match found {
        Some(entry) if entry.value == text.as_bytes() => Ok(Version(entry.mod_revision)),
        _ => Err(Error::Conflict {
            path: PathBuf::from(key),
        }),
    }
}

pub(crate) fn delete(store: &Etcd, fact: &Fact) -> Result<bool, Error> {
    let key = keys::fact(&store.realm, fact);
    let answer = store
        .client
        .ask::<Deleted>("/v3/kv/deleterange", &wire::key(&key));
    let answer = answer.map_err(|trouble| store.client.error(trouble))?;
    Ok(answer.said.deleted > 0 || answer.is_second)
}

pub(crate) fn promises(store: &Etcd) -> Result<BTreeMap<u16, Holder>, Error> {
    let entries = pages(&store.client, keys::PORTS, None);
    let (entries, _) = entries.map_err(|trouble| store.client.error(trouble))?;
    let promise = |entry: Entry| {
        let key = String::from_utf8(entry.key).ok()?;
        let port = crate::parse_port(key.strip_prefix(keys::PORTS)?).ok()?;
        let record = PathBuf::from(&key);
        let holder = match record::read_text(&entry.value) {
            Found::Owner(owner) => Holder::Promise { owner, record },
            _ => Holder::Garbage { record },
        };
        Some((port.get(), holder))
    };
    Ok(entries.into_iter().filter_map(promise).collect())
}

pub(crate) fn release(store: &Etcd, port: u16, owner: &Owner) -> Result<bool, Error> {
    let key = format!("{}{port}", keys::PORTS);
    let Some(entry) = entry(store, &key)? else {
        return Ok(false);
    };
    match record::read_text(&entry.value) {
        Found::Owner(of) if of == *owner => {}
        _ => return Ok(false),
    }
    let delete = json!({ "request_delete_range": wire::key(&key) });
    let words = wire::transaction(&key, &wire::is_at(&key, entry.mod_revision), &delete);
    let answer = store.client.get::<Transaction>("/v3/kv/txn", &words);
    let answer = answer.map_err(|trouble| store.client.error(trouble))?;
    Ok(answer.succeeded)
}

pub(crate) fn entry(store: &Etcd, key: &str) -> Result<Option<Entry>, Error> {
    let range = store
        .client
        .get::<Range>("/v3/kv/range", &wire::key(key))
        .map_err(|trouble| store.client.error(trouble))?;
    Ok(range.kvs.into_iter().next())
}
