//! The two moments at which others may want to learn of this process. A registry hooks in
//! here: the first says "here I am", the second "send me nothing new".

use std::net::SocketAddr;

use tracing::info;

use crate::{App, NAME, VERSION};

/// The socket is open, requests are about to be accepted. With port 0 in the settings,
/// `address` has the real one.
pub fn listening(app: &App, address: SocketAddr) {
    info!(service = NAME, version = VERSION, realm = %app.realm, %address, "listening");
}

/// It is about to stop: `/health/ready` says 503, and everything is served as before until
/// the drain period is over.
pub fn draining(app: &App) {
    app.drain();
    info!("draining");
}
