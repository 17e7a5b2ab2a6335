//! Postgres: how its pool is opened, checked and what its errors mean to callers.

mod migrations;

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

use tokio::time::timeout;
use tracing::warn;

use crate::health::Verdict;
use crate::http::Problem;
use crate::{App, NAME, config};

/// How long a good-bye may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pool without a connection yet. It hands them out once the migrations have run, which
/// happens beside it, as soon as the database is there.
///
/// # Panics
/// Outside a tokio runtime.
pub fn open(settings: &config::Database) -> PgPool {
    let options = settings.url.options().application_name(NAME);
    let migrated = migrations::run_when_possible(options.clone());
    PgPoolOptions::new()
        .max_connections(settings.max_connections.get())
        .acquire_timeout(settings.acquire_timeout)
        .after_connect(move |_, _| {
            let mut migrated = migrated.clone();
            Box::pin(async move {
                // Whoever waits in vain gives up after `acquire_timeout`.
                let done = migrated.wait_for(|done| *done).await;
                done.map(drop).map_err(|_| sqlx::Error::PoolClosed)
            })
        })
        .connect_lazy_with(options)
}

/// Says good-bye to Postgres. Nobody uses a connection any more, so this takes no time,
/// unless the network does.
pub async fn close(pool: &PgPool) {
    if timeout(PATIENCE, pool.close()).await.is_err() {
        warn!("the database did not answer the good-bye");
    }
}

/// Asks Postgres for a sign of life, by a connection that requests use, too.
///
/// # Errors
/// What the connection says.
pub async fn check(app: App) -> Verdict {
    // An empty pool tries until time is up and then cannot say why. This can.
    if app.database.size() == 0 {
        let options = app.database.connect_options();
        let connection = PgConnection::connect_with(&options).await;
        let closed = connection.map_err(|error| error.to_string())?.close().await;
        closed.map_err(|error| error.to_string())?;
    }
    let answer = sqlx::query("SELECT 1").execute(&app.database).await;
    answer.map(drop).map_err(|error| match error {
        sqlx::Error::PoolTimedOut => {
            "no connection in time: all are in use, or the migrations have not run".to_owned()
        }
        error => error.to_string(),
    })
}

/// Callers learn whether to try again, the log learns why.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            Self::unavailable(&error)
        } else {
            Self::internal(&error)
        }
    }
}

/// Whether the same may work in a moment.
fn is_away(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;

    match error {
        // Who ends in the middle of a word has said nothing that makes sense: `Protocol`.
        E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Io(_) | E::Protocol(_) => true,
        // Classes of the server's own: connection, resources, being stopped, its system.
        E::Database(error) => error.code().is_some_and(|code| {
            let classes = ["08", "53", "57P", "58"];
            classes.iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_the_middle_may_work_in_a_moment() {
        let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        for away in [
            sqlx::Error::PoolTimedOut,
            sqlx::Error::Io(ended),
            sqlx::Error::Protocol("expected ReadyForQuery".to_owned()),
        ] {
            assert!(is_away(&away), "{away}");
        }
        for ours in [sqlx::Error::RowNotFound, sqlx::Error::BeginFailed] {
            assert!(!is_away(&ours), "{ours}");
        }
    }
}
