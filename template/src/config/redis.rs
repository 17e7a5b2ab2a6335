//! Where Redis is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use redis::{Client, RedisError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::limits::positive_seconds;

/// Redis, and how long we wait for it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Redis {
    /// `redis://:password@host:port/number`; number 0 on this machine unless set.
    pub url: RedisUrl,
    /// `timeout_seconds`: how long a connection or an answer may take, at least 1; 1 unless
    /// set.
    #[serde(rename = "timeout_seconds", deserialize_with = "positive_seconds")]
    pub timeout: Duration,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: RedisUrl::local(),
            timeout: Duration::from_secs(1),
        }
    }
}

/// An address of a Redis. Its text may hold a password: it is not shown.
#[derive(Clone)]
pub struct RedisUrl {
    text: String,
    client: Client,
}

impl RedisUrl {
    fn local() -> Self {
        "redis://127.0.0.1:6379/0".parse().expect("a good address")
    }

    /// What opens connections; it has none.
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

impl FromStr for RedisUrl {
    type Err = RedisError;

    fn from_str(text: &str) -> Result<Self, RedisError> {
        let client = Client::open(text)?;
        let text = text.to_owned();
        Ok(Self { text, client })
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://…@{}", self.client.get_connection_info().addr())
    }
}

impl<'de> Deserialize<'de> for RedisUrl {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let expected = "expected redis://:password@host:port/number";
        let text = String::deserialize(value)?;
        let url = text.parse();
        url.map_err(|_| D::Error::custom(format!("found something else, {expected}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::environment::variable;
    use crate::config::{Environment, load};

    #[test]
    fn a_password_is_shown_by_neither_value_nor_refusal() {
        let load = |url: &str| {
            let named = [(variable("REDIS__URL"), url)];
            load(&named.into_iter().collect::<Environment>())
        };
        let (_, config) = load("redis://:secret@cache:6380/1").unwrap();
        let shown = format!("{:?}", config.redis);
        assert!(shown.contains("redis://…@cache:6380"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
        for wrong in ["http://:secret@cache", "rediss://:secret@cache", "secret"] {
            let refusal = load(wrong).unwrap_err().to_string();
            let start = "invalid redis.url: found something else, expected redis://";
            assert!(refusal.starts_with(start), "{refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
