//! What every answer of this service has, whatever the route.

pub mod health;
mod limits;
mod observation;
pub mod problem;
pub mod request;
pub mod request_id;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};

use limits::Limits;
pub use observation::Observation;
pub use problem::{Invalid, Problem};
pub use request_id::RequestId;

use crate::App;
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::openapi;

/// The target of the log lines that are the access log.
pub const ACCESS: &str = concat!(env!("CARGO_CRATE_NAME"), "::access");

/// `routes` within the limits, the ones every service has, and around all of them: a
/// problem for what is not there or is refused, the body limit, and [`request::observe`].
pub fn router(routes: Router<App>, app: App) -> Router {
    let limits = Limits::new(&app.config.http);
    let all = routes
        .layer(from_fn_with_state(limits, limits::guard))
        .merge(health::routes())
        .merge(openapi::routes());
    #[cfg(feature = "metrics")]
    let all = all.merge(metrics::routes());
    all.fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(app.config.http.body_limit_bytes))
        .layer(map_response(problem::of_refusal))
        .layer(from_fn_with_state(app.clone(), request::observe))
        .with_state(app)
}
