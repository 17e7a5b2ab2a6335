//! The steps that bring the database from nothing to what this version of the service
//! expects: **a new file in `migrations/` needs its line here**, and a test sees to it.
//!
//! They run once, in order, before any request gets a connection. Instances that start
//! together wait for each other: sqlx takes a lock in the database. Steps that only a
//! newer version knows are left alone, so that rolling back needs no step back; which is
//! why a step must never break the version before.

use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, SqlSafeStr};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info, warn};

/// Number, description and text of each, as `sqlx migrate add` names the files.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "teams", include_str!("../../migrations/0001_teams.sql"))];

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Tries until it has worked, however long the database is away; the value becomes true
/// then. It stops trying when nobody looks at the value any more.
pub fn run_when_possible(options: PgConnectOptions) -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut pause = SHORTEST_PAUSE;
        let mut said = String::new();
        while let Err(error) = run(&options).await {
            // Not the same line again and again while the database is away.
            if error.to_string() != said {
                said = error.to_string();
                log(&error);
            }
            tokio::select! {
                () = sender.closed() => return,
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
        info!(known = MIGRATIONS.len(), "the migrations have run");
        sender.send_replace(true);
    });
    receiver
}

/// A database that is away comes back; whatever else is wrong needs somebody.
fn log(error: &sqlx::Error) {
    if matches!(error, sqlx::Error::Io(_)) {
        warn!(%error, "the migrations have not run yet");
    } else {
        error!(%error, "the migrations cannot run");
    }
}

async fn run(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    let steps = MIGRATIONS.iter().map(|&(number, description, text)| {
        let text = text.into_sql_str();
        Migration::new(
            number,
            description.into(),
            MigrationType::Simple,
            text,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.set_ignore_missing(true);
    // What `run` does, which the compiler refuses in a spawned task (transact-rs/sqlx#2016).
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_line() {
        let files = std::fs::read_dir("migrations").unwrap();
        let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
        let mut files: Vec<_> = files
            .map(|file| name(file).into_string().unwrap())
            .collect();
        files.sort();
        let line = |&(number, description, _): &(i64, &str, _)| {
            format!("{number:04}_{}.sql", description.replace(' ', "_"))
        };
        assert_eq!(files, MIGRATIONS.iter().map(line).collect::<Vec<_>>());
    }
}
