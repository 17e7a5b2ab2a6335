//! The smart client: calls to other services by name.
//!
//! ```text
//! let team: Team = app.api.get("service://identity/teams/7").fetch().await?;
//! ```
//!
//! | module      | what it knows                                                     |
//! |-------------|-------------------------------------------------------------------|
//! | `url`       | `service://NAME/path`, and what is no URL                         |
//! | `call`      | what to send, and how patient to be                               |
//! | `policy`    | the way of one call: limits, attempts, deadline                   |
//! | `service`   | each service's places, `budget` of retries and circuit `breaker`  |
//! | `transport` | one attempt: Sidecar or instance, pooled connections              |
//! | `directory` | where instances are when no Sidecar listens                       |
//! | `headers`   | what is sent along                                                |
//! | `backoff`   | how long to wait between attempts                                 |
//! | `response`  | the answer                                                        |
//! | `error`     | why there is none, and what our own caller learns of it           |
//! | `report`    | log and metrics                                                   |
//!
//! Nothing here knows what is called or why; only `transport` knows of sockets.

mod backoff;
mod breaker;
mod budget;
mod call;
mod directory;
mod error;
mod headers;
mod policy;
mod report;
mod response;
mod service;
mod transport;
mod url;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use futures_util::{StreamExt, stream};

pub use call::Call;
pub use directory::Directory;
pub use error::{Error, ProblemDetails, Reason, Source};
pub use response::Response;
pub use url::{ServiceName, encode};

use crate::atlas::Lookup;
use crate::config::api::Settings;
use crate::{Config, Realm};
use service::Services;
use transport::Transport;

/// So many of the calls of one `all` are under way at once.
const AT_ONCE: usize = 32;

/// The smart client: cheap to clone, all clones share connections and experience.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    realm: Realm,
    timeout: Duration,
    retries: u32,
    services: Services,
    transport: Transport,
}

impl Api {
    /// Instances as the settings name them.
    pub fn new(realm: &Realm, settings: &Settings) -> Self {
        Self::with_directory(realm, settings, Arc::new(settings.instances.clone()))
    }

    /// Instances as the settings name them, the others as Atlas knows them.
    pub fn open(realm: &Realm, config: &Config) -> Self {
        if !config.atlas.enabled {
            return Self::new(realm, &config.api);
        }
        let directory = directory::Known {
            named: config.api.instances.clone(),
            registered: Lookup::new(&config.atlas.places, realm.as_str()),
        };
        Self::with_directory(realm, &config.api, Arc::new(directory))
    }

    /// Instances as `directory` knows them.
    pub fn with_directory(
        realm: &Realm,
        settings: &Settings,
        directory: Arc<dyn Directory>,
    ) -> Self {
        let inner = Inner {
            realm: realm.clone(),
            timeout: settings.timeout,
            retries: settings.retries,
            services: Services::new(settings.concurrency, settings.breaker_calls),
            transport: Transport::new(settings, directory),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// `GET url`.
    pub fn get(&self, url: impl Into<String>) -> Call {
        self.request(Method::GET, url)
    }

    /// `HEAD url`.
    pub fn head(&self, url: impl Into<String>) -> Call {
        self.request(Method::HEAD, url)
    }

    /// `PUT url`.
    pub fn put(&self, url: impl Into<String>) -> Call {
        self.request(Method::PUT, url)
    }

    /// `POST url`.
    pub fn post(&self, url: impl Into<String>) -> Call {
        self.request(Method::POST, url)
    }

    /// `PATCH url`.
    pub fn patch(&self, url: impl Into<String>) -> Call {
        self.request(Method::PATCH, url)
    }

    /// `DELETE url`.
    pub fn delete(&self, url: impl Into<String>) -> Call {
        self.request(Method::DELETE, url)
    }

    /// Any method: `service://NAME/path?query`, `http://…` or `https://…`.
    pub fn request(&self, method: Method, url: impl Into<String>) -> Call {
        Call::new(self.clone(), method, url.into(), self.inner.timeout)
    }

    /// Makes all calls, many at once, and returns their results in the calls' order. The
    /// time of each begins now, also of those that have to wait for others.
    pub async fn all(&self, calls: impl IntoIterator<Item = Call>) -> Vec<Result<Response, Error>> {
        let calls: Vec<_> = calls.into_iter().map(Call::begin).collect();
        let calls = stream::iter(calls.into_iter().enumerate());
        // Not `buffered`, in which one slow call holds up the ones behind it.
        let results = calls.map(async |(place, call)| (place, call.send().await));
        let mut results: Vec<_> = results.buffer_unordered(AT_ONCE).collect().await;
        results.sort_unstable_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}
