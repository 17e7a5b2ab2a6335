//! What a registration says: one line of JSON.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The version of the format that is written; others are not read.
const FORMAT: u32 = 1;

/// An instance of a service, in the order in which its line has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of the format.
    pub v: u32,
    pub service: String,
    /// Where it is called, so never `0.0.0.0`.
    pub addr: IpAddr,
    pub port: u16,
    pub realm: String,
    /// For people to look at: what keeps the entry alive is the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The path that answers 200 while it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Its share of requests, 0 to 256.
    #[serde(default = "usual_weight")]
    pub weight: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// It asks for no new requests.
    #[serde(default)]
    pub draining: bool,
    /// What its operators say: no word of its own, but the Sidecar notes it beside.
    #[cfg(feature = "api")]
    #[serde(default = "usually", skip_serializing)]
    pub enabled: bool,
}

impl Entry {
    /// One with nothing said but where it is.
    pub fn new(service: &str, addr: IpAddr, port: u16, realm: &str) -> Self {
        Self {
            v: FORMAT,
            service: service.to_owned(),
            addr,
            port,
            realm: realm.to_owned(),
            pid: None,
            version: None,
            health: None,
            weight: usual_weight(),
            started: None,
            draining: false,
            #[cfg(feature = "api")]
            enabled: usually(),
        }
    }

    /// The name of its file.
    pub fn name(&self, host: &str) -> String {
        format!("{}@{host}:{}", self.service, self.port)
    }

    /// What stands in its file.
    pub fn to_line(&self) -> String {
        let line = serde_json::to_string(self);
        line.expect("texts and numbers are JSON") + "\n"
    }
}

#[cfg(feature = "api")]
impl Entry {
    /// Reads the file with this name in the folder of `realm`; place and words must agree.
    pub fn parse(text: &[u8], name: &str, realm: &str) -> Option<Self> {
        let entry = serde_json::from_slice::<Self>(text).ok()?;
        let (service, rest) = name.split_once('@')?;
        let (_, port) = rest.rsplit_once(':')?;
        let agrees = entry.v == FORMAT
            && entry.service == service
            && entry.port.to_string() == port
            && entry.realm == realm;
        let callable = !entry.addr.is_unspecified() && !entry.addr.is_multicast();
        (agrees && callable).then_some(entry)
    }
}

#[cfg(feature = "api")]
fn usually() -> bool {
    true
}

fn usual_weight() -> u16 {
    100
}
