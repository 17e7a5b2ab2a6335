//! What checks said, as `/health/ready` shows it.

use serde::Serialize;
use tracing::{info, warn};
use utoipa::ToSchema;

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
    pub(super) fn log_changes(&self, before: Option<&Self>) {
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
