//! What the files say: `*.hbs` is filled by handlebars and loses its suffix, all else is bytes.
//!
//! Strict and unescaped: a variable nobody defined is an error that names file, line and column,
//! and `&` stays `&`.

pub mod variables;

use std::borrow::Cow;
use std::collections::BTreeMap;

use handlebars::template::{Template as HandlebarsTemplate, TemplateElement};
use handlebars::{Context, Handlebars, RenderError, RenderErrorReason, no_escape};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::questions::Answers;
use crate::template::File;

/// The one suffix that renders.
pub const SUFFIX: &str = ".hbs";

/// What a template can say.
#[derive(Clone, Debug, Serialize)]
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
    /// What else the template asked.
    #[serde(flatten)]
    pub answers: Answers,
}

impl Values {
    /// As the templates see them.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The files with every template among them filled, and names that are templates. A template that
/// says nothing makes no file, and neither does one that has a part of its path come out empty.
pub fn fill(files: &[File], values: &Value) -> Result<Vec<File>> {
    let engine = engine();
    let context = Context::from(values.clone());
    let mut made = Vec::new();
    let mut wrong = Vec::new();
    for file in files {
        match filled(&engine, file, &context) {
            Ok(file) => made.extend(file),
            Err(error) => wrong.push(error),
        }
    }
    Error::all(wrong)?;
    made.sort_by(|one, other| one.path.cmp(&other.path));
    match made.windows(2).find(|two| two[0].path == two[1].path) {
        None => Ok(made),
        Some(two) => {
            let message = format!("two files of the template become `{}`", two[0].path);
            Err(Error::new(Kind::Template, message))
        }
    }
}

/// Whether `file` is rendered: by its suffix, or in its name.
#[must_use]
pub fn is_template(file: &File) -> bool {
    file.path.ends_with(SUFFIX) || file.path.contains("{{")
}

fn engine() -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    engine
}

fn filled(engine: &Handlebars, file: &File, context: &Context) -> Result<Option<File>> {
    let Some(path) = named(engine, &file.path, context)? else {
        return Ok(None);
    };
    let Some(stem) = path.strip_suffix(SUFFIX) else {
        return Ok(Some(File {
            path,
            ..file.clone()
        }));
    };
    let source = std::str::from_utf8(&file.bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&file.bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        wrong(&file.path, &format!("line {line}"), "not UTF-8")
    })?;
    let text = engine
        .render_template_with_context(source, context)
        .map_err(|error| told(&file.path, source, &error))?;
    let says_nothing = text.trim_ascii().is_empty();
    Ok((!says_nothing).then(|| File {
        path: stem.to_owned(),
        executable: file.executable,
        bytes: Cow::Owned(text.into_bytes()),
    }))
}

/// The path with what is a template in it filled; nothing if a part of it is left empty.
fn named(engine: &Handlebars, path: &str, context: &Context) -> Result<Option<String>> {
    if !path.contains("{{") {
        return Ok(Some(path.to_owned()));
    }
    let mut parts = Vec::new();
    // Slashes that a value brings would make directories that nobody sees in the template.
    for part in path.split('/') {
        let made = engine
            .render_template_with_context(part, context)
            .map_err(|error| told(path, part, &error))?;
        if made.contains('/') {
            let what = format!(
                "`{part}` becomes `{}`, which is no name",
                made.escape_debug()
            );
            return Err(Error::new(
                Kind::Template,
                format!("template file {path}: {what}"),
            ));
        }
        if made.is_empty() || made == SUFFIX {
            return Ok(None);
        }
        parts.push(made);
    }
    Ok(Some(parts.join("/")))
}

/// What the path of a file of a template becomes; nothing if the file is not there.
pub fn path(path: &str, values: &Value) -> Result<Option<String>> {
    let path = named(&engine(), path, &Context::from(values.clone()))?;
    Ok(path.map(|path| path.strip_suffix(SUFFIX).unwrap_or(&path).to_owned()))
}

/// Text with expressions in it, filled.
pub fn text(source: &str, values: &Value) -> Result<String, String> {
    let filled = engine().render_template(source, values);
    filled.map_err(|error| reason(&error))
}

/// Whether a condition holds, as after `#if`.
pub fn holds(condition: &str, values: &Value) -> Result<bool, String> {
    text(&format!("{{{{#if {condition}}}}}1{{{{/if}}}}"), values).map(|text| text == "1")
}

/// The longest expression in a manifest, in bytes, and how deep its brackets go: the parser tries
/// each depth more than once.
const LONGEST: usize = 1024;
const DEEPEST: usize = 6;

/// Whether `text` is text with expressions in it, without blocks: those could go on for ever.
pub fn is_plain(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err("its brackets go too deep".to_owned());
        }
    }
    if text.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    let parsed = HandlebarsTemplate::compile(text).map_err(|error| error.reason().to_string())?;
    let plain = |element: &TemplateElement| {
        use TemplateElement::{Comment, Expression, HtmlExpression, RawString};
        matches!(
            element,
            RawString(_) | Expression(_) | HtmlExpression(_) | Comment(_)
        )
    };
    if parsed.elements.iter().all(plain) {
        return Ok(());
    }
    Err("blocks (`{{#if …}}`) have no place here".to_owned())
}

/// Whether `text` can stand after `#if`.
pub fn is_condition(text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.contains(['{', '}']) {
        return Err(
            "expected an expression such as `database` or `(eq store \"none\")`".to_owned(),
        );
    }
    is_plain(&format!("{{{{any {text}}}}}"))
}

/// An error of handlebars in `source`, the text of the file at `path`.
fn told(path: &str, source: &str, error: &RenderError) -> Error {
    let place = match error.reason() {
        RenderErrorReason::TemplateError(error) => error.pos(),
        _ => error.line_no.zip(error.column_no),
    };
    let line = place.and_then(|(line, _)| source.lines().nth(line.saturating_sub(1)));
    let offending = line.map(|line| shortened(line.trim()));
    let offending = offending.map_or_else(String::new, |line| format!(", in `{line}`"));
    let place = place.map_or_else(
        || "somewhere".to_owned(),
        |(line, column)| format!("line {line}, column {column}"),
    );
    wrong(path, &place, &format!("{}{offending}", reason(error)))
}

fn shortened(line: &str) -> String {
    const SHOWN: usize = 80;
    if line.chars().count() <= SHOWN {
        return line.to_owned();
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}

fn reason(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::TemplateError(error) => error.reason().to_string(),
        RenderErrorReason::MissingVariable(Some(name)) => format!("unknown variable `{name}`"),
        RenderErrorReason::MissingVariable(None) => "unknown variable".to_owned(),
        reason => reason.to_string(),
    }
}

fn wrong(path: &str, place: &str, what: &str) -> Error {
    Error::new(
        Kind::Template,
        format!("template file {path}, {place}: {what}"),
    )
}
