//! Brings a service to the newest version of its template.

mod ends;
pub mod lock;
pub mod toml;
