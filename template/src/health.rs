//! How checks are run: all at once, each within its time, and not more often than needed.
//!
//! It does not know what is checked (`checks` does), nor how it is asked for (`http`).

mod report;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use report::{Check, Outcome, Report, Status};

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

#[cfg(test)]
mod tests;
