//! What this service answers. One module per resource, one line for it here, and its
//! handlers in `openapi`. Health checks and the like are not listed, `http` adds them.

pub mod hello;

use axum::Router;
use axum::routing::get;

use crate::{App, teams};

/// All routes of this service.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(hello::hello))
        .merge(teams::routes())
}
