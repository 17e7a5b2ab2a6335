//! Listening and graceful shutdown.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::{App, Error, lifecycle};

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
    app: &App,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    match listener.local_addr() {
        Ok(address) => lifecycle::listening(app, address),
        Err(error) => warn!(%error, "listening on an unknown address"),
    }
    let connections = Connections::new(router, app);
    let leave = async {
        shutdown.await;
        lifecycle::draining(app);
        sleep(lifecycle::drain_period(app)).await;
    };
    tokio::select! {
        () = leave => (),
        never = connections.accept(&listener) => match never {},
    }
    drop(listener);
    let grace = app.config.shutdown.grace;
    if timeout(grace, connections.finish()).await.is_err() {
        warn!("requests outlasted the grace period");
        return Err(Error::Grace(grace));
    }
    Ok(())
}

/// The open connections, and what each of them gets.
struct Connections {
    /// Every connection holds a receiver; a value asks them to finish.
    closing: watch::Sender<()>,
    protocol: http1::Builder,
    service: TowerToHyperService<Router>,
}

impl Connections {
    fn new(router: Router, app: &App) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(app.config.http.idle_timeout);
        Self {
            closing: watch::Sender::default(),
            protocol,
            service: TowerToHyperService::new(router),
        }
    }

    /// Accepts for ever; connections go on without it.
    async fn accept(&self, listener: &TcpListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => self.open(stream),
                Err(error) if is_of_one_connection(&error) => (),
                Err(error) => {
                    // Out of descriptors, say: that does not pass within this loop's speed.
                    warn!(%error, "cannot accept connections");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn open(&self, stream: TcpStream) {
        // Small answers at once. A socket that refuses has been closed by its peer.
        let _ = stream.set_nodelay(true);
        let stream = TokioIo::new(stream);
        let connection = self.protocol.serve_connection(stream, self.service.clone());
        let mut closing = self.closing.subscribe();
        tokio::spawn(async move {
            let mut connection = pin!(connection.with_upgrades());
            let result = tokio::select! {
                result = connection.as_mut() => result,
                _ = closing.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                debug!(%error, "a connection broke");
            }
        });
    }

    /// Waits until every connection has answered the request it is at.
    async fn finish(&self) {
        self.closing.send_replace(());
        self.closing.closed().await;
    }
}

/// Whether the next connection may be fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
