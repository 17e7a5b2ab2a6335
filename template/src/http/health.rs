//! Is the process alive, does it want requests, and which one is it?

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::Report;
use crate::{App, NAME, VERSION};

/// The commit this was built from, if whoever built it said so in the variable
/// `GIT_COMMIT`: the Dockerfile and the CI workflow do.
const COMMIT: Option<&str> = option_env!("GIT_COMMIT");

/// `/health/live`, `/health/ready` and `/info`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/info", get(info))
}

/// The answer of a living process.
#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    #[schema(value_type = String)]
    status: &'static str,
}

/// Constant: it asks nothing of anybody, so a failing neighbour never gets us restarted.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operations",
    responses((status = 200, description = "The process is alive", body = Live)),
)]
pub async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// 200 as long as new requests are welcome; 503 while something is missing, and once the
/// service is leaving.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operations",
    responses(
        (status = 200, description = "Requests are welcome", body = Report),
        (status = 503, description = "They are not, and why", body = Report),
    ),
)]
pub async fn ready(State(app): State<App>) -> (StatusCode, Json<Report>) {
    let report = app.readiness().await;
    let status = if report.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report))
}

/// Which service this is, in which version, and since when. No settings: they hold secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Info {
    #[schema(value_type = String)]
    name: &'static str,
    #[schema(value_type = String)]
    version: &'static str,
    /// The commit it was built from, if that is known.
    #[schema(value_type = Option<String>)]
    commit: Option<&'static str>,
    /// Name and version of the template it was made from.
    template: String,
    realm: String,
    uptime_seconds: u64,
}

/// What this process says of itself.
#[utoipa::path(
    get,
    path = "/info",
    tag = "operations",
    responses((status = 200, description = "Which service this is", body = Info)),
)]
pub async fn info(State(app): State<App>) -> Json<Info> {
    Json(Info {
        name: NAME,
        version: VERSION,
        commit: COMMIT.filter(|commit| !commit.is_empty()),
        template: template(),
        realm: app.realm.to_string(),
        uptime_seconds: app.uptime().as_secs(),
    })
}

/// As the service's record has it; empty if somebody took it out.
fn template() -> String {
    let record = include_str!("../../service.toml").parse::<toml::Table>();
    let template = record.ok().and_then(|mut record| record.remove("template"));
    let field = |name| Some(template.as_ref()?.get(name)?.as_str()?.to_owned());
    let words = [field("name"), field("version")].into_iter().flatten();
    words.collect::<Vec<_>>().join(" ")
}
