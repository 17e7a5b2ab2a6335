//! What can go wrong, and what to type.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::holder::{Counts, Holder};

/// Why there is no port. Each is one whole line: causes are part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port wished for is somebody else's.
    #[error("port `{port}` {by}")]
    Taken {
        /// The port wished for.
        port: u16,
        /// Who has it.
        by: Holder,
    },
    /// Between `peek` and `reserve` somebody else took the port: plan anew.
    #[error("port `{port}` is no longer free: it {by}")]
    Lost {
        /// The port that was free a moment ago.
        port: u16,
        /// Who has it now.
        by: Holder,
    },
    /// No port of the range is free.
    #[error("no port from `{}` to `{}` is free: {counts}", .range.start(), .range.end())]
    Exhausted {
        /// The range wished for.
        range: RangeInclusive<u16>,
        /// Why not, port by port.
        counts: Counts,
    },
    /// Port 0 means "any" and cannot be promised.
    #[error("port `0` is not a port that a service can have")]
    Zero,
    /// The service's name cannot be a key of the registry.
    #[error("service name `{}` does not match `[a-z][a-z0-9-]{{0,62}}`", .service.escape_debug())]
    Service {
        /// The name.
        service: String,
    },
    /// The service's directory is relative.
    #[error("service directory `{}` is not absolute", .directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
    },
    /// The claim was removed, and not by us.
    #[error("claim `{}` was removed while the service was made", .claim.display())]
    Vanished {
        /// Where the claim was.
        claim: PathBuf,
    },
    /// The registry cannot be read or written.
    #[error("cannot {action} `{}`: {cause}", .path.display())]
    Io {
        /// A verb.
        action: &'static str,
        /// What it was done to, or the file that stands where a directory should.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl Error {
    /// A line for the shell, if one helps. Looks at the disk: releasing the port of a service
    /// that is still there is not offered.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Taken { port, by } | Self::Lost { port, by } => by.help(*port),
            Self::Io { path, .. } => Some(format!("ls -ld {}", quoted(path))),
            Self::Exhausted { .. }
            | Self::Zero
            | Self::Service { .. }
            | Self::Directory { .. }
            | Self::Vanished { .. } => None,
        }
    }
}

/// To be mapped over an error of the system. A file where a directory should be is named itself,
/// rather than the path that leads through it.
pub(crate) fn io(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |cause| Error::Io {
        action,
        path: culprit(path).to_owned(),
        cause,
    }
}

fn culprit(path: &Path) -> &Path {
    path.ancestors()
        .skip(1)
        .find(|above| above.exists() && !above.is_dir())
        .unwrap_or(path)
}

/// As one word for the shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
