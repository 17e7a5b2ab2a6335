//! Stub.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    dead_code
)]
use crate::error::{Error, Kind, Result};
use crate::questions::{Answers, Question};
use crate::template::File;
use serde_json::Value;
#[derive(Clone, Debug)]
pub struct Hook {
    pub path: String,
    pub text: String,
}
#[derive(Clone, Debug)]
pub struct Foreign {
    pub questions: Vec<Question>,
    pub hooks: Vec<Hook>,
    pub commands: Vec<String>,
}
pub fn inspect(_: &[File], _: Option<&str>) -> Result<Foreign> {
    Err(Error::new(Kind::Template, "stub"))
}
pub fn holds(_: &str, _: &Answers, _: &Value) -> bool {
    false
}
pub fn render(
    _: &Foreign,
    _: &crate::template::Template,
    _: &crate::render::Request,
) -> Result<crate::render::Rendered> {
    Err(Error::new(Kind::Template, "stub"))
}
