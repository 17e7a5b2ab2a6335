//! One key into the picture of a realm.

use serde_json::Value;

use super::client::{Client, Trouble};
use super::keys::{self, Key};
use super::wire::{self, Entry, Range};
use crate::instance::LONGEST_ENTRY;
use crate::names::Realm;
use crate::picture::{Picture, Place, Seen};
use crate::store::{Change, Revision, Snapshot};
use crate::{Instance, Reason, Settings};

/// Entries in one answer.
const PAGE: u64 = 2000;

/// A realm as far as it was looked at.
pub(crate) struct Looked {
    realm: Realm,
    picture: Picture,
    /// All that happened up to here is in it.
    pub(crate) revision: u64,
    /// Its keys, good and bad.
    pub(crate) count: u64,
}

/// The whole realm, as it is or as it was at a revision.
pub(crate) fn all(client: &Client, realm: &Realm, at: Option<u64>) -> Result<Looked, Trouble> {
    let (entries, now) = pages(client, &keys::realm(realm), at)?;
    let mut looked = Looked {
        realm: realm.clone(),
        picture: Picture::default(),
        revision: at.unwrap_or(now),
        count: 0,
    };
    for entry in &entries {
        looked.put(entry, true);
    }
    Ok(looked)
}

/// All entries below a prefix, as of one revision.
pub(crate) fn pages(
    client: &Client,
    prefix: &str,
    mut at: Option<u64>,
) -> Result<(Vec<Entry>, u64), Trouble> {
    let (mut entries, mut from) = (Vec::new(), prefix.as_bytes().to_vec());
    loop {
        let mut words = wire::range(&from, &wire::after(prefix));
        words["limit"] = Value::from(PAGE.to_string());
        if let Some(revision) = at {
            words["revision"] = Value::from(revision.to_string());
        }
        let page: Range = client.get("/v3/kv/range", &words)?;
        let revision = *at.get_or_insert(page.header.revision);
        if let Some(last) = page.kvs.last() {
            // The least key behind it.
            from = [last.key.as_slice(), &[0]].concat();
        }
        entries.extend(page.kvs);
        if !page.more {
            return Ok((entries, revision));
        }
    }
}

impl Looked {
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            revision: Revision(self.revision),
            ..self.picture.snapshot()
        }
    }

    /// The entry is there, and may have been before.
    pub(crate) fn put(&mut self, entry: &Entry, is_new: bool) -> Vec<Change> {
        self.count += u64::from(is_new);
        self.look(&entry.key, Some(entry))
    }

    /// The entry is there no more.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Vec<Change> {
        self.count = self.count.saturating_sub(1);
        self.look(key, None)
    }

    fn look(&mut self, key: &[u8], entry: Option<&Entry>) -> Vec<Change> {
        let place = |id| Place {
            text: keys::safe(key),
            id,
        };
        match keys::parse(&self.realm, key) {
            Key::Instance(id) => {
                let parse = |text: &[u8]| Instance::parse(text, &id, &self.realm);
                let owned = entry.is_none_or(|entry| entry.lease != 0);
                let seen = if owned {
                    seen(entry, parse)
                } else {
                    Seen::Bad(Reason::Unowned)
                };
                self.picture.instance(place(Some(id.clone())), &id, seen)
            }
            Key::Enabled(id) => self
                .picture
                .disabled(place(None), &id, seen(entry, is_false)),
            Key::Settings(service) => {
                let seen = seen(entry, Settings::parse);
                self.picture.settings(place(None), &service, seen)
            }
            Key::Unknown => self.picture.garbage(place(None), entry.is_some()),
        }
    }
}

fn seen<T>(entry: Option<&Entry>, parse: impl Fn(&[u8]) -> Result<T, Reason>) -> Seen<T> {
    let Some(entry) = entry else {
        return Seen::Absent;
    };
    let length = entry.value.len() as u64;
    if length > LONGEST_ENTRY {
        return Seen::Bad(Reason::TooLong(length));
    }
    parse(&entry.value).map_or_else(Seen::Bad, Seen::Good)
}

/// The only thing that can be said there: what is absent is enabled.
fn is_false(text: &[u8]) -> Result<(), Reason> {
    if text.trim_ascii() == b"false" {
        return Ok(());
    }
    Err(Reason::Content("it says other than `false`".to_owned()))
}
