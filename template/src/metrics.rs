//! What can be counted, as `/metrics` shows it: Prometheus' text format.
//!
//! The values of every label are few, whatever callers send: routes are templates, unknown
//! ones share one name, methods are the standard ones. A metric of the service's own is a
//! field here and a line in `new`.

#[cfg(feature = "api")]
mod calls;
mod requests;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
#[cfg(feature = "database")]
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text;
#[cfg(feature = "database")]
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

#[cfg(feature = "api")]
pub use calls::Calls;
pub use requests::{InFlight, Requests};

use crate::{App, NAME, VERSION};

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

struct Metrics {
    registry: Registry,
    requests: Requests,
    #[cfg(feature = "api")]
    calls: Calls,
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
        #[cfg(feature = "api")]
        let calls = Calls::new(&mut registry);
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
            #[cfg(feature = "api")]
            calls,
            uptime,
            #[cfg(feature = "database")]
            connections,
        }
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

/// What is counted of this service's own requests.
pub fn requests() -> &'static Requests {
    &METRICS.requests
}

/// What is counted of its calls of others.
#[cfg(feature = "api")]
pub fn calls() -> &'static Calls {
    &METRICS.calls
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
