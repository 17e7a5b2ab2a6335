//! `GET /`: who is there.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{App, NAME, VERSION};

/// What the service says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    #[schema(value_type = String)]
    name: &'static str,
    #[schema(value_type = String)]
    version: &'static str,
    realm: String,
}

/// Name, version and realm of this process.
#[utoipa::path(
    get,
    path = "/",
    responses((status = 200, description = "Who is there", body = Hello)),
)]
pub async fn hello(State(app): State<App>) -> Json<Hello> {
    Json(Hello {
        name: NAME,
        version: VERSION,
        realm: app.realm.to_string(),
    })
}
