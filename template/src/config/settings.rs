//! All settings, and those of the log. Every setting says its unit and its default; a new
//! one needs a field, no more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::filter::{LevelFilter, Targets};

#[cfg(feature = "database")]
use super::Database;
#[cfg(feature = "otel")]
use super::Otel;
#[cfg(feature = "redis")]
use super::Redis;
use super::{Atlas, Health, Http, Shutdown};

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
    /// How often and how long the health checks look.
    #[serde(default)]
    pub health: Health,
    /// The registry of this machine.
    #[serde(default)]
    pub atlas: Atlas,
    /// How the service leaves.
    #[serde(default)]
    pub shutdown: Shutdown,
    #[cfg(feature = "database")]
    /// Postgres.
    #[serde(default)]
    pub database: Database,
    #[cfg(feature = "redis")]
    /// Redis.
    #[serde(default)]
    pub redis: Redis,
    #[cfg(feature = "otel")]
    /// Where spans go.
    #[serde(default)]
    pub otel: Otel,
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
    /// Where `<service>.access.log` and `<service>.error.log` are written, in place of
    /// stdout; it must exist. Unset by default.
    pub directory: Option<PathBuf>,
    /// A file that has become larger than this is put aside; 100 MiB unless set.
    pub max_file_bytes: NonZeroU64,
    /// How many files of each log are kept aside, as `….log.1` and so on; 10 unless set.
    pub max_files: NonZeroUsize,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: Targets::new().with_default(LevelFilter::INFO),
            format: Format::Auto,
            directory: None,
            max_file_bytes: NonZeroU64::new(100 * 1024 * 1024).expect("it is not 0"),
            max_files: NonZeroUsize::new(10).expect("it is not 0"),
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
