//! The service over real sockets, within the tests' process: with routes and settings of
//! a test's own. What needs the real executable is in `tests/it`.

#[cfg(any(feature = "database", feature = "redis"))]
mod backing;
pub mod client;
#[cfg(all(feature = "api", feature = "otel"))]
#[path = "../tests/it/collector.rs"]
mod collector;
#[cfg(feature = "api")]
pub mod hostile;
#[cfg(any(feature = "database", feature = "redis"))]
mod load;
pub mod random;
pub mod server;

#[cfg(feature = "api")]
mod api;
mod deadline;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod openapi;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "database")]
mod postgres;
mod problems;
#[cfg(feature = "redis")]
mod redis;
mod request_id;
mod routes;
mod shutdown;
mod teams;
