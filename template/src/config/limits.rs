//! The settings with which the service protects itself: of requests, of health checks and
//! of the shutdown.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Limits for requests.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Http {
    /// `timeout_seconds`: how long a handler may take, at least 1; 30 unless set.
    #[serde(rename = "timeout_seconds", deserialize_with = "positive_seconds")]
    pub timeout: Duration,
    /// The largest request body that extractors accept, in bytes; 1 MiB unless set.
    pub body_limit_bytes: usize,
    /// The largest head, path and headers together, in bytes; 16 KiB unless set.
    pub head_limit_bytes: usize,
    /// How many requests may be at work at once before the next ones are refused with 503,
    /// at least 1; 1024 unless set. Health checks and the like are not counted.
    pub concurrency_limit: NonZeroUsize,
    /// `idle_timeout_seconds`: how long a connection may wait for the whole head of its
    /// next request, at least 1; 75 unless set. Whoever keeps connections open towards us
    /// should give up earlier, lest a request meets a connection that is just being closed.
    #[serde(rename = "idle_timeout_seconds", deserialize_with = "positive_seconds")]
    pub idle_timeout: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            body_limit_bytes: 1024 * 1024,
            head_limit_bytes: 16 * 1024,
            concurrency_limit: NonZeroUsize::new(1024).expect("it is not 0"),
            idle_timeout: Duration::from_secs(75),
        }
    }
}

/// How often and how long the checks behind `/health/ready` look.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Health {
    /// `timeout_seconds`: how long a check may take, at least 1; 2 unless set.
    #[serde(rename = "timeout_seconds", deserialize_with = "positive_seconds")]
    pub timeout: Duration,
    /// `cache_seconds`: how long a good result is believed; 3 unless set.
    #[serde(rename = "cache_seconds", deserialize_with = "seconds")]
    pub cache: Duration,
    /// `failure_cache_seconds`: how long a bad one is; 1 unless set.
    #[serde(rename = "failure_cache_seconds", deserialize_with = "seconds")]
    pub failure_cache: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            cache: Duration::from_secs(3),
            failure_cache: Duration::from_secs(1),
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

pub(super) fn seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    u64::deserialize(value).map(Duration::from_secs)
}

pub(super) fn positive_seconds<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    NonZeroU64::deserialize(value).map(|seconds| Duration::from_secs(seconds.get()))
}
