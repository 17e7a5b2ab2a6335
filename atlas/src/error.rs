//! What can go wrong, and what to type.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::Reason;
use crate::holder::{Counts, Holder};
use crate::names::InstanceId;

/// Why not. Each is one whole line: causes are part of it.
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
    /// A name, or another word of an entry, is not one that can be.
    #[error("`{}` is no {what}: one {rule}", .given.escape_debug())]
    Name {
        /// What it was to be.
        what: &'static str,
        /// What was given.
        given: String,
        /// What such a thing does: a verb first.
        rule: &'static str,
    },
    /// Without an absolute `HOME` it is unknown where the registry keeps what is promised.
    #[error("without HOME it is unknown where Atlas keeps its data")]
    Homeless,
    /// A folder whose entries could be anybody's.
    #[error("`{}` cannot be trusted: {why}", .path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: Distrust,
    },
    /// Somebody else who lives has registered that instance.
    #[error("`{id}` is registered by another process{}", .pid.map(|pid| format!(", {pid}")).unwrap_or_default())]
    Held {
        /// The instance.
        id: InstanceId,
        /// The process, by its own account.
        pid: Option<u32>,
    },
    /// A fact is not what the caller saw.
    #[error("`{}` was changed by somebody else meanwhile", .path.display())]
    Conflict {
        /// The file that says the fact.
        path: PathBuf,
    },
    /// A kept fact that cannot be used.
    #[error("`{}` cannot be used: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: Reason,
    },
    /// A lock that is held for microseconds was not to be had for seconds.
    #[error("`{}` has been locked for {} seconds", .path.display(), .seconds)]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long, in seconds.
        seconds: u64,
    },
    /// No end point of the cluster answers, or none that has a majority.
    #[error("cannot reach etcd at `{endpoints}`: {cause}")]
    Away {
        /// Where it should be.
        endpoints: String,
        /// What the last one asked said, or why it said nothing.
        cause: String,
    },
    /// The cluster answers, and says no.
    #[error("etcd refuses: {message}")]
    Refused {
        /// In its words.
        message: String,
    },
    /// A file that should hold certificates.
    #[error("`{}` holds no {what}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
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

/// Why the entries of a folder could be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It is a link or a file.
    #[error("it is no directory")]
    NoFolder,
    /// It belongs to another user, who is not root.
    #[error("it belongs to user {0}")]
    Owner(u32),
    /// Its mode lets others put files in the place of its owner's.
    #[error("its mode {0:o} lets others replace what is in it")]
    Mode(u32),
    /// Locks on a network file system do not say who lives.
    #[error("it is on {0}, a network file system, where a lock does not tell who lives")]
    Network(&'static str),
}

impl Distrust {
    fn help(self, path: &Path) -> String {
        match self {
            Self::NoFolder | Self::Owner(_) => format!("ls -ld {}", quoted(path)),
            Self::Mode(_) => format!("chmod go-w {}", quoted(path)),
            Self::Network(_) => "ATLAS_DIR=/run/user/$(id -u)/atlas atlas …".to_owned(),
        }
    }
}

impl Error {
    /// A line for the shell, if one helps. Looks at the disk: releasing the port of a service
    /// that is still there is not offered.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Taken { port, by } | Self::Lost { port, by } => by.help(*port),
            Self::Io { path, .. } => Some(format!("ls -ld {}", quoted(path))),
            Self::Untrusted { path, why } => Some(why.help(path)),
            Self::Held { id, .. } => Some(format!("atlas show {}", id.service)),
            // A key of a cluster looks like a path, and is none.
            Self::Damaged { path, .. } => path.exists().then(|| format!("cat {}", quoted(path))),
            Self::Away { endpoints, .. } => {
                let first = endpoints.split(',').next()?;
                Some(format!("curl {first}/health"))
            }
            Self::Refused { message } if is_about_rights(message) => {
                Some("ATLAS_ETCD_USER=… ATLAS_ETCD_PASSWORD=… atlas …".to_owned())
            }
            Self::Certificate { path, .. } => Some(format!("head -1 {}", quoted(path))),
            Self::Busy { path, .. } => Some(format!("fuser -v {}", quoted(path))),
            Self::Homeless => Some("ATLAS=/var/lib/atlas atlas …".to_owned()),
            Self::Exhausted { .. }
            | Self::Name { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Zero
            | Self::Service { .. }
            | Self::Directory { .. }
            | Self::Vanished { .. } => None,
        }
    }
}

/// Who asks, rather than what.
fn is_about_rights(message: &str) -> bool {
    let words = ["permission denied", "user name", "authentication", "token"];
    words.iter().any(|word| message.contains(word))
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

/// As one word for the shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
