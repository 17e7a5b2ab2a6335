//! `sidecar`: keeps the `HAProxy` of this host in step with Atlas.
//!
//! ```text
//! atlas ──events──▶ belief ──view──▶ core ──plan──▶ driver ──commands, reloads──▶ haproxy
//!                     ▲ health, probe                  └──▶ files, routes.json, metrics
//! ```
//!
//! | module | one line | the only one that |
//! |---|---|---|
//! | `command` | words to an exit code | names clap, prints |
//! | `core` | what is to be routed, and the shortest way there; pure | writes configuration |
//! | `belief` | the registry as far as it is to be believed; pure | decides what is gone |
//! | `probe`, `health` | does it refuse, is it ready | call instances |
//! | `haproxy` | starts, attaches to, talks with, reloads | knows that it is a process |
//! | `driver` | one loop: events in, changes out | changes state |
//! | `home`, `files`, `routes` | the directory of the Sidecar and what is in it | write files |
//! | `answers`, `metrics` | HTTP of its own: 404, status, metrics | listen |
//!
//! Invariants:
//! - Only `core` renders, and only from types that cannot hold a space, a `;` or a newline.
//! - What was removed from the registry without a word is routed until it refuses a connection.
//! - A reload is owed until `HAProxy` says that it happened.
//! - Nothing waits for `HAProxy`, an instance or the disk on the thread that reads the registry.

mod answers;
mod belief;
mod command;
mod core;
mod driver;
mod files;
mod haproxy;
mod health;
mod home;
mod metrics;
mod probe;
mod routes;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run(std::env::args_os())
}
