//! What can be counted, as `/metrics` shows it: Prometheus' text format.
//!
//! The values of every label are few, whatever callers send: routes are templates, unknown
//! ones share one name, methods are the standard ones. A metric of the service's own is a
//! field here and a line in `new`.

mod requests;

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use requests::{InFlight, Requests};

use crate::{App, NAME, VERSION};

/// More services than this share one label: their names come from URLs.
const MOST_SERVICES: usize = 100;

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

struct Metrics {
    registry: Registry,
    requests: Requests,
    calls: Family<Call, Counter>,
    retries: Family<Service, Counter>,
    services: Mutex<HashSet<String>>,
    uptime: Gauge,
    #[cfg(feature = "database")]
    connections: Family<Connections, Gauge>,
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::default();
        let build = [("name", NAME), ("version", VERSION)];
        registry.register("build", "What runs here", Info::new(build));
        let requests = Requests::new(&mut registry);
        let calls = Family::default();
        registry.register("client_requests", "Calls of other services", calls.clone());
        let retries = Family::default();
        registry.register(
            "client_retries",
            "Attempts after the first",
            retries.clone(),
        );
        let uptime = Gauge::default();
        let help = "How long this process has been there";
        registry.register("process_uptime_seconds", help, uptime.clone());
        #[cfg(feature = "database")]
        let connections = Family::default();
        #[cfg(feature = "database")]
        registry.register("database_connections", "By state", connections.clone());
        Self {
            registry,
            requests,
            calls,
            retries,
            services: Mutex::default(),
            uptime,
            #[cfg(feature = "database")]
            connections,
        }
    }

    /// The service's name, or the one of all that come too late.
    fn bounded<'a>(&self, service: &'a str) -> &'a str {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if services.contains(service) {
            return service;
        }
        if services.len() >= MOST_SERVICES {
            return "other";
        }
        services.insert(service.to_owned());
        service
    }

    #[cfg(feature = "database")]
    fn count_connections(&self, pool: &sqlx::PgPool) {
        let idle = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX);
        let set = |state, number| {
            let state = Connections { state };
            self.connections.get_or_create(&state).set(number);
        };
        set("idle", idle);
        set("used", i64::from(pool.size()).saturating_sub(idle));
        set("most", pool.options().get_max_connections().into());
    }
}

/// Notes a call of another service that has ended: how, and how many attempts it took
/// beyond the first. `outcome` is one of few words: a status class, a kind of error.
pub fn record(service: &str, outcome: &'static str, retries: u32) {
    let service = METRICS.bounded(service).to_owned();
    let call = Call {
        service: service.clone(),
        outcome,
    };
    METRICS.calls.get_or_create(&call).inc();
    let counter = METRICS.retries.get_or_create(&Service { service });
    counter.inc_by(retries.into());
}

/// What is counted of this service's own requests.
pub fn requests() -> &'static Requests {
    &METRICS.requests
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    service: String,
    outcome: &'static str,
}

#[cfg(feature = "database")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

/// `/metrics`.
pub fn routes() -> Router<App> {
    Router::new().route("/metrics", get(text))
}

async fn text(State(app): State<App>) -> impl IntoResponse {
    let uptime = app.uptime().as_secs().try_into();
    METRICS.uptime.set(uptime.unwrap_or(i64::MAX));
    #[cfg(feature = "database")]
    METRICS.count_connections(&app.database);
    let mut text = String::new();
    prometheus_text::encode(&mut text, &METRICS.registry).expect("a string takes all");
    ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text)
}
