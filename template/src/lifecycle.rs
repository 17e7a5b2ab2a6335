//! The moments at which others want to learn of this process: Atlas is told "here I am",
//! "send me nothing new" and "I am gone".

use std::net::SocketAddr;
use std::time::Duration;

use tracing::info;

use crate::{App, NAME, VERSION};

/// Many times what a Sidecar takes to let `HAProxy` know.
const NOTICE: Duration = Duration::from_millis(100);

/// The socket is open, requests are about to be accepted. With port 0 in the settings,
/// `address` has the real one.
pub fn listening(app: &App, address: SocketAddr) {
    info!(service = NAME, version = VERSION, realm = %app.realm, %address, "listening");
    if app.config.atlas.enabled {
        app.registration.begin(app, address);
    }
}

/// It is about to stop: `/health/ready` says 503, and everything is served as before until
/// the drain period is over.
pub fn draining(app: &App) {
    app.drain();
    app.registration.drain();
    info!("draining");
}

/// How long it serves everything as before: whoever read of us in Atlas needs a moment to hear
/// of the end.
pub fn drain_period(app: &App) -> Duration {
    let least = if app.registration.is_begun() {
        NOTICE
    } else {
        Duration::ZERO
    };
    app.config.shutdown.drain.max(least)
}

/// It answers no more.
pub fn gone(app: &App) {
    app.registration.withdraw();
}
