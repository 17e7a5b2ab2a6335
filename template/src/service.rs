//! The service as a process, and the part of it that needs none.

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::info;

#[cfg(feature = "database")]
use crate::database;
#[cfg(feature = "otel")]
use crate::otel;
use crate::{App, Error, config, http, lifecycle, live, logs, routes, server, signals};

/// Runs the service as a process: settings from the environment, logs to where they say,
/// until a signal asks it to stop.
///
/// # Errors
/// Whatever keeps it from starting, or requests that outlast the grace period.
pub fn start() -> Result<(), Error> {
    let environment = config::Environment::of_process()?;
    let (realm, config) = config::load(&environment)?;
    logs::init(&config.log)?;
    let runtime = Runtime::new().map_err(Error::Runtime)?;
    let result = runtime.block_on(async {
        let shutdown = signals::shutdown().map_err(Error::Signals)?;
        let listener = server::listen(config.address()).await?;
        let app = App::new(realm, config);
        #[cfg(feature = "otel")]
        otel::start(&app);
        live::follow(&app, environment);
        run(listener, app, routes::routes(), shutdown).await
    });
    // Whatever still runs has had its grace period: do not wait for it again.
    runtime.shutdown_background();
    logs::flush();
    result
}

/// Serves `routes`, tests bring their own, on `listener` until `shutdown` resolves and
/// the requests in flight are answered.
///
/// # Errors
/// [`Error::Grace`] if requests outlast the grace period.
pub async fn run(
    listener: TcpListener,
    app: App,
    routes: Router<App>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let service = http::router(routes, app.clone());
    let served = server::serve(listener, service, &app, shutdown).await;
    lifecycle::gone(&app);
    served?;
    #[cfg(feature = "database")]
    database::close(&app.database).await;
    #[cfg(feature = "otel")]
    otel::stop().await;
    info!("stopped");
    Ok(())
}
