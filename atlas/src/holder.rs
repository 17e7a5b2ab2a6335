//! Who stands in the way.

use std::fmt;
use std::path::PathBuf;

use crate::Owner;
use crate::error::quoted;
use crate::ports::Caution;

/// Who has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A service, for good.
    Promise {
        /// The service.
        owner: Owner,
        /// The file that says so.
        record: PathBuf,
    },
    /// A service that is being generated at this moment.
    Claim {
        /// The service to be.
        owner: Owner,
        /// The file that says so.
        record: PathBuf,
    },
    /// Somebody, for the record is there, but it cannot be read.
    Garbage {
        /// The file that says nothing.
        record: PathBuf,
    },
    /// A neighbour that the registry does not know: the file that names the port.
    Sibling(PathBuf),
    /// A running program, whichever.
    Listener,
}

/// How many ports of a range are not to be had, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Promised to services.
    pub promised: usize,
    /// Being claimed at this moment.
    pub claimed: usize,
    /// Named by neighbours.
    pub siblings: usize,
    /// Listened on.
    pub listened: usize,
    /// Blocked by browsers.
    pub browsers: usize,
    /// In the kernel's ephemeral range.
    pub ephemeral: usize,
}

impl Holder {
    pub(crate) fn help(&self, port: u16) -> Option<String> {
        match self {
            Self::Promise { owner, record } => {
                if owner.host().is_some() {
                    return Some(format!("atlas release {}", owner.service()));
                }
                let gone = !owner.is_there();
                gone.then(|| format!("rm {}", quoted(record)))
            }
            Self::Claim { record, .. } => Some(format!("fuser -v {}", quoted(record))),
            Self::Garbage { record } => Some(format!("rm {}", quoted(record))),
            Self::Sibling(_) => None,
            Self::Listener => Some(format!("ss -ltnp 'sport = :{port}'")),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise { owner, .. } => write!(f, "is promised to {owner}"),
            Self::Claim { owner, .. } => write!(f, "is being claimed right now for {owner}"),
            Self::Garbage { record } => {
                let record = record.display();
                write!(f, "is held by `{record}`, a record that cannot be read")
            }
            Self::Sibling(file) => write!(f, "is named in `{}`", file.display()),
            Self::Listener => {
                f.write_str("is in use: a program on this machine is listening on it")
            }
        }
    }
}

impl Counts {
    pub(crate) fn add_holder(&mut self, holder: &Holder) {
        match holder {
            Holder::Promise { .. } | Holder::Garbage { .. } => self.promised += 1,
            Holder::Claim { .. } => self.claimed += 1,
            Holder::Sibling(_) => self.siblings += 1,
            Holder::Listener => self.listened += 1,
        }
    }

    pub(crate) fn add_caution(&mut self, caution: Caution) {
        match caution {
            Caution::Browsers => self.browsers += 1,
            Caution::Ephemeral => self.ephemeral += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = [
            (self.promised, "promised to services"),
            (self.claimed, "being claimed right now"),
            (self.siblings, "named by neighbours"),
            (self.listened, "listened on"),
            (self.browsers, "blocked by browsers"),
            (self.ephemeral, "used for outgoing connections"),
        ];
        let met: Vec<_> = reasons
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, reason)| format!("{count} {reason}"))
            .collect();
        f.write_str(if met.is_empty() {
            "the range is empty"
        } else {
            ""
        })?;
        f.write_str(&met.join(", "))
    }
}
