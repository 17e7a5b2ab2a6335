//! What can go wrong: a kind, which is the exit code, a message and a line of help.

use atlas::{Error, plain};

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Io,
    Usage,
    Name,
    Unknown,
    Conflict,
    Place,
    Damaged,
    Away,
    NotExecutable,
    NotFound,
}

impl Kind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 10] = [
        Self::Io,
        Self::Usage,
        Self::Name,
        Self::Unknown,
        Self::Conflict,
        Self::Place,
        Self::Damaged,
        Self::Away,
        Self::NotExecutable,
        Self::NotFound,
    ];

    /// The code the process exits with, and what it means.
    pub const fn exit(self) -> (u8, &'static str) {
        match self {
            Self::Io => (
                1,
                "an operation of the system failed (disk full, permission denied)",
            ),
            Self::Usage => (2, "usage: a word is unknown, missing or wrong"),
            Self::Name => (3, "a variable holds no name that can be"),
            Self::Unknown => (4, "there is no such service, instance, setting or promise"),
            Self::Conflict => (5, "somebody else has it, or was faster"),
            Self::Place => (6, "a directory of Atlas cannot be found or trusted"),
            Self::Damaged => (7, "what is kept there cannot be read"),
            Self::Away => (8, "etcd cannot be reached, or refuses"),
            Self::NotExecutable => (126, "the command of `run` cannot be executed"),
            Self::NotFound => (127, "the command of `run` is not there"),
        }
    }
}

/// One failure.
#[derive(Debug)]
pub struct Failure {
    /// `None`: nobody reads what we write any more, which is no failure.
    pub kind: Option<Kind>,
    /// Lower case, no full stop, literals in backticks.
    pub message: String,
    /// What to do about it, as a command where there is one.
    pub help: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            message: message.into(),
            help: None,
        }
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// A system call failed.
    pub fn system(what: &str, cause: &std::io::Error) -> Self {
        Self::new(Kind::Io, format!("cannot {what}: {}", plain(cause)))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Name { .. } | Error::Service { .. } => Kind::Name,
            Error::Held { .. } | Error::Conflict { .. } | Error::Taken { .. } => Kind::Conflict,
            Error::Untrusted { .. } | Error::Homeless | Error::Certificate { .. } => Kind::Place,
            Error::Away { .. } | Error::Refused { .. } => Kind::Away,
            Error::Damaged { .. } => Kind::Damaged,
            _ => Kind::Io,
        };
        let message = match &error {
            Error::Io {
                action,
                path,
                cause,
            } => {
                format!("cannot {action} `{}`: {}", path.display(), plain(cause))
            }
            _ => error.to_string(),
        };
        Self {
            kind: Some(kind),
            message,
            help: error.help(),
        }
    }
}
