//! The service inside the test's process, on a free port, with routes of the test's own.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

#[cfg(feature = "database")]
use super::postgres;
#[cfg(feature = "redis")]
use super::redis;
use crate::config::{Environment, load};
use crate::{App, Config, Error, Realm, routes, service};

/// A service that runs in a thread until it is told to stop.
pub struct Server {
    pub address: SocketAddr,
    pub app: App,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Server {
    /// The service as it is.
    pub fn start() -> Self {
        Self::with(routes::routes(), |_| ())
    }

    /// The service with other routes and changed settings.
    pub fn with(routes: Router<App>, change: impl FnOnce(&mut Config)) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (_, mut config) = load(&Environment::default()).expect("usable defaults");
        // Not what a developer may have running.
        config.atlas.enabled = false;
        #[cfg(feature = "database")]
        postgres::nowhere(&mut config);
        #[cfg(feature = "redis")]
        redis::nowhere(&mut config);
        change(&mut config);
        let app = {
            let _inside = runtime.enter();
            App::new(Realm::default(), config)
        };
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            address: listener.local_addr().expect("an address"),
            app: app.clone(),
            stop,
            thread: thread::spawn(move || serve(&runtime, listener, app, routes, stopped)),
        }
    }

    /// Asks for the shutdown; the end can be waited for.
    pub fn stop(self) -> JoinHandle<Result<(), Error>> {
        self.stop.send(()).expect("a running server");
        self.thread
    }
}

fn serve(
    runtime: &Runtime,
    listener: std::net::TcpListener,
    app: App,
    routes: Router<App>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Error> {
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a usable listener");
        let listener = TcpListener::from_std(listener).expect("a usable listener");
        // A test that drops its server stops it, too.
        let shutdown = async { drop(stopped.await) };
        service::run(listener, app, routes, shutdown).await
    })
}
