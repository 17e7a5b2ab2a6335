//! The real executable from outside: its exit codes, its log, its signals. What needs
//! routes of a test's own is in `src/tests`.

#[path = "../../src/tests/client.rs"]
mod client;
#[cfg(feature = "otel")]
mod collector;
mod executable;
mod scratch;

mod configuration;
mod description;
mod logs;
#[cfg(feature = "otel")]
mod otel;
mod registry;
mod shutdown;

/// The executable's name, and what its variables begin with.
const NAME: &str = env!("CARGO_PKG_NAME");

/// The package's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
