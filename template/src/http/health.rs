//! Health checks: is the process alive, and does it want requests?

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::App;

/// The answer of a health check.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
}

/// `/health/live` and `/health/ready`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// Constant: it asks nothing of anybody, so a failing neighbour never gets us restarted.
async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// 200 as long as new requests are welcome, 503 once the service is leaving.
async fn ready(State(app): State<App>) -> (StatusCode, Json<Health>) {
    if app.is_draining() {
        let draining = Health { status: "draining" };
        (StatusCode::SERVICE_UNAVAILABLE, Json(draining))
    } else {
        (StatusCode::OK, Json(Health { status: "ready" }))
    }
}
