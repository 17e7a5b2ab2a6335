//! What has to work for this service to be ready: **new checks go here**, a line each.
//!
//! A check is an async function of the application object; its error is the sentence that
//! `/health/ready` shows, so it holds no secrets. `health` sees to the time limit.

use crate::App;
#[cfg(feature = "database")]
use crate::database;
use crate::health::Checks;
#[cfg(feature = "redis")]
use crate::redis;

/// All checks of this service.
pub fn checks() -> Checks<App> {
    let checks = Checks::none();
    #[cfg(feature = "database")]
    let checks = checks.and("database", database::check);
    #[cfg(feature = "redis")]
    let checks = checks.and("redis", redis::check);
    checks.done()
}
