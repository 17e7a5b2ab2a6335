//! Listening and graceful shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{App, Error, NAME, VERSION};

/// Opens the service's socket; port 0 takes a free one.
///
/// # Errors
/// [`Error::Listen`] if the address is taken, foreign or forbidden.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::Listen(address, error))
}

/// Serves `router` until `shutdown` resolves, then leaves in order:
///
/// 1. `/health/ready` says 503, while everything is served as before, for the drain
///    period: balancers need a moment to notice;
/// 2. nothing new is accepted, requests in flight get the grace period to finish.
///
/// # Errors
/// [`Error::Grace`] if requests outlast the grace period.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    announce(&listener, &app);
    let periods = app.config.shutdown;
    let (closing, closed) = oneshot::channel();
    let leave = async move {
        shutdown.await;
        app.drain();
        sleep(periods.drain).await;
        // The receiver is gone only if nobody waits for the end any more.
        let _ = closing.send(());
    };
    let listener = listener.tap_io(|stream| {
        // Small answers at once. A socket that refuses has been closed by its peer.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(leave);
    tokio::select! {
        // axum's server ends only by the shutdown; it retries after errors of accept.
        _ = server => {
            info!("stopped");
            Ok(())
        }
        () = expiry(closed, periods.grace) => {
            warn!("requests outlasted the grace period");
            Err(Error::Grace(periods.grace))
        }
    }
}

/// The address is asked for, not remembered: port 0 has become a real one.
fn announce(listener: &TcpListener, app: &App) {
    match listener.local_addr() {
        Ok(address) => {
            info!(service = NAME, version = VERSION, realm = %app.realm, %address, "listening");
        }
        Err(error) => warn!(%error, "listening on an unknown address"),
    }
}

/// Resolves `grace` after the accepting has ended.
async fn expiry(closed: oneshot::Receiver<()>, grace: Duration) {
    match closed.await {
        Ok(()) => sleep(grace).await,
        Err(_) => std::future::pending().await,
    }
}
