//! Teams in Postgres.

use super::Team;
use crate::App;
use crate::http::Problem;

/// The team with this number.
pub async fn find(app: &App, id: i64) -> Result<Option<Team>, Problem> {
    let row = sqlx::query_as::<_, (i64, String)>("SELECT id, name FROM teams WHERE id = $1")
        .bind(id)
        .fetch_optional(&app.database)
        .await?;
    Ok(row.map(|(id, name)| Team { id, name }))
}

/// Keeps the team; whether it is a new one.
pub async fn save(app: &App, team: &Team) -> Result<bool, Problem> {
    // A row that was just inserted has never been locked by anybody: its xmax is 0.
    let text = "INSERT INTO teams (id, name) VALUES ($1, $2) \
                ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING xmax = 0";
    let created = sqlx::query_scalar::<_, bool>(text)
        .bind(team.id)
        .bind(&team.name)
        .fetch_one(&app.database)
        .await?;
    Ok(created)
}
