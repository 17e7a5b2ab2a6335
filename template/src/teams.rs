//! `/teams/{id}`: an example of a resource, to be copied and then deleted. Where its teams
//! are kept is up to `store`.

#[cfg(not(feature = "database"))]
mod memory;
#[cfg(feature = "database")]
mod postgres;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[cfg(not(feature = "database"))]
use self::memory as store;
#[cfg(feature = "database")]
use self::postgres as store;
use crate::App;
use crate::http::problem::Body;
use crate::http::{Invalid, Problem};

/// Longer names fit on no screen.
const LONGEST_NAME: usize = 100;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Team {
    /// The number by which others know it.
    pub id: i64,
    /// What it is called.
    pub name: String,
}

/// A team as a caller wants it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What it is to be called: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

impl Draft {
    /// The team, or all that is wrong with it.
    fn team(self, id: i64) -> Result<Team, Problem> {
        let name = self.name.trim();
        let mut errors = Vec::new();
        if name.is_empty() {
            errors.push(Invalid::at("/name", "it must not be empty"));
        }
        if name.chars().count() > LONGEST_NAME {
            let detail = format!("it must not exceed {LONGEST_NAME} characters");
            errors.push(Invalid::at("/name", detail));
        }
        if name.contains(char::is_control) {
            let detail = "it must not contain control characters";
            errors.push(Invalid::at("/name", detail));
        }
        if errors.is_empty() {
            let name = name.to_owned();
            Ok(Team { id, name })
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

/// The routes of this resource.
pub fn routes() -> Router<App> {
    Router::new().route("/teams/{id}", get(read).put(write))
}

/// The team with this number.
#[utoipa::path(
    get,
    path = "/teams/{id}",
    tag = "teams",
    operation_id = "get_team",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 200, description = "The team", body = Team),
        (status = 404, description = "There is none", body = Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn read(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Team>, Problem> {
    let team = store::find(&app, id).await?;
    team.map(Json).ok_or_else(|| none(id))
}

/// Creates the team with this number, or changes it.
#[utoipa::path(
    put,
    path = "/teams/{id}",
    tag = "teams",
    operation_id = "put_team",
    params(("id" = i64, Path, minimum = 1)),
    request_body = Draft,
    responses(
        (status = 200, description = "It was changed", body = Team),
        (status = 201, description = "It was created", body = Team),
        (status = 422, description = "It makes no sense", body = Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn write(
    State(app): State<App>,
    Path(id): Path<i64>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, Json<Team>), Problem> {
    if id < 1 {
        return Err(none(id));
    }
    let team = draft.team(id)?;
    let created = store::save(&app, &team).await?;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(team)))
}

fn none(id: i64) -> Problem {
    Problem::not_found(format!("there is no team {id}"))
}
