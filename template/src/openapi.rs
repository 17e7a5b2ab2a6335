//! The description of this service's API, as OpenAPI: **new handlers are named here**. A
//! test compares it with the routes.

use std::io::{self, Write};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::{OpenApi, openapi};

use crate::http::{Problem, health, problem};
use crate::{App, Error, routes, teams};

/// Name, version and description come from the manifest; see [`description`].
#[derive(OpenApi)]
#[openapi(
    paths(
        routes::hello::hello,
        teams::read,
        teams::write,
        health::live,
        health::ready,
        health::info,
        document,
    ),
    components(schemas(problem::Body))
)]
pub struct Api;

/// The whole description.
pub fn description() -> openapi::OpenApi {
    let mut description = Api::openapi();
    // A manifest without a licence gives one without a name, which is not valid.
    let licence = &mut description.info.license;
    *licence = licence.take().filter(|licence| !licence.name.is_empty());
    description
}

/// `/openapi.json`.
pub fn routes() -> Router<App> {
    Router::new().route("/openapi.json", get(document))
}

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "The description of this API", body = Object)),
)]
pub(crate) async fn document() -> Result<impl IntoResponse, Problem> {
    // As `Json` it would be compiled here, again with every change; utoipa brings this compiled.
    let text = description().to_json();
    let text = text.map_err(|error| Problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

/// Writes this description to standard output, for programs that make clients of it:
/// it needs no settings and no running service.
///
/// # Errors
/// [`Error::Output`] if it cannot be written.
pub fn print() -> Result<(), Error> {
    let text = description().to_pretty_json();
    let text = text.map_err(|error| Error::Output(error.into()))?;
    writeln!(io::stdout().lock(), "{text}").map_err(Error::Output)
}
