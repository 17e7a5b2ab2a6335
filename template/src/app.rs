//! What every handler may use.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "redis")]
use ::redis::aio::ConnectionManager;
#[cfg(feature = "database")]
use sqlx::PgPool;
use tokio::sync::watch;

#[cfg(feature = "api")]
use crate::Api;
use crate::atlas::Registration;
use crate::checks;
#[cfg(feature = "database")]
use crate::database;
use crate::health::{Health, Report};
#[cfg(feature = "redis")]
use crate::redis;
use crate::{Config, Realm};

/// The application object: axum's state, the same for all requests. It is cloned several
/// times for each, so there is one pointer to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What an [`App`] has: `app.realm`, `app.config` and so on.
#[derive(Debug)]
pub struct Parts {
    /// Where this process runs.
    pub realm: Realm,
    #[cfg(feature = "api")]
    /// The smart client: `app.api.get("service://identity/teams/7")`.
    pub api: Api,
    /// The settings it was started with.
    pub config: Config,
    #[cfg(feature = "database")]
    /// Postgres: connections are made when they are needed, and only handed out once the
    /// migrations have run.
    pub database: PgPool,
    #[cfg(feature = "redis")]
    /// Redis: one connection for all, made when it is needed. Commands want it by `&mut`:
    /// clone it.
    pub redis: ConnectionManager,
    /// Its entry in Atlas.
    pub(crate) registration: Registration,
    settings: watch::Sender<Config>,
    health: Health<App>,
    draining: AtomicBool,
    started: Instant,
}

impl App {
    /// An application that is ready for requests, whether its servers are there or not.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(realm: Realm, config: Config) -> Self {
        Self(Arc::new(Parts {
            #[cfg(feature = "api")]
            api: Api::open(&realm, &config),
            realm,
            #[cfg(feature = "database")]
            database: database::open(&config.database),
            #[cfg(feature = "redis")]
            redis: redis::open(&config.redis),
            registration: Registration::default(),
            settings: watch::Sender::new(config.clone()),
            health: Health::new(checks::checks(), config.health),
            config,
            draining: AtomicBool::default(),
            started: Instant::now(),
        }))
    }

    /// Whether new requests are welcome, and what is missing if they are not.
    pub async fn readiness(&self) -> Report {
        if self.is_draining() {
            return Report::draining();
        }
        self.health.report(self).await
    }

    /// From now on `/health/ready` says 503, so that balancers send no new requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The settings as they are now: `app.settings().borrow()`, or `changed().await` to hear
    /// of the next change in Atlas. What the service was started with is in `app.config`, and
    /// its framework stays with that.
    pub fn settings(&self) -> watch::Receiver<Config> {
        self.settings.subscribe()
    }

    /// Lets all who watch them know what the settings are now.
    pub(crate) fn set_settings(&self, config: Config) {
        self.settings.send_replace(config);
    }

    /// How long ago it was made.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
