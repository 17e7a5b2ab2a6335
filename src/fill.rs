//! What the files say: `*.hbs` is filled by handlebars and loses its suffix, all else is bytes.
//!
//! Strict and unescaped: a variable nobody defined is an error that names file, line and column,
//! and `&` stays `&`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use handlebars::{Handlebars, RenderError, RenderErrorReason, TemplateError, no_escape};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::template::File;

/// The one suffix that renders.
const SUFFIX: &str = ".hbs";

/// What a template can say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Values {
    /// `my-awesome-service`
    pub name: String,
    /// `my_awesome_service`
    pub crate_name: String,
    /// `MY_AWESOME_SERVICE`
    pub env_prefix: String,
    /// One line that says what the service is for.
    pub description: String,
    /// The HTTP port.
    pub port: u16,
    /// The version of the template.
    pub template_version: String,
    /// Each part of the template, and whether the service has it.
    #[serde(flatten)]
    pub parts: BTreeMap<String, bool>,
}

/// The files with every template among them filled. A template that says nothing makes no file.
pub fn fill(files: &[File], values: &Values) -> Result<Vec<File>> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    files
        .iter()
        .map(|file| match file.path.strip_suffix(SUFFIX) {
            Some(stem) => filled(&engine, file, stem, values).map(|file| (file, true)),
            None => Ok((file.clone(), false)),
        })
        .filter(|made| {
            !matches!(made, Ok((file, true)) if file.bytes.iter().all(u8::is_ascii_whitespace))
        })
        .map(|made| made.map(|(file, _)| file))
        .collect()
}

fn filled(engine: &Handlebars, file: &File, stem: &str, values: &Values) -> Result<File> {
    let source = std::str::from_utf8(&file.bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&file.bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        wrong(&file.path, &format!("line {line}"), "not UTF-8")
    })?;
    let text = engine
        .render_template(source, values)
        .map_err(|error| match error.reason() {
            RenderErrorReason::TemplateError(error) => malformed(&file.path, error),
            _ => failed(&file.path, &error),
        })?;
    Ok(File {
        path: stem.to_owned(),
        executable: file.executable,
        bytes: Cow::Owned(text.into_bytes()),
    })
}

fn malformed(path: &str, error: &TemplateError) -> Error {
    let (line, column) = error.pos().unwrap_or((1, 1));
    wrong(
        path,
        &format!("line {line}, column {column}"),
        &error.reason().to_string(),
    )
}

fn failed(path: &str, error: &RenderError) -> Error {
    let place = match (error.line_no, error.column_no) {
        (Some(line), Some(column)) => format!("line {line}, column {column}"),
        _ => "somewhere".to_owned(),
    };
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            wrong(path, &place, &format!("unknown variable `{name}`"))
        }
        reason => wrong(path, &place, &reason.to_string()),
    }
}

fn wrong(path: &str, place: &str, what: &str) -> Error {
    Error::new(
        Kind::Template,
        format!("template file {path}, {place}: {what}"),
    )
}
