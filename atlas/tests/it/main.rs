//! Atlas, tried with real directories, sockets and processes.

mod broken;
mod child;
mod claims;
mod crowd;
mod fit;
mod ground;
mod refuse;
mod speed;
mod world;
