//! Where Postgres is.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sqlx::postgres::PgConnectOptions;

use super::limits::positive_seconds;
use crate::NAME;

/// Postgres, and how many connections we take of it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Database {
    /// `postgres://user:password@host:port/name`, with `?sslmode=verify-full` across a
    /// network. Unless set, the one that `compose.yaml` starts: on this machine, with the
    /// crate's name for user, password and database.
    pub url: DatabaseUrl,
    /// The most connections at once; 10 unless set.
    pub max_connections: NonZeroU32,
    /// `acquire_timeout_seconds`: how long a request waits for a connection before it is
    /// answered with 503, at least 1; 2 unless set.
    #[serde(
        rename = "acquire_timeout_seconds",
        deserialize_with = "positive_seconds"
    )]
    pub acquire_timeout: Duration,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::local(),
            max_connections: NonZeroU32::new(10).expect("it is not 0"),
            acquire_timeout: Duration::from_secs(2),
        }
    }
}

/// An address of a database, taken apart. Its text may hold a password: it is not shown.
#[derive(Clone)]
pub struct DatabaseUrl {
    text: String,
    options: PgConnectOptions,
}

impl DatabaseUrl {
    fn local() -> Self {
        let name = NAME.replace('-', "_");
        let url = format!("postgres://{name}:{name}@127.0.0.1:5432/{name}");
        url.parse().expect("a crate's name is a word")
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

impl FromStr for DatabaseUrl {
    type Err = sqlx::Error;

    fn from_str(text: &str) -> Result<Self, sqlx::Error> {
        let options = text.parse()?;
        let text = text.to_owned();
        Ok(Self { text, options })
    }
}

impl PartialEq for DatabaseUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.options.get_host(), self.options.get_port());
        write!(f, "postgres://…@{host}:{port}/…")
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let expected = "expected postgres://user:password@host:port/name";
        let text = String::deserialize(value)?;
        // sqlx takes any scheme.
        let scheme = text.starts_with("postgres://") || text.starts_with("postgresql://");
        let url = text.parse().ok().filter(|_| scheme);
        url.ok_or_else(|| D::Error::custom(format!("found something else, {expected}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::environment::variable;
    use crate::config::{Environment, load};

    #[test]
    fn a_password_is_shown_by_neither_value_nor_refusal() {
        let load = |url: &str| {
            let named = [(variable("DATABASE__URL"), url)];
            load(&named.into_iter().collect::<Environment>())
        };
        let (_, config) = load("postgres://me:secret@db:6432/orders").unwrap();
        let shown = format!("{:?}", config.database);
        assert!(shown.contains("postgres://…@db:6432/…"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
        for wrong in [
            "mysql://me:secret@db/a",
            "me:secret@db",
            "postgres://me:secret@db:x/a",
        ] {
            let refusal = load(wrong).unwrap_err().to_string();
            let start = "invalid database.url: found something else, expected postgres://";
            assert!(refusal.starts_with(start), "{refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
