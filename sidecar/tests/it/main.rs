//! The Sidecar, tried with real `HAProxy`, real instances and real signals.

mod cluster;
mod deploying;
mod dying;
mod faults;
mod instance;
mod load;
mod once;
mod routing;
mod safe;
mod speed;
#[path = "../../../tests/it/tmpfs.rs"]
mod tmpfs;
mod world;
