//! What every answer of this service has, whatever the route.

pub mod health;
pub mod problem;
pub mod request;
pub mod request_id;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};

pub use problem::Problem;
pub use request_id::RequestId;

use crate::App;

/// `routes`, the health checks, and around both: a problem for what is not there or is
/// refused, the body limit, and [`request::observe`].
pub fn router(routes: Router<App>, app: App) -> Router {
    routes
        .merge(health::routes())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(app.config.http.body_limit_bytes))
        .layer(map_response(problem::of_refusal))
        .layer(from_fn_with_state(app.clone(), request::observe))
        .with_state(app)
}
