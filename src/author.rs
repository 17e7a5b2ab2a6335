//! Stub.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    dead_code
)]
use crate::error::{Error, Kind, Result};
use crate::report::Report;
use crate::settings::Settings;
use std::ffi::OsStr;
use std::path::Path;
pub fn check(_: &OsStr) -> Result<()> {
    Err(Error::new(Kind::Usage, "stub"))
}
pub fn new(_: &OsStr) -> Result<()> {
    Err(Error::new(Kind::Usage, "stub"))
}
pub fn describe(_: Settings, _: &Path, _: &Report) -> Result<()> {
    Err(Error::new(Kind::Usage, "stub"))
}
pub fn test(_: &Settings, _: &Path, _: &Report, _: (bool, &[String])) -> Result<()> {
    Err(Error::new(Kind::Usage, "stub"))
}
