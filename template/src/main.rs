//! A conventional axum micro-service.
//!
//! `main` turns the result into an exit code, `service::start` is the whole process, and
//! `service::run` the part of it that tests drive: listener, settings, routes and the
//! wish to stop come in as parameters. With the word `openapi` it prints its description.
//!
//! | module    | what it knows                                                       |
//! |-----------|---------------------------------------------------------------------|
//! | `routes`  | what this service answers: **new handlers go here**                 |
//! | `openapi` | the description of what it answers: **new handlers are named here** |
//! | `checks`  | what has to work for it to be ready: **new checks go here**         |
//! | `tracker` | where errors go besides the log: **fill it in**                     |
//! | `atlas`   | the registry of this machine: our own entry and settings there      |
//! | `app`     | what every handler may use: realm, settings, connections            |
//! | `config`  | the settings, their layers, and whose fault a wrong one is          |
//! | `realm`   | where am I: local, test, prod                                       |
//! | `http`    | what every answer has: request id, log line, limits, problems       |
//! | `context` | what a request hands to calls made for it: id, trace, time left     |
//! | `trace`   | the W3C trace context: `traceparent` in and out                     |
//! | `health`  | how checks are run: all at once, in time, not too often             |
//! | `service` | how all of these are put together                                   |
//! | `lifecycle` | the moments that others want to know of: Atlas is told            |
//! | `live`    | settings that change in Atlas while the service runs                |
//! | `server`  | listening and graceful shutdown                                     |
//! | `signals` | SIGTERM and ctrl-c                                                  |
//! | `logs`    | where log lines go and what they look like                          |
//! | `error`   | why the process may end, and with which exit code                   |
//! | `tests`   | the service over real sockets, within the tests' process            |
//!
//! What is not listed says itself what it is for.
//!
//! Handlers know nothing of sockets, signals or files. Only `config::environment` reads
//! settings from the environment, only `main` writes to stderr. No source file knows the
//! service's name: cargo names package, executable and crate.

// Public, although nobody imports an executable: so the lints on documentation apply, and
// what handlers may use need not be in use yet.
#[cfg(feature = "api")]
pub mod api;
pub mod app;
pub mod atlas;
pub mod checks;
pub mod config;
pub mod context;
#[cfg(feature = "database")]
pub mod database;
pub mod error;
pub mod health;
pub mod http;
pub mod lifecycle;
pub mod live;
pub mod logs;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod openapi;
#[cfg(feature = "otel")]
pub mod otel;
pub mod realm;
#[cfg(feature = "redis")]
pub mod redis;
pub mod routes;
pub mod server;
pub mod service;
pub mod signals;
pub mod teams;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod tracker;

use std::process::ExitCode;

#[cfg(feature = "api")]
pub use api::Api;
pub use app::App;
pub use config::Config;
pub use context::Context;
pub use error::Error;
pub use realm::Realm;

/// The service's name: that of the package and of the executable.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// The package's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

#[expect(clippy::print_stderr, reason = "the one line a failed start may say")]
fn main() -> ExitCode {
    let outcome = match std::env::args_os().nth(1) {
        Some(word) if word == "openapi" => openapi::print(),
        _ => service::start(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            error.exit_code()
        }
    }
}
