//! Atlas, tried with real directories, sockets and processes.

mod broken;
mod child;
mod claims;
mod cluster;
mod contract;
mod crowd;
mod faults;
mod fit;
mod format;
mod ground;
mod home;
mod life;
mod refuse;
mod running;
#[allow(
    dead_code,
    reason = "the tests of other crates want less, or more, of them"
)]
mod servers;
mod settings;
mod shell;
mod speed;
mod told;
mod trust;
mod watching;
mod world;
