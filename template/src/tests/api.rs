//! The smart client's promises, against a server that breaks its own.

mod breaker;
mod budget;
mod headers;
mod hops;
mod hostility;
mod routing;
mod usage;

use std::net::SocketAddr;
use std::time::Duration;

use super::hostile::{Act, Hostile, Refused};
use crate::config::api::Settings;
use crate::{Api, Realm};

/// Long enough for a loaded machine, where nothing is meant to happen.
const LONG: Duration = Duration::from_secs(20);

/// Defaults, but with much time, a breaker that stays closed, and `sidecar`.
fn settings(sidecar: SocketAddr) -> Settings {
    Settings {
        sidecar,
        timeout: LONG,
        connect_timeout: LONG,
        breaker_calls: u32::MAX,
        ..Settings::default()
    }
}

fn api(settings: &Settings) -> Api {
    Api::new(&Realm::default(), settings)
}

/// A client whose Sidecar is `server`.
fn api_to(server: &Hostile) -> Api {
    api(&settings(server.address))
}
