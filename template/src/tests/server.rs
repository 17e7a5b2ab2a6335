//! The service inside the test's process, on a free port, with routes of the test's own.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

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
        let (_, mut config) = load(&Environment::default()).expect("usable defaults");
        change(&mut config);
        let app = App::new(Realm::default(), config);
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            address: listener.local_addr().expect("an address"),
            app: app.clone(),
            stop,
            thread: thread::spawn(move || serve(listener, app, routes, stopped)),
        }
    }

    /// Asks for the shutdown; the end can be waited for.
    pub fn stop(self) -> JoinHandle<Result<(), Error>> {
        self.stop.send(()).expect("a running server");
        self.thread
    }
}

fn serve(
    listener: std::net::TcpListener,
    app: App,
    routes: Router<App>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        listener.set_nonblocking(true).expect("a usable listener");
        let listener = TcpListener::from_std(listener).expect("a usable listener");
        // A test that drops its server stops it, too.
        let shutdown = async { drop(stopped.await) };
        service::run(listener, app, routes, shutdown).await
    })
}
