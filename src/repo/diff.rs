//! What differs between two trees of a service's directory.

use git2::{Delta, DiffFormat, DiffOptions, Oid};

use super::checkout::Checkout;
use crate::error::Result;

/// What became of a file between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path from the service's directory.
    pub path: String,
    /// What it was called before, if it is renamed.
    pub from: Option<String>,
    /// What became of it.
    pub what: What,
    /// Lines that come and lines that go.
    pub lines: (usize, usize),
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// It says something else, or can be run now.
    Modified,
    /// It has another name.
    Renamed,
}

impl Checkout {
    /// What became of the files between two trees; renames are followed.
    pub fn changes(&self, old: Oid, new: Oid) -> Result<Vec<Change>> {
        let look = || -> Result<Vec<Change>, git2::Error> {
            let diff = self.diff(old, new)?;
            let mut changes = Vec::new();
            for (at, delta) in diff.deltas().enumerate() {
                let name = |file: git2::DiffFile| {
                    String::from_utf8_lossy(file.path_bytes().unwrap_or_default()).into_owned()
                };
                let lines = match git2::Patch::from_diff(&diff, at)? {
                    Some(patch) => patch.line_stats()?,
                    None => (0, 0, 0),
                };
                let what = match delta.status() {
                    Delta::Added => What::Added,
                    Delta::Deleted => What::Deleted,
                    Delta::Renamed => What::Renamed,
                    _ => What::Modified,
                };
                let old = name(delta.old_file());
                let new = name(delta.new_file());
                changes.push(Change {
                    from: (what == What::Renamed).then_some(old.clone()),
                    path: if what == What::Deleted { old } else { new },
                    what,
                    lines: (lines.1, lines.2),
                });
            }
            Ok(changes)
        };
        look().map_err(|error| self.failed(&error))
    }

    /// The same as a patch.
    pub fn patch(&self, old: Oid, new: Oid) -> Result<String> {
        let print = || -> Result<String, git2::Error> {
            let mut text = Vec::new();
            self.diff(old, new)?
                .print(DiffFormat::Patch, |_, _, line| {
                    if matches!(line.origin(), '+' | '-' | ' ') {
                        text.push(u8::try_from(line.origin()).unwrap_or(b' '));
                    }
                    text.extend_from_slice(line.content());
                    true
                })?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        print().map_err(|error| self.failed(&error))
    }

    fn diff(&self, old: Oid, new: Oid) -> Result<git2::Diff<'_>, git2::Error> {
        let (old, new) = (
            self.repository.find_tree(old)?,
            self.repository.find_tree(new)?,
        );
        let mut options = DiffOptions::new();
        let mut diff =
            self.repository
                .diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
        diff.find_similar(None)?;
        Ok(diff)
    }
}
