//! The requests that this service answers.

use std::sync::Arc;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::http::Observation;

/// From half a millisecond to the default time-out of requests, in seconds.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Requests by route, and by status once they have one.
#[derive(Debug)]
pub struct Requests {
    answered: Family<Answered, Counter>,
    seconds: Family<Answered, Histogram, fn() -> Histogram>,
    in_flight: Family<Route, Gauge>,
}

impl Requests {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let answered = Family::default();
        registry.register("http_requests", "Answered requests", answered.clone());
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let seconds = Family::new_with_constructor(histogram);
        let help = "Time from a request's head to its answer";
        registry.register("http_request_duration_seconds", help, seconds.clone());
        let in_flight = Family::default();
        registry.register("http_requests_in_flight", "At work", in_flight.clone());
        Self {
            answered,
            seconds,
            in_flight,
        }
    }

    /// A request has come: it is at work until the result is dropped.
    pub fn begin(&self, method: &Method, route: &Arc<str>) -> InFlight {
        let route = Route {
            method: bounded(method),
            route: route.clone(),
        };
        let gauge = self.in_flight.get_or_create_owned(&route);
        gauge.inc();
        InFlight(gauge)
    }

    /// It has been answered, or nobody wants the answer any more.
    pub fn end(&self, request: &Observation) {
        let answered = Answered {
            method: bounded(&request.method),
            route: request.route.clone(),
            status: request.status.into(),
        };
        let seconds = request.elapsed().as_secs_f64();
        self.seconds.get_or_create(&answered).observe(seconds);
        self.answered.get_or_create(&answered).inc();
    }
}

/// A request at work.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Arc<str>,
    status: u32,
}

/// Callers may invent methods.
fn bounded(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
