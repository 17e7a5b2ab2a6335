//! `GET /`: who is there.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::{App, NAME, VERSION};

/// What the service says of itself.
#[derive(Debug, Serialize)]
pub struct Hello {
    name: &'static str,
    version: &'static str,
    realm: String,
}

/// Name, version and realm of this process.
pub async fn hello(State(app): State<App>) -> Json<Hello> {
    Json(Hello {
        name: NAME,
        version: VERSION,
        realm: app.realm.to_string(),
    })
}
