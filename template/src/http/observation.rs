//! What is noted of one request, and where: the access log, and whatever else counts
//! requests. It is noted when the observation ends, also if the caller has gone away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use tracing::info;

use super::RequestId;
use crate::Context;
#[cfg(feature = "metrics")]
use crate::metrics;
#[cfg(feature = "otel")]
use crate::otel;
use crate::trace::TraceId;

/// The header in which services say who they are.
pub const CALLER: &str = "x-caller";

/// The route of requests that none of our routes takes.
pub const UNMATCHED: &str = "unmatched";

/// The status of a request whose caller went away before it was answered; nginx's number.
const GONE: u16 = 499;

/// One request, from its head to its answer.
#[derive(Debug)]
pub struct Observation {
    /// Its method.
    pub method: Method,
    /// Its path, without the query, which may hold secrets.
    pub path: String,
    /// The route that takes it, `/teams/{id}`: unlike paths, there are few.
    pub route: Arc<str>,
    /// Its status, once it has one.
    pub status: u16,
    id: RequestId,
    trace: TraceId,
    caller: Option<String>,
    started: Instant,
    #[cfg(feature = "metrics")]
    _in_flight: metrics::InFlight,
    #[cfg(feature = "otel")]
    span: otel::Span,
}

impl Observation {
    /// It begins now.
    pub fn begin(request: &Request, context: &Context) -> Self {
        let route = request.extensions().get::<MatchedPath>();
        let route = Arc::from(route.map_or(UNMATCHED, MatchedPath::as_str));
        Self {
            #[cfg(feature = "metrics")]
            _in_flight: metrics::requests().begin(request.method(), &route),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route,
            status: GONE,
            id: context.request_id.clone(),
            trace: context.trace.trace_id(),
            caller: caller(request.headers()),
            started: Instant::now(),
            #[cfg(feature = "otel")]
            span: otel::Span::begin(&context.trace),
        }
    }

    /// It was answered.
    pub fn end(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        info!(
            target: super::ACCESS,
            method = %self.method,
            path = self.path,
            route = &*self.route,
            status = self.status,
            ms = milliseconds(self.elapsed()),
            request_id = self.id.as_str(),
            trace_id = %self.trace,
            caller = self.caller,
            "request"
        );
        #[cfg(feature = "metrics")]
        metrics::requests().end(self);
        #[cfg(feature = "otel")]
        std::mem::take(&mut self.span).end(self);
    }
}

/// The caller's name, if it is one that a service may have.
fn caller(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(CALLER)?.to_str().ok()?;
    let tail = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let sane = (1..=63).contains(&name.len()) && name.bytes().all(tail);
    sane.then(|| name.to_owned())
}

/// To the microsecond: more digits are noise in a log.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_microseconds() {
        let elapsed = Duration::from_nanos(1_234_567);
        assert_eq!(milliseconds(elapsed).to_string(), "1.235");
    }

    #[test]
    fn callers_have_names_of_services() {
        let long = "x".repeat(64);
        let of = |name: &str| {
            caller(&HeaderMap::from_iter([(
                CALLER.parse().unwrap(),
                name.parse().unwrap(),
            )]))
        };
        assert_eq!(of("billing-2").as_deref(), Some("billing-2"));
        for name in ["", "Billing", "a b", "a\"b", &long] {
            assert_eq!(of(name), None);
        }
    }
}
