//! A conventional axum micro-service.
//!
//! `main` turns the result into an exit code, `service::start` is the whole process, and
//! `service::run` the part of it that tests drive: listener, settings, routes and the
//! wish to stop come in as parameters.
//!
//! | module    | what it knows                                                       |
//! |-----------|---------------------------------------------------------------------|
//! | `routes`  | what this service answers: **new handlers go here**                 |
//! | `app`     | what every handler may use: realm, settings, whether we are leaving |
//! | `config`  | the settings, their layers, and whose fault a wrong one is          |
//! | `realm`   | where am I: local, test, prod                                       |
//! | `http`    | what every answer has: request id, log line, time limit, problems   |
//! | `context` | what a request hands to calls made for it: id, trace, time left     |
//! | `trace`   | the W3C trace context: `traceparent` in and out                     |
//! | `service` | how all of these are put together                                   |
//! | `server`  | listening and graceful shutdown                                     |
//! | `signals` | SIGTERM and ctrl-c                                                  |
//! | `logs`    | where log lines go and what they look like                          |
//! | `error`   | why the process may end, and with which exit code                   |
//! | `tests`   | the service over real sockets, within the tests' process            |
//!
//! Handlers know nothing of sockets, signals or files. Only `config::environment` reads
//! settings from the environment, only `main` writes to stderr. No source file knows the
//! service's name: cargo names package, executable and crate.

// Public, although nobody imports an executable: so the lints on documentation apply, and
// what handlers may use need not be in use yet.
#[cfg(feature = "api")]
pub mod api;
pub mod app;
pub mod config;
pub mod context;
pub mod error;
pub mod http;
pub mod logs;
pub mod realm;
pub mod routes;
pub mod server;
pub mod service;
pub mod signals;
#[cfg(test)]
mod tests;
pub mod trace;

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
    match service::start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error}");
            error.exit_code()
        }
    }
}
