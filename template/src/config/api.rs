//! The settings of the smart client, `[api]`: how other services are called.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::time::Duration;

use axum::http::HeaderName;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::limits::positive_seconds;
use crate::api::ServiceName;

/// How other services are called.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Settings {
    /// Where the Sidecar listens; `http://127.0.0.1:4000` unless set. No name: none is
    /// ever looked up.
    #[serde(deserialize_with = "sidecar")]
    pub sidecar: SocketAddr,
    /// The header that tells the Sidecar which service is meant; `x-service` unless set.
    #[serde(deserialize_with = "header")]
    pub header: HeaderName,
    /// `timeout_seconds`: how long a call may take, retries included, at least 1; 5
    /// unless set. A call made for a request has no more than the request has left.
    #[serde(rename = "timeout_seconds", deserialize_with = "positive_seconds")]
    pub timeout: Duration,
    /// `connect_timeout_ms`: how long a connection may take to be made, at least 1; 250
    /// unless set.
    #[serde(rename = "connect_timeout_ms", deserialize_with = "milliseconds")]
    pub connect_timeout: Duration,
    /// How often a failed call may be repeated; 6 unless set. The budget of retries
    /// bounds what that means for a service that fails altogether.
    pub retries: u32,
    /// How many calls to one service may be under way at once, others wait; 128 unless
    /// set.
    pub concurrency: u32,
    /// The largest body of an answer, in bytes; 4 MiB unless set.
    pub response_limit_bytes: usize,
    /// How many calls to a service within 10 s it takes before half of them failing
    /// opens its circuit breaker; 20 unless set.
    pub breaker_calls: u32,
    /// Where a service's instances are when no Sidecar listens: name to addresses, in a
    /// list or divided by commas. None unless set.
    #[serde(deserialize_with = "instances")]
    pub instances: BTreeMap<ServiceName, Vec<SocketAddr>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sidecar: (Ipv4Addr::LOCALHOST, 4000).into(),
            header: HeaderName::from_static("x-service"),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_millis(250),
            retries: 6,
            concurrency: 128,
            response_limit_bytes: 4 * 1024 * 1024,
            breaker_calls: 20,
            instances: BTreeMap::new(),
        }
    }
}

fn sidecar<'de, D: Deserializer<'de>>(value: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(value)?;
    let address = text.strip_prefix("http://").unwrap_or(&text);
    let address = address.strip_suffix('/').unwrap_or(address);
    address.parse().map_err(|_| {
        let expected = "an IP address and port such as http://127.0.0.1:4000";
        D::Error::custom(format!("found string {text:?}, expected {expected}"))
    })
}

fn header<'de, D: Deserializer<'de>>(value: D) -> Result<HeaderName, D::Error> {
    let text = String::deserialize(value)?;
    text.parse().map_err(|_| {
        let expected = "a header's name such as x-service";
        D::Error::custom(format!("found string {text:?}, expected {expected}"))
    })
}

fn milliseconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(value).map(|number| Duration::from_millis(number.get()))
}

type Instances = BTreeMap<ServiceName, Vec<SocketAddr>>;

fn instances<'de, D: Deserializer<'de>>(value: D) -> Result<Instances, D::Error> {
    let lists = BTreeMap::<String, Addresses>::deserialize(value)?;
    let named = lists.into_iter().map(|(name, addresses)| {
        let valid = name.parse::<ServiceName>().map_err(D::Error::custom)?;
        Ok((valid, addresses.0))
    });
    named.collect()
}

struct Addresses(Vec<SocketAddr>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(AddressesVisitor).map(Self)
    }
}

/// A list in a file; the environment knows only strings.
struct AddressesVisitor;

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Vec<SocketAddr>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("addresses such as 127.0.0.1:5001")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let parts = text.split(',').map(str::trim);
        let addresses = parts.filter(|part| !part.is_empty()).map(|part| {
            part.parse().map_err(|_| {
                let expected = "addresses such as 127.0.0.1:5001";
                E::custom(format!("found string {part:?}, expected {expected}"))
            })
        });
        addresses.collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let parts = Vec::<String>::deserialize(SeqAccessDeserializer::new(list))?;
        self.visit_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, load};
    use super::*;
    use crate::config::environment::variable;

    fn of(text: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn without_a_word_there_are_defaults() {
        assert_eq!(of("").unwrap(), Settings::default());
    }

    #[test]
    fn every_key_can_be_set() {
        let set = of(r#"
            sidecar = "http://[::1]:4001/"
            header = "X-Target"
            timeout_seconds = 2
            connect_timeout_ms = 100
            retries = 0
            concurrency = 3
            response_limit_bytes = 10
            breaker_calls = 5
            instances.identity = ["127.0.0.1:5001", "127.0.0.1:5002"]
        "#);
        let two = ["127.0.0.1:5001", "127.0.0.1:5002"].map(|address| address.parse().unwrap());
        let expected = Settings {
            sidecar: "[::1]:4001".parse().unwrap(),
            header: "x-target".parse().unwrap(),
            timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_millis(100),
            retries: 0,
            concurrency: 3,
            response_limit_bytes: 10,
            breaker_calls: 5,
            instances: [("identity".parse().unwrap(), two.to_vec())].into(),
        };
        assert_eq!(set.unwrap(), expected);
    }

    #[test]
    fn the_environment_divides_addresses_by_commas() {
        let name = variable("API__INSTANCES__IDENTITY");
        let environment = [(name, "127.0.0.1:1, 127.0.0.1:2")];
        let (_, config) = load(&environment.into_iter().collect::<Environment>()).unwrap();
        let identity = "identity".parse().unwrap();
        assert_eq!(config.api.instances[&identity].len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (bad, expected) in [
            (
                r#"sidecar = "localhost:4000""#,
                r#"found string "localhost:4000""#,
            ),
            (r#"header = "x service""#, r#"found string "x service""#),
            ("timeout_seconds = 0", "nonzero"),
            ("connect_timeout_ms = 0", "nonzero"),
            (r#"instances.Identity = "127.0.0.1:1""#, "a service's name"),
            (
                r#"instances.identity = "localhost:1""#,
                r#"found string "localhost:1""#,
            ),
            ("instances.identity = 7", "expected addresses"),
            ("colour = 1", "unknown field"),
        ] {
            let refusal = of(bad).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
