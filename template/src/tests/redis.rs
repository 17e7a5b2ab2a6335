//! The service without Redis, and with a real one: the one at `TEST_REDIS_URL`, or one that
//! the test starts itself.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use redis::AsyncCommands;

use super::backing::{Backing, installed, outcome, skipped};
use super::client::{self, PATIENCE, wait_until};
use super::load::Load;
use super::server::Server;
use crate::http::Problem;
use crate::{App, Config};

/// Nobody listens on port 1.
pub fn nowhere(config: &mut Config) {
    at("redis://127.0.0.1:1", config);
}

fn at(url: &str, config: &mut Config) {
    config.redis.url = url.parse().expect("an address");
    config.health.cache = Duration::ZERO;
    config.health.failure_cache = Duration::ZERO;
}

async fn count(State(app): State<App>) -> Result<String, Problem> {
    let key = format!("{}-test-{}", crate::NAME, std::process::id());
    let mut redis = app.redis.clone();
    let count: u64 = redis.incr(&key, 1).await?;
    let _: bool = redis.expire(&key, 60).await?;
    Ok(count.to_string())
}

fn service(url: &str) -> Server {
    let routes = Router::new().route("/count", get(count));
    Server::with(routes, |config| at(url, config))
}

/// A Redis of the test's own.
struct Redis(Backing);

impl Redis {
    fn new() -> Option<Self> {
        installed("redis-server").map(|_| Self(Backing::new()))
    }

    fn start(&mut self) {
        let program = installed("redis-server").expect("it was there");
        let port = self.0.port.to_string();
        let options = ["--bind", "127.0.0.1", "--port", &port, "--save", ""];
        self.0.start(&program, &options);
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.0.port)
    }
}

fn server() -> Option<(String, Option<Redis>)> {
    if let Ok(url) = std::env::var("TEST_REDIS_URL") {
        return Some((url, None));
    }
    let mut redis = Redis::new()?;
    redis.start();
    Some((redis.url(), Some(redis)))
}

#[test]
fn without_redis_it_starts_and_says_what_is_missing() {
    let server = service("redis://127.0.0.1:1");
    assert_eq!(client::get(server.address, "/health/live").status, 200);
    assert_eq!(client::get(server.address, "/health/ready").status, 503);
    assert_eq!(outcome(&server, "redis"), "failed");
    let started = Instant::now();
    assert_eq!(client::get(server.address, "/count").status, 503);
    assert!(started.elapsed() < PATIENCE / 4);
}

#[test]
fn with_a_real_redis_commands_work() {
    let Some((url, _redis)) = server() else {
        return skipped("Redis");
    };
    let server = service(&url);
    wait_until("Redis is ready", || outcome(&server, "redis") == "passed");
    let count = || client::get(server.address, "/count").body.parse::<u64>();
    let first = count().expect("a number");
    assert_eq!(count(), Ok(first + 1));
}

/// Killed twice under load: nobody waits in vain, what cannot be served is refused in
/// good order, and all is well as soon as it is back.
#[test]
fn a_real_redis_may_come_late_and_be_killed_under_load() {
    let Some(mut redis) = Redis::new() else {
        return skipped("Redis");
    };
    let routes = Router::new().route("/count", get(count));
    let server = Server::with(routes, |config| {
        at(&redis.url(), config);
        config.http.timeout = PATIENCE / 2;
    });
    let ready = |word: &str| wait_until(word, || outcome(&server, "redis") == word);
    ready("failed");
    let load = Load::start(server.address, "GET /count", "");
    load.wait_for_refusals();
    for _ in 0..2 {
        redis.start();
        ready("passed");
        load.wait_for_service();
        redis.0.kill();
        ready("failed");
        load.wait_for_refusals();
    }
    redis.start();
    ready("passed");
    load.wait_for_service();
    let seen = load.stop();
    assert!(seen.slowest < PATIENCE / 2, "{seen:?}");
}
