//! The service without its database, and with a real one. That is the one at
//! `TEST_DATABASE_URL`, where a database is created for each test, or one that the test
//! starts itself.

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use sqlx::{Connection, Executor, PgConnection};

use super::backing::{Backing, installed, outcome, skipped};
use super::client::{self, PATIENCE, send, wait_until};
use super::load::Load;
use super::server::Server;
use crate::http::Problem;
use crate::{App, Config, routes};

/// Nobody listens on port 1.
pub fn nowhere(config: &mut Config) {
    at("postgres://nobody@127.0.0.1:1/nothing", config);
}

fn at(url: &str, config: &mut Config) {
    config.database.url = url.parse().expect("an address");
    config.database.acquire_timeout = Duration::from_millis(500);
    config.health.cache = Duration::ZERO;
    config.health.failure_cache = Duration::ZERO;
}

fn service(url: &str) -> Server {
    Server::with(routes::routes(), |config| at(url, config))
}

/// The program, if it is installed. Debian has it outside the search path.
fn program(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let programs = versions
        .flatten()
        .map(|entry| entry.path().join("bin").join(name));
    let mut programs = installed(name).into_iter().chain(programs);
    programs.find(|program| program.is_file())
}

/// A Postgres of the test's own.
struct Postgres(Backing);

impl Postgres {
    fn new() -> Option<Self> {
        let initdb = program("initdb")?;
        let backing = Backing::new();
        let data = backing.directory().join("data");
        let data = data.to_str().expect("a path");
        let options = [
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ];
        backing.prepare(&initdb, &options);
        Some(Self(backing))
    }

    fn start(&mut self) {
        let program = program("postgres").expect("it comes with initdb");
        let port = self.0.port.to_string();
        let directory = self.0.directory().to_owned();
        let data = directory.join("data");
        let (data, sockets) = (data.to_str(), directory.to_str());
        let (data, sockets) = (data.expect("a path"), sockets.expect("a path"));
        let options = [
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-k",
            sockets,
            "-F",
        ];
        self.0.start(&program, &options);
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.0.port)
    }
}

/// An empty database, and the server it needs to live.
fn database(name: &str) -> Option<(String, Option<Postgres>)> {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        let mut postgres = Postgres::new()?;
        postgres.start();
        return Some((postgres.url(), Some(postgres)));
    };
    let name = format!("test_{name}_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = PgConnection::connect(&url).await.expect("the server");
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        let create = format!("CREATE DATABASE {name}");
        for text in [drop, create] {
            let text = sqlx::AssertSqlSafe(text);
            connection
                .execute(text)
                .await
                .expect("the right to do that");
        }
    });
    let (server, _) = url.rsplit_once('/').expect("an address");
    Some((format!("{server}/{name}"), None))
}

fn put(server: &Server, path: &str, name: &str) -> (u16, String) {
    let json = ["content-type: application/json"];
    let body = format!(r#"{{"name":"{name}"}}"#);
    let answer = send(server.address, &format!("PUT {path}"), &json, &body);
    (answer.status, answer.body)
}

#[test]
fn without_a_database_it_starts_and_says_what_is_missing() {
    let server = service("postgres://nobody:secret@127.0.0.1:1/nothing");
    assert_eq!(client::get(server.address, "/health/live").status, 200);
    let ready = client::get(server.address, "/health/ready");
    assert_eq!(ready.status, 503);
    assert!(
        ready
            .body
            .contains(r#""name":"database","outcome":"failed""#),
        "{}",
        ready.body
    );
    assert!(ready.body.contains("refused"), "{}", ready.body);
    assert!(!ready.body.contains("secret"), "{}", ready.body);
    let started = Instant::now();
    let answer = client::get(server.address, "/teams/1");
    assert!(started.elapsed() < PATIENCE / 4);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(
        answer.body,
        r#"{"title":"Service Unavailable","status":503,"detail":"something that this service needs is away, try again"}"#
    );
}

#[test]
fn with_a_real_database_teams_are_kept_by_all_instances() {
    let Some((url, _postgres)) = database("teams") else {
        return skipped("PostgreSQL");
    };
    // Both at once: each wants to run the migrations.
    let (one, two) = (service(&url), service(&url));
    for server in [&one, &two] {
        wait_until("the database is ready", || {
            outcome(server, "database") == "passed"
        });
    }
    let (ops, sre) = (r#"{"id":7,"name":"Ops"}"#, r#"{"id":7,"name":"SRE"}"#);
    assert_eq!(client::get(one.address, "/teams/7").status, 404);
    assert_eq!(put(&one, "/teams/7", "Ops"), (201, ops.to_owned()));
    assert_eq!(client::get(two.address, "/teams/7").body, ops);
    assert_eq!(put(&two, "/teams/7", "SRE"), (200, sre.to_owned()));
    assert_eq!(client::get(one.address, "/teams/7").body, sre);
    for server in [one, two] {
        server
            .stop()
            .join()
            .expect("no panic")
            .expect("a peaceful end");
    }
}

/// `GET /fail/{code}`: Postgres itself fails with this SQLSTATE.
async fn fail(State(app): State<App>, Path(code): Path<String>) -> Result<(), Problem> {
    let text = format!("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$");
    sqlx::raw_sql(sqlx::AssertSqlSafe(text))
        .execute(&app.database)
        .await?;
    Ok(())
}

#[test]
fn what_a_real_database_says_is_told_from_its_being_away() {
    let Some((url, _postgres)) = database("codes") else {
        return skipped("PostgreSQL");
    };
    let routes = Router::new().route("/fail/{code}", get(fail));
    let server = Server::with(routes, |config| at(&url, config));
    wait_until("the database is ready", || {
        outcome(&server, "database") == "passed"
    });
    for (status, codes) in [
        // A connection that broke, no place for one, and the ends of a server.
        (503, ["08006", "53300", "57P01", "57P02", "57P03"]),
        // A row twice, a syntax error, a missing table, a wrong password, a division by 0.
        (500, ["23505", "42601", "42P01", "28P01", "22012"]),
    ] {
        for code in codes {
            let answer = client::get(server.address, &format!("/fail/{code}"));
            assert_eq!(answer.status, status, "{code}");
            let kind = answer.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{code}");
        }
    }
}

/// Killed twice under load: nobody waits in vain, what cannot be served is refused in
/// good order, and all is well as soon as it is back.
#[test]
fn a_real_database_may_come_late_and_be_killed_under_load() {
    let Some(mut postgres) = Postgres::new() else {
        return skipped("PostgreSQL");
    };
    let server = Server::with(routes::routes(), |config| {
        at(&postgres.url(), config);
        config.http.timeout = PATIENCE / 2;
        config.database.max_connections = NonZeroU32::new(2).expect("it is not 0");
    });
    let ready = |word: &str| wait_until(word, || outcome(&server, "database") == word);
    ready("failed");
    let load = Load::start(server.address, "PUT /teams/1", r#"{"name":"Ops"}"#);
    load.wait_for_refusals();
    for _ in 0..2 {
        postgres.start();
        ready("passed");
        load.wait_for_service();
        postgres.0.kill();
        ready("failed");
        load.wait_for_refusals();
    }
    postgres.start();
    ready("passed");
    load.wait_for_service();
    let seen = load.stop();
    assert!(seen.slowest < PATIENCE / 2, "{seen:?}");
    assert_eq!(client::get(server.address, "/teams/1").status, 200);
}
