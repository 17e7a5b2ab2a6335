//! What can go wrong: a kind, a message and a line of help.
//!
//! The kind alone decides the exit code, so a script can tell a taken port from a failed build
//! without reading a word of English. The table is printed by `--help`, carried by every JSON
//! result and copied into the README, where a test compares it with this file.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dirs::quoted;

/// The result of every step of a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong; stable, and one exit code each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An operation of the system failed: disk full, permission denied.
    Io,
    /// A flag, a variable or an answer is unknown, missing or malformed.
    Usage,
    /// The name is not one a service can have.
    Name,
    /// The destination exists, or nothing can be created there.
    Destination,
    /// The port is taken, or none is free.
    Port,
    /// The template does not render.
    Template,
    /// Git refused.
    Git,
    /// The surrounding cargo workspace cannot take a member.
    Workspace,
    /// A program that is needed is not there.
    Tool,
    /// The dependencies or the template could not be fetched.
    Fetch,
    /// Cargo could not build or test the service.
    Build,
    /// Atlas, the registry, cannot be read or written.
    Atlas,
    /// A settings file is broken.
    Settings,
    /// The description of an API cannot be had or makes no sense.
    Source,
    /// The cache of compiled crates cannot be used, or was damaged.
    Cache,
    /// The template would run code that nobody has agreed to.
    Trust,
    /// An update left conflicts to resolve.
    Conflict,
    /// A newer version of the template is there.
    Outdated,
    /// The record of a service is missing, or does not say what it was made from.
    Record,
    /// Stopped by ctrl-c or SIGTERM.
    Interrupted,
}

impl Kind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 20] = [
        Self::Io,
        Self::Usage,
        Self::Name,
        Self::Destination,
        Self::Port,
        Self::Template,
        Self::Git,
        Self::Workspace,
        Self::Tool,
        Self::Fetch,
        Self::Build,
        Self::Atlas,
        Self::Settings,
        Self::Source,
        Self::Cache,
        Self::Trust,
        Self::Conflict,
        Self::Outdated,
        Self::Record,
        Self::Interrupted,
    ];

    /// The code the process exits with, and what it means.
    #[must_use]
    pub const fn exit(self) -> (u8, &'static str) {
        match self {
            Self::Io => (
                1,
                "an operation of the system failed (disk full, permission denied)",
            ),
            Self::Usage => (
                2,
                "usage: a flag, variable or answer is unknown, missing or wrong",
            ),
            Self::Name => (3, "invalid name"),
            Self::Destination => (4, "the destination exists or cannot be written"),
            Self::Port => (5, "the port is taken, or none is free"),
            Self::Template => (6, "the template does not render"),
            Self::Git => (7, "git refused"),
            Self::Workspace => (8, "the surrounding cargo workspace cannot take the service"),
            Self::Tool => (9, "a program that is needed is missing (cargo)"),
            Self::Fetch => (10, "the dependencies or the template could not be fetched"),
            Self::Build => (11, "the build or the tests failed"),
            Self::Atlas => (12, "Atlas, the registry, cannot be read or written"),
            Self::Settings => (13, "a settings file is broken"),
            Self::Source => (14, "the description of an API cannot be read"),
            Self::Cache => (15, "the cache of compiled crates is damaged or unusable"),
            Self::Trust => (16, "the template would run code that nobody agreed to"),
            Self::Conflict => (17, "update: conflicts are left to resolve"),
            Self::Outdated => (
                18,
                "update --check: a newer version of the template is there",
            ),
            Self::Record => (
                19,
                "service.toml does not lead to what the service was made from",
            ),
            Self::Interrupted => (130, "interrupted (ctrl-c, SIGTERM, SIGHUP)"),
        }
    }

    /// The exit code alone.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.exit().0
    }
}

/// One failure, or several found in the same look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides the exit code.
    pub kind: Kind,
    /// Lower case, no full stop, literals in backticks.
    pub message: String,
    /// What to do about it, as a command that can be pasted where there is one.
    pub help: Option<String>,
    /// What else was wrong: everything is reported at once.
    pub also: Vec<Error>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
            also: Vec::new(),
        }
    }

    /// The same error with a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A failed operation of the system on `path`: "cannot create `~/x`: permission denied".
    #[must_use]
    pub fn io(action: &str, path: &Path, cause: &std::io::Error) -> Self {
        let error = Self::new(
            Kind::Io,
            format!("cannot {action} `{}`: {}", path.display(), plain(cause)),
        );
        match cause.kind() {
            std::io::ErrorKind::StorageFull => error.help("df -h, and make some room"),
            std::io::ErrorKind::PermissionDenied => {
                let at = path.parent().unwrap_or(path);
                error.help(format!("ls -ld {}", quoted(&at.to_string_lossy())))
            }
            _ => error,
        }
    }

    /// All of `errors` as one, of their common kind or, where they differ, a usage error.
    pub fn all(errors: Vec<Self>) -> Result<()> {
        let each = errors.into_iter().flat_map(|mut error| {
            let also = std::mem::take(&mut error.also);
            std::iter::once(error).chain(also)
        });
        let mut errors = each.collect::<Vec<_>>();
        if errors.is_empty() {
            return Ok(());
        }
        let mut first = errors.remove(0);
        if errors.iter().any(|other| other.kind != first.kind) {
            first.kind = Kind::Usage;
        }
        first.also = errors;
        Err(first)
    }

    /// This error and those found beside it.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.also)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Line and column of the byte at `offset` of `text`, both from 1, columns in characters.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let column = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, column.chars().count() + 1)
}

/// The cause in the style of our own messages: "permission denied" and no number.
#[must_use]
pub fn plain(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
