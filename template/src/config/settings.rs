//! Every setting, its unit and its default. A new one needs a field here, no more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// All settings of the service.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The IP address to listen on; 127.0.0.1 unless set.
    #[serde(default = "loopback")]
    pub host: IpAddr,
    /// The TCP port to listen on, 0 for any free one. Its default is in `service.toml`.
    pub port: u16,
    /// What is logged, and how.
    #[serde(default)]
    pub log: Log,
    /// Limits for requests.
    #[serde(default)]
    pub http: Http,
    #[cfg(feature = "api")]
    /// How other services are called.
    #[serde(default)]
    pub api: super::api::Settings,
    /// How the service leaves.
    #[serde(default)]
    pub shutdown: Shutdown,
}

impl Config {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Log {
    /// Levels: `info`, or `warn,<crate>=debug` to name targets, which begin with the
    /// crate's name: the package's with `_` for `-`. `info` unless set.
    #[serde(deserialize_with = "filter")]
    pub filter: Targets,
    /// What a line looks like.
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: Targets::new().with_default(LevelFilter::INFO),
            format: Format::Auto,
        }
    }
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase", expecting = "one of auto, human, json")]
pub enum Format {
    /// Human on a terminal, else JSON.
    Auto,
    /// Text, coloured on a terminal.
    Human,
    /// One JSON object per line.
    Json,
}

/// Limits for requests.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Http {
    /// `timeout_seconds`: how long a handler may take, at least 1; 30 unless set.
    #[serde(rename = "timeout_seconds", deserialize_with = "positive_seconds")]
    pub timeout: Duration,
    /// The largest request body that extractors accept, in bytes; 1 MiB unless set.
    pub body_limit_bytes: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            body_limit_bytes: 1024 * 1024,
        }
    }
}

/// How the service leaves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Shutdown {
    /// `drain_seconds`: how long it still accepts requests while `/health/ready` says
    /// 503; 0 unless set.
    #[serde(rename = "drain_seconds", deserialize_with = "seconds")]
    pub drain: Duration,
    /// `grace_seconds`: how long requests in flight may take after that, at least 1; 20
    /// unless set, within the 30 that most platforms grant in all.
    #[serde(rename = "grace_seconds", deserialize_with = "positive_seconds")]
    pub grace: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            drain: Duration::ZERO,
            grace: Duration::from_secs(20),
        }
    }
}

fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    u64::deserialize(value).map(Duration::from_secs)
}

pub(super) fn positive_seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(value).map(|seconds| Duration::from_secs(seconds.get()))
}

/// Stricter than `Targets`, which takes a misspelt level for a target's name and then
/// logs nothing else.
fn filter<'de, D: Deserializer<'de>>(value: D) -> Result<Targets, D::Error> {
    let text = String::deserialize(value)?;
    let level = |directive: &str| {
        let level = directive.rsplit('=').next().unwrap_or_default();
        level.parse::<LevelFilter>().is_ok()
    };
    let targets = text.parse().ok().filter(|_| text.split(',').all(level));
    targets.ok_or_else(|| {
        let own = env!("CARGO_CRATE_NAME");
        let expected = format!("levels such as info or warn,{own}=debug");
        D::Error::custom(format!("found string {text:?}, expected {expected}"))
    })
}
