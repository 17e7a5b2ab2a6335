//! The gateway's JSON: keys and values in base64, numbers of 64 bits as texts, and what is absent
//! is zero.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// What each answer begins with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    #[serde(deserialize_with = "number")]
    pub(crate) revision: u64,
}

/// A key and what it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    #[serde(deserialize_with = "bytes")]
    pub(crate) key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    pub(crate) value: Vec<u8>,
    #[serde(deserialize_with = "number")]
    pub(crate) create_revision: u64,
    #[serde(deserialize_with = "number")]
    pub(crate) mod_revision: u64,
    #[serde(deserialize_with = "number")]
    pub(crate) lease: u64,
}

/// The answer to `range`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Range {
    pub(crate) header: Header,
    pub(crate) kvs: Vec<Entry>,
    pub(crate) more: bool,
    /// Of the whole range, whatever the limit.
    #[serde(deserialize_with = "number")]
    pub(crate) count: u64,
}

/// The answer to `txn`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Transaction {
    pub(crate) header: Header,
    pub(crate) succeeded: bool,
    responses: Vec<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    response_range: Option<Range>,
}

impl Transaction {
    /// The entry that stood in the way.
    pub(crate) fn found(self) -> Option<Entry> {
        let ranges = self
            .responses
            .into_iter()
            .filter_map(|part| part.response_range);
        ranges.flat_map(|range| range.kvs).next()
    }
}

/// The answer to `deleterange`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Deleted {
    #[serde(deserialize_with = "number")]
    pub(crate) deleted: u64,
}

/// The answer to `lease/grant`, and what `lease/keepalive` streams one of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    #[serde(rename = "ID", deserialize_with = "number")]
    pub(crate) id: u64,
    /// Zero: it has ended.
    #[serde(rename = "TTL", deserialize_with = "number")]
    pub(crate) ttl: u64,
}

/// One line of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Streamed<T> {
    pub(crate) result: Option<T>,
    #[serde(default)]
    pub(crate) error: Value,
}

/// The answer to `auth/authenticate`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Token {
    pub(crate) token: String,
}

/// One answer of a watch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Watched {
    pub(crate) canceled: bool,
    /// Not zero: what happened up to there is forgotten.
    #[serde(deserialize_with = "number")]
    pub(crate) compact_revision: u64,
    pub(crate) cancel_reason: String,
    pub(crate) events: Vec<Happened>,
}

/// One event of a watch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Happened {
    /// `DELETE`, or else a put.
    #[serde(rename = "type")]
    kind: String,
    pub(crate) kv: Entry,
}

impl Happened {
    pub(crate) fn is_delete(&self) -> bool {
        self.kind == "DELETE"
    }
}

/// What the gateway says when it says no.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct No {
    pub(crate) message: String,
    pub(crate) code: i64,
}

/// All keys that begin with a prefix.
pub(crate) fn prefix(prefix: &str) -> Value {
    range(prefix.as_bytes(), &after(prefix))
}

/// Keys from one up to another, which is not among them.
pub(crate) fn range(from: &[u8], to: &[u8]) -> Value {
    json!({ "key": encode(from), "range_end": encode(to) })
}

/// The first key behind all that begin with a prefix, which ends with a letter below 255.
pub(crate) fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

pub(crate) fn key(key: &str) -> Value {
    json!({ "key": encode(key.as_bytes()) })
}

pub(crate) fn put(key: &str, text: &str, lease: u64) -> Value {
    let (key, value) = (encode(key.as_bytes()), encode(text.as_bytes()));
    json!({ "request_put": { "key": key, "value": value, "lease": lease.to_string() } })
}

/// If `condition` holds then `then`; else the entry as it is.
pub(crate) fn transaction(name: &str, condition: &Value, then: &Value) -> Value {
    json!({
        "compare": [condition],
        "success": [then],
        "failure": [{ "request_range": key(name) }],
    })
}

/// The entry was last changed at that revision; 0: it is not there.
pub(crate) fn is_at(key: &str, revision: u64) -> Value {
    let key = encode(key.as_bytes());
    json!({ "key": key, "target": "MOD", "result": "EQUAL", "mod_revision": revision.to_string() })
}

/// The entry is under that lease.
pub(crate) fn is_under(key: &str, lease: u64) -> Value {
    let key = encode(key.as_bytes());
    json!({ "key": key, "target": "LEASE", "result": "EQUAL", "lease": lease.to_string() })
}

fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Text(String),
        Plain(i64),
    }
    let number = match Number::deserialize(from)? {
        Number::Text(text) => text.parse().map_err(serde::de::Error::custom)?,
        Number::Plain(number) => number,
    };
    // A lease that has ended lives for -1 seconds.
    Ok(u64::try_from(number).unwrap_or(0))
}
