//! Which setting is wrong, why, and where it stands: one line each.

use std::{fmt, io};

use figment::error::{Actual, Kind};

/// Settings that cannot be used.
#[derive(Debug)]
pub enum Error {
    /// A value of the wrong kind.
    Invalid {
        /// The setting, nested ones with dots.
        key: String,
        /// What was found and what was expected.
        problem: String,
        /// The file or the variable.
        origin: String,
    },
    /// A key that no setting has.
    Unknown {
        /// The key, nested ones with dots.
        key: String,
        /// The keys there are in its place.
        expected: &'static [&'static str],
        /// The file or the variable.
        origin: String,
    },
    /// A setting without a default that no layer has.
    Missing {
        /// The setting.
        key: String,
    },
    /// A file that is no TOML.
    Syntax {
        /// What the parser says.
        problem: String,
        /// The line, from 1.
        line: usize,
        /// The file.
        origin: String,
    },
    /// The settings in Atlas cannot be read.
    Registry {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that has to be there and cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid {
                key,
                problem,
                origin,
            } => {
                write!(f, "invalid {key}: {problem}, in {origin}")
            }
            Self::Unknown {
                key,
                expected,
                origin,
            } => {
                let expected = expected.join(", ");
                write!(
                    f,
                    "unknown key {key}: expected one of {expected}, in {origin}"
                )
            }
            Self::Missing { key } => write!(f, "missing {key}: it has no default, set it"),
            Self::Syntax {
                problem,
                line,
                origin,
            } => {
                write!(f, "invalid syntax: {problem}, in {origin}, line {line}")
            }
            Self::Registry { path, problem } => {
                write!(f, "cannot read the settings in Atlas: {problem}, in {path}")
            }
            Self::Unreadable { path, error } => write!(f, "cannot read {path}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// figment knows the path of the value and, by its metadata, the layer.
impl From<figment::Error> for Error {
    fn from(error: figment::Error) -> Self {
        let origin = error
            .metadata
            .map_or_else(String::new, |layer| layer.name.into_owned());
        let key = error.path.join(".");
        let problem = match error.kind {
            Kind::UnknownField(_, expected) => {
                return Self::Unknown {
                    key,
                    expected,
                    origin,
                };
            }
            Kind::MissingField(field) => return Self::missing(error.path, &field),
            Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
                format!("found {}, expected {expected}", plain(found))
            }
            Kind::UnknownVariant(found, expected) => {
                format!(
                    "found string {found:?}, expected one of {}",
                    expected.join(", ")
                )
            }
            Kind::Message(text) => text,
            other => other.to_string(),
        };
        Self::Invalid {
            key,
            problem,
            origin,
        }
    }
}

impl Error {
    fn missing(mut path: Vec<String>, field: &str) -> Self {
        path.push(field.to_owned());
        Self::Missing {
            key: path.join("."),
        }
    }
}

/// The words for numbers that people use.
fn plain(found: Actual) -> String {
    match found {
        Actual::Unsigned(number) => format!("number {number}"),
        Actual::Signed(number) => format!("number {number}"),
        Actual::Float(number) => format!("number {number}"),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}
