//! What can go wrong: a kind, which is the exit code, a message and a line of help.

use atlas::{Error, plain};

/// What kind of thing went wrong. The codes are Atlas's and the generator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Io,
    Usage,
    Bad,
    Conflict,
    Place,
    Refused,
    Away,
    Missing,
}

impl Kind {
    /// Every kind, in the order of its exit code.
    pub const ALL: [Self; 8] = [
        Self::Io,
        Self::Usage,
        Self::Bad,
        Self::Conflict,
        Self::Place,
        Self::Refused,
        Self::Away,
        Self::Missing,
    ];

    /// The code the process exits with, and what it means.
    pub const fn exit(self) -> (u8, &'static str) {
        match self {
            Self::Io => (
                1,
                "an operation of the system failed (disk full, permission denied)",
            ),
            Self::Usage => (2, "usage: a word is unknown, missing or wrong"),
            Self::Bad => (4, "`check` found entries that count for nothing"),
            Self::Conflict => (5, "another Sidecar works there, or a port is taken"),
            Self::Place => (6, "a directory cannot be found, used or trusted"),
            Self::Refused => (
                7,
                "HAProxy refuses the configuration, or does not do what it is told",
            ),
            Self::Away => (8, "etcd cannot be reached, or refuses"),
            Self::Missing => (9, "a program that is needed is missing (haproxy)"),
        }
    }
}

/// One failure.
#[derive(Clone, Debug)]
pub struct Failure {
    pub kind: Kind,
    /// Lower case but for names, no full stop, literals in backticks.
    pub message: String,
    /// What to do about it, as a command where there is one.
    pub help: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
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

    /// `HAProxy` does not do what it is told.
    pub fn haproxy(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Untrusted { .. } | Error::Homeless | Error::Certificate { .. } => Kind::Place,
            Error::Away { .. } | Error::Refused { .. } => Kind::Away,
            Error::Name { .. } => Kind::Usage,
            _ => Kind::Io,
        };
        Self {
            kind,
            message: error.to_string(),
            help: error.help(),
        }
    }
}
