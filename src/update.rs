//! Brings a service to another version of its template.

pub mod changelog;
pub mod migrate;
