//! How checks are run: all at once, each within its time, and not more often than needed.
//!
//! It does not know what is checked (`checks` does), nor how it is asked for (`http`).

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::{info, warn};
use utoipa::ToSchema;

use crate::config;

/// What a check says: nothing, or what is wrong.
pub type Verdict = Result<(), String>;

type Run<S> = Box<dyn Fn(S) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// Named checks of something with the state `S`.
pub struct Checks<S>(Vec<(&'static str, Run<S>)>);

impl<S> Checks<S> {
    /// Nothing to check.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// One more check.
    #[must_use]
    pub fn and<F>(
        mut self,
        name: &'static str,
        check: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        self.0
            .push((name, Box::new(move |state| check(state).boxed())));
        self
    }

    /// That was all.
    #[must_use]
    pub fn done(self) -> Self {
        self
    }
}

/// The checks, and what they said last.
#[derive(Clone)]
pub struct Health<S> {
    checks: Arc<Checks<S>>,
    limits: config::Health,
    last: Arc<Mutex<Option<(Instant, Report)>>>,
}

impl<S: Clone> Health<S> {
    /// Nothing is checked yet.
    pub fn new(checks: Checks<S>, limits: config::Health) -> Self {
        Self {
            checks: Arc::new(checks),
            limits,
            last: Arc::default(),
        }
    }

    /// What the checks say, or said a moment ago. However many ask at once, each check
    /// runs once.
    pub async fn report(&self, state: &S) -> Report {
        let mut last = self.last.lock().await;
        if let Some((when, report)) = &*last {
            let believed = if report.is_ready() {
                self.limits.cache
            } else {
                self.limits.failure_cache
            };
            if when.elapsed() < believed {
                return report.clone();
            }
        }
        let report = self.run(state).await;
        report.log_changes(last.as_ref().map(|(_, report)| report));
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn run(&self, state: &S) -> Report {
        let checks = self.checks.0.iter().map(|(name, check)| {
            let verdict = AssertUnwindSafe(check(state.clone())).catch_unwind();
            timed(name, self.limits.timeout, verdict)
        });
        let checks = join_all(checks).await;
        let failed = checks.iter().any(|check| check.outcome == Outcome::Failed);
        let status = if failed {
            Status::Unready
        } else {
            Status::Ready
        };
        Report { status, checks }
    }
}

impl<S> fmt::Debug for Health<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

async fn timed(
    name: &'static str,
    limit: Duration,
    verdict: impl Future<Output = std::thread::Result<Verdict>>,
) -> Check {
    let started = Instant::now();
    let detail = match timeout(limit, verdict).await {
        Ok(Ok(verdict)) => verdict.err(),
        Ok(Err(_)) => Some("the check panicked".to_owned()),
        Err(_) => Some(format!("no answer within {} s", limit.as_secs_f64())),
    };
    Check {
        name,
        outcome: match detail {
            None => Outcome::Passed,
            Some(_) => Outcome::Failed,
        },
        ms: (started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        detail,
    }
}

/// Whether the service wants requests, and why not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// The answer in a word.
    pub status: Status,
    /// Every check, whatever the others said.
    pub checks: Vec<Check>,
}

/// Whether the service wants requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Yes.
    Ready,
    /// Not now: something is missing.
    Unready,
    /// Not any more: it is about to stop.
    Draining,
}

/// What one check said.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Check {
    /// Its name.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// The answer in a word.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What is wrong, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Whether a check passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did.
    Passed,
    /// It did not.
    Failed,
}

impl Report {
    /// What a service says that is about to stop: nothing is asked any more.
    pub fn draining() -> Self {
        Self {
            status: Status::Draining,
            checks: Vec::new(),
        }
    }

    /// Whether new requests are welcome.
    pub fn is_ready(&self) -> bool {
        self.status == Status::Ready
    }

    /// A line for each check whose outcome is another one than last time.
    fn log_changes(&self, before: Option<&Self>) {
        for (index, check) in self.checks.iter().enumerate() {
            let before = before.map_or(Outcome::Passed, |report| report.checks[index].outcome);
            match &check.detail {
                Some(detail) if before == Outcome::Passed => {
                    warn!(check = check.name, detail, "not ready");
                }
                None if before == Outcome::Failed => info!(check = check.name, "ready again"),
                _ => (),
            }
        }
    }
}

#[cfg(test)]
mod tests;
