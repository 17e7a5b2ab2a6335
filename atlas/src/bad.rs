//! An entry that counts for nothing, and why.

use crate::names::InstanceId;

/// One bad entry. It costs only itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its path or key, as text that is safe to print.
    pub place: String,
    /// The instance it claims to be, if its name says one: who showed that one until now may
    /// wish to keep what was good.
    pub id: Option<InstanceId>,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its name is not one an entry can have.
    #[error("its name is none of ours")]
    Name,
    /// A folder, a link, a socket, a pipe.
    #[error("it is no plain file")]
    NotAFile,
    /// Larger than any entry, in bytes.
    #[error("it has {0} bytes, an entry at most {longest}", longest = crate::instance::LONGEST_ENTRY)]
    TooLong(u64),
    /// It belongs to a user who has no say about this service.
    #[error("it belongs to user {0}, who has no say about this service")]
    Owner(u32),
    /// Others than its owner can write it, so what it says is anybody's word. Mode bits.
    #[error("its mode {0:o} lets others write it")]
    Mode(u32),
    /// A later format.
    #[error("it has format version {0}, known is 1")]
    Format(u64),
    /// Its JSON does not say what an entry must say.
    #[error("{0}")]
    Content(String),
    /// It speaks of another instance than its name.
    #[error("it speaks of another instance than its name")]
    OtherInstance,
    /// It speaks of another realm than its folder.
    #[error("it speaks of another realm than its folder")]
    OtherRealm,
    /// In a cluster, nobody's death would end it.
    #[error("it has no lease, so that it would outlive its owner")]
    Unowned,
    /// There are too many instances.
    #[error("it is one more than {most} instances", most = crate::store::MOST_INSTANCES)]
    TooMany,
    /// The system does not let us read it.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Reason {
    /// A word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NotAFile => "not-a-file",
            Self::TooLong(_) => "too-long",
            Self::Owner(_) => "owner",
            Self::Mode(_) => "mode",
            Self::Format(_) => "format",
            Self::Content(_) => "content",
            Self::OtherInstance => "other-instance",
            Self::OtherRealm => "other-realm",
            Self::Unowned => "no-lease",
            Self::TooMany => "too-many",
            Self::Unreadable(_) => "unreadable",
        }
    }
}
