//! Stub.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    dead_code
)]
use crate::error::Result;
use crate::template::File;
use serde_json::Value;
pub fn fill(files: Vec<File>, values: Value) -> Result<Vec<File>> {
    crate::fill::fill(&files, &values)
}
