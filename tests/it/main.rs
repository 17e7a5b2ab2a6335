//! The real program, driven from outside: one crate, many modules.

mod build;
mod cache;
mod clients;
mod cluster;
mod destinations;
mod git;
mod kills;
mod live;
mod machine;
mod names;
mod package;
mod parts;
mod ports;
mod repository;
mod sandbox;
mod settings;
mod shapes;
mod signals;
mod story;
mod structure;
mod template;
mod terminal;
mod tmpfs;
mod traces;
mod transaction;
mod workspace;
