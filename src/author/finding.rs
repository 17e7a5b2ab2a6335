//! Something odd in a template, and where.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::position;
use crate::report::trust::harmless;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A mistake: services come out wrong, or not at all.
    Error,
    /// It may be meant.
    Warning,
}

/// Something odd in a template. Sorted by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Finding {
    /// The file in the template.
    pub file: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// How bad it is.
    pub level: Level,
    /// What kind of thing it is: a script can rely on it.
    pub rule: &'static str,
    /// What is odd.
    pub message: String,
    /// The line it stands in, without the space around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Finding {
    /// A mistake in `file`.
    pub fn error(rule: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            level: Level::Error,
            rule,
            message: message.into(),
            text: None,
            help: None,
        }
    }

    /// Something in `file` that may be meant.
    pub fn warning(rule: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(rule, file, message)
        }
    }

    /// At this place of `source`, the text of the file.
    #[must_use]
    pub fn at(mut self, source: &str, (line, column): (usize, usize)) -> Self {
        /// More of a line is not shown, in characters.
        const SHOWN: usize = 80;
        let text = source.lines().nth(line.saturating_sub(1)).map(str::trim);
        self.text = text.map(|text| {
            let mut short = text.chars().take(SHOWN).collect::<String>();
            if short.len() < text.len() {
                short.push('…');
            }
            short
        });
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    /// At the byte `offset` of `source`.
    #[must_use]
    pub fn at_byte(self, source: &str, offset: usize) -> Self {
        self.at(source, position(source, offset))
    }

    /// With a line of help.
    #[must_use]
    pub fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(harmless(help.as_ref()));
        self
    }
}

/// On one line, whatever the template says.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", harmless(&self.message))?;
        match &self.text {
            Some(text) => write!(f, ", in `{}`", harmless(text)),
            None => Ok(()),
        }
    }
}
