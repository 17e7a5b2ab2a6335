//! What is asked for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::Owner;

/// A port wished for, and all that only the caller can know about it.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which ports will do.
    pub ports: Ports,
    /// Who will have it. What is promised to this very owner counts as free.
    pub owner: Owner,
    /// Ports named elsewhere, by files that know nothing of the registry: port → that file.
    pub taken: BTreeMap<u16, PathBuf>,
}

/// Which ports will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one or none, even where [`ports::caution`](crate::ports::caution) has a word to say.
    Exact(u16),
    /// The one this owner had before, else the first that is free; none that needs a caution.
    Range(RangeInclusive<u16>),
}
