//! The real program, driven from outside: one crate, many modules.

mod sandbox;
mod story;
