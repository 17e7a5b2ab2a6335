//! What every handler may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "api")]
use crate::Api;
use crate::{Config, Realm};

/// The application object: axum's state, cheap to clone, the same for all requests.
#[derive(Clone, Debug)]
pub struct App {
    /// Where this process runs.
    pub realm: Realm,
    #[cfg(feature = "api")]
    /// The smart client: `app.api.get("service://identity/teams/7")`.
    pub api: Api,
    /// The settings it was started with.
    pub config: Arc<Config>,
    draining: Arc<AtomicBool>,
}

impl App {
    /// An application that is ready for requests.
    pub fn new(realm: Realm, config: Config) -> Self {
        Self {
            #[cfg(feature = "api")]
            api: Api::new(&realm, &config.api),
            realm,
            config: Arc::new(config),
            draining: Arc::default(),
        }
    }

    /// From now on `/health/ready` says 503, so that balancers send no new requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
