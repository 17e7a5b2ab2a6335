//! What others learn of a call: one line in the log, and one record for metrics.

use std::error::Error as _;
use std::fmt::Write;
use std::time::Duration;

use tracing::{debug, warn};

use super::error::{Error, Reason};
use super::response::Response;
use super::url::Target;
use crate::Context;

/// A call that has ended.
pub struct Ended<'a> {
    pub method: &'a str,
    pub target: &'a Target,
    pub context: &'a Context,
    pub took: Duration,
    pub attempts: u32,
    pub result: &'a Result<Response, Error>,
}

/// Called once per call. `service` is a service's name, or `external` for all other hosts,
/// since label values must be few.
#[cfg(feature = "metrics")]
fn record(service: &str, outcome: &'static str, attempts: u32) {
    let retries = attempts.saturating_sub(1);
    crate::metrics::calls().end(service, outcome, retries);
}

/// Tells everybody.
pub fn ended(call: &Ended) {
    let outcome = outcome(call.result);
    let key = call.target.key();
    #[cfg(feature = "metrics")]
    let label = match call.target {
        Target::Service(name, _) => name.as_str(),
        Target::Plain(_) => "external",
    };
    #[cfg(feature = "metrics")]
    record(label, outcome, call.attempts);
    let (method, path, attempts) = (call.method, call.target.path(), call.attempts);
    let ms = (call.took.as_secs_f64() * 1e6).round() / 1e3;
    let status = call
        .result
        .as_ref()
        .map(|answer| answer.status().as_u16())
        .ok();
    let request_id = call.context.request_id.as_str();
    match call.result {
        Ok(answer) if !failed(answer) => {
            debug!(service = %key, method, path, status, attempts, ms, request_id, "call");
        }
        Ok(_) => warn!(
            service = %key, method, path, status, attempts, ms, request_id, outcome, "call failed"
        ),
        Err(error) => warn!(
            service = %key, method, path, attempts, ms, request_id, outcome,
            error = chain(error), "call failed"
        ),
    }
}

/// Of a call that could not be made, since its URL is none.
pub fn unmade(error: &Error) {
    #[cfg(feature = "metrics")]
    record("external", "invalid", 0);
    warn!(
        service = error.service(),
        error = chain(error),
        "call failed"
    );
}

/// Of an answer that the handler could not use, and turned into an error of ours: the
/// call itself was none.
pub fn unusable(error: &Error) {
    if let Reason::Status(..) | Reason::Body(_) = error.reason() {
        let (service, attempts) = (error.service(), error.attempt());
        warn!(service, attempts, error = chain(error), "answer not usable");
    }
}

/// Whether the service could not serve it, as opposed to: would not.
pub fn failed(answer: &Response) -> bool {
    matches!(answer.status().as_u16(), 502..=504)
}

fn outcome(result: &Result<Response, Error>) -> &'static str {
    let reason = match result {
        Ok(answer) => {
            return match answer.status().as_u16() {
                ..400 => "ok",
                400..500 => "client_error",
                _ => "server_error",
            };
        }
        Err(error) => error.reason(),
    };
    match reason {
        Reason::Url(_) | Reason::Request(_) => "invalid",
        Reason::Open => "open",
        Reason::Busy => "busy",
        Reason::Deadline => "deadline",
        Reason::Timeout => "timeout",
        Reason::Refused => "refused",
        Reason::Connect(_) => "connect",
        Reason::Broken(_) => "broken",
        Reason::Garbage(_) => "garbage",
        Reason::TooLarge(_) => "too_large",
        Reason::Status(..) => "status",
        Reason::Body(_) => "body",
    }
}

/// The error with all of its causes, for the log only.
fn chain(error: &Error) -> String {
    let mut text = error.reason().to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
