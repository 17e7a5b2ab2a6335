//! What every answer of this service has, whatever the route.

pub mod health;
mod limits;
mod observation;
pub mod problem;
pub mod request;
pub mod request_id;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use observation::Observation;
pub use problem::{Invalid, Problem};
use request::Rules;
pub use request_id::RequestId;

use crate::App;
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::openapi;

/// The target of the log lines that are the access log.
pub const ACCESS: &str = concat!(env!("CARGO_CRATE_NAME"), "::access");

/// `routes` and the ones every service has. Around each of them, and around what is there
/// instead of a route, is [`request::observe`]; `routes` are within [`limits`], too.
///
/// One layer, since each costs every request some allocations.
pub fn router(routes: Router<App>, app: App) -> Router {
    let rules = Rules::new(&app.config.http);
    let others = Router::new()
        .merge(health::routes())
        .merge(openapi::routes());
    #[cfg(feature = "metrics")]
    let others = others.merge(metrics::routes());
    let others = others
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(rules.clone(), request::observe));
    routes
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(
            rules.guarded(&app.config.http),
            request::observe,
        ))
        .merge(others)
        .with_state(app)
}
