//! The Sidecar, tried with real `HAProxy`, real instances and real signals.

mod cluster;
mod dying;
mod instance;
mod load;
mod once;
mod routing;
mod safe;
mod speed;
mod world;
