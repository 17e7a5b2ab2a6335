//! An instance of a service, and the one line of JSON that says so.

use std::net::IpAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::names::{Health, Host, InstanceId, Realm, Release, ServiceName};
use crate::{Error, Reason};

/// Longer entries are none of ours, in bytes.
pub const LONGEST_ENTRY: u64 = 16 * 1024;

/// The version of the format that is written; others are not read.
const FORMAT: u32 = 1;

/// A running instance: where it is, what it is, and whether it wants requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    /// Service, host and port.
    pub id: InstanceId,
    /// Where it answers; never `0.0.0.0`, which is no address to call.
    pub addr: IpAddr,
    /// The environment it belongs to.
    pub realm: Realm,
    /// Its process, for people to look at: what keeps it alive here is the lock.
    pub pid: Option<NonZeroU32>,
    /// What runs.
    pub release: Option<Release>,
    /// The path that answers 200 while it is ready.
    pub health: Option<Health>,
    /// Its share of requests.
    pub weight: Weight,
    /// When it started.
    pub started: Option<jiff::Timestamp>,
    /// It asks for no new requests, since it is about to end. Its own word.
    pub draining: bool,
    /// An operator lets it have requests. Not in its entry: that has another owner.
    pub enabled: bool,
}

/// A share of requests, 0 to 256 as in `HAProxy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

impl Instance {
    /// An instance with nothing said of it but where it is.
    #[must_use]
    pub fn new(id: InstanceId, addr: IpAddr, realm: Realm) -> Self {
        Self {
            id,
            addr,
            realm,
            pid: None,
            release: None,
            health: None,
            weight: Weight::default(),
            started: None,
            draining: false,
            enabled: true,
        }
    }

    /// Whether new requests may go to it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.enabled && !self.draining
    }

    /// Its entry: one line of JSON and a newline.
    #[must_use]
    #[allow(
        clippy::missing_panics_doc,
        reason = "texts, numbers and flags are JSON"
    )]
    pub fn to_line(&self) -> String {
        let wire = Wire {
            v: FORMAT,
            service: self.id.service.clone(),
            host: None,
            addr: self.addr,
            port: self.id.port.into(),
            realm: self.realm.clone(),
            pid: self.pid,
            version: self.release.clone(),
            health: self.health.clone(),
            weight: self.weight,
            started: self.started.map(|started| started.to_string()),
            draining: self.draining,
        };
        let line = serde_json::to_string(&wire).expect("texts, numbers and flags are JSON");
        line + "\n"
    }

    /// Reads an entry found under the name `id` in `realm`; the two must say the same.
    pub fn parse(text: &[u8], id: &InstanceId, realm: &Realm) -> Result<Self, Reason> {
        let wire: Wire = match parse_versioned(text, FORMAT)? {
            Ok(wire) => wire,
            Err(error) => return Err(Reason::Content(error)),
        };
        let host = wire.host.as_ref().is_none_or(|host| *host == id.host);
        if wire.service != id.service || wire.port != id.port.get() || !host {
            return Err(Reason::OtherInstance);
        }
        if wire.realm != *realm {
            return Err(Reason::OtherRealm);
        }
        if wire.addr.is_unspecified() || wire.addr.is_multicast() {
            return Err(Reason::Content(format!("`{}` cannot be called", wire.addr)));
        }
        let started = wire.started.map(|text| text.parse::<jiff::Timestamp>());
        let started = started.transpose();
        Ok(Self {
            id: id.clone(),
            addr: wire.addr,
            realm: wire.realm,
            pid: wire.pid,
            release: wire.version,
            health: wire.health,
            weight: wire.weight,
            started: started.map_err(|_| Reason::Content("`started` is no time".to_owned()))?,
            draining: wire.draining,
            enabled: true,
        })
    }
}

/// The entry as it is written. The order is part of the format: equal facts give equal bytes.
#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    service: ServiceName,
    /// May be said, and then must be what the name says.
    #[serde(default, skip_serializing)]
    host: Option<Host>,
    addr: IpAddr,
    port: u16,
    realm: Realm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pid: Option<NonZeroU32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Release>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
    #[serde(default)]
    weight: Weight,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    #[serde(default)]
    draining: bool,
}

/// Looks at `v` first, so that a file of a later format is told from a broken one.
pub(crate) fn parse_versioned<T: for<'de> Deserialize<'de>>(
    text: &[u8],
    version: u32,
) -> Result<Result<T, String>, Reason> {
    #[derive(Deserialize)]
    struct Format {
        v: u64,
    }
    match serde_json::from_slice::<Format>(text) {
        Ok(format) if format.v == u64::from(version) => {}
        Ok(format) => return Err(Reason::Format(format.v)),
        Err(error) => return Ok(Err(error.to_string())),
    }
    Ok(serde_json::from_slice(text).map_err(|error| error.to_string()))
}

impl Default for Weight {
    /// 100, so that there is room on both sides.
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u16> for Weight {
    type Error = Error;

    fn try_from(given: u16) -> Result<Self, Error> {
        if given <= 256 {
            return Ok(Self(given));
        }
        Err(Error::Name {
            what: "weight",
            given: given.to_string(),
            rule: "is a number from 0 to 256",
        })
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}
