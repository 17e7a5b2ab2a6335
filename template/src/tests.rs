//! The service over real sockets, within the tests' process: with routes and settings of
//! a test's own. What needs the real executable is in `tests/it`.

mod client;
#[cfg(feature = "api")]
mod hostile;
mod server;

#[cfg(feature = "api")]
mod api;
mod deadline;
mod problems;
mod request_id;
mod routes;
mod shutdown;
