//! The real program, driven from outside: one crate, many modules.

mod parts;
mod sandbox;
mod story;
