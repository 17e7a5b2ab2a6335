//! The way back: the end of an update with conflicts.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Index, ObjectType, Repository, Tree};

use super::checkout::Checkout;
use super::land::{opened, remove_empty, seen};
use super::merge::entry;
use super::{path_of, write_index};
use crate::error::{Error, Kind, Result};

impl Checkout {
    /// Takes back an update that ended in conflicts.
    pub fn abort(&self) -> Result<()> {
        let git_dir = self.repository.path();
        let ours = fs::read_to_string(git_dir.join("MERGE_HEAD"));
        if ours.map(|head| head.trim().to_owned()).ok() != Some(self.head()) {
            let message = "no update is under way here";
            return Err(Error::new(Kind::Git, message).help(self.git("status")));
        }
        self.back().map_err(|error| self.failed(&error))
    }

    fn back(&self) -> Result<(), git2::Error> {
        let repository = opened(self.repository.path(), &self.root)?;
        let mut index = repository.index()?;
        let head = repository.find_commit(self.head)?.tree()?;
        let known = |path: &Vec<u8>| match head.get_path(path_of(path)) {
            Ok(entry) => entry.kind() != Some(ObjectType::Tree),
            Err(_) => false,
        };
        let touched = touched(&repository, &index, &head)?;
        let (come, go): (Vec<_>, Vec<_>) = touched.into_iter().partition(known);
        // First what goes: it may stand where a directory was, or the other way round.
        for path in go {
            away(&mut index, &self.root, path_of(&path));
        }
        for path in come {
            back_to(&repository, &mut index, &head, path_of(&path))?;
        }
        write_index(&repository, &mut index)?;
        repository.cleanup_state()
    }
}

/// What differs between HEAD and the index, and what is open.
fn touched(
    repository: &Repository,
    index: &Index,
    head: &Tree,
) -> Result<BTreeSet<Vec<u8>>, git2::Error> {
    let changed = repository.diff_tree_to_index(Some(head), Some(index), None)?;
    let mut paths = BTreeSet::new();
    for delta in changed.deltas() {
        let each = [delta.old_file().path_bytes(), delta.new_file().path_bytes()];
        paths.extend(each.into_iter().flatten().map(<[u8]>::to_owned));
    }
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let each = [conflict.ancestor, conflict.our, conflict.their];
        paths.extend(each.into_iter().flatten().map(|entry| entry.path));
    }
    Ok(paths)
}

/// Takes a file out of the index and off the disk.
fn away(index: &mut Index, root: &Path, path: &Path) {
    let _ = index.conflict_remove(path);
    let _ = index.remove_path(path);
    let _ = fs::remove_file(root.join(path));
    remove_empty(root, path);
}

/// A file as HEAD has it, in the index and on disk.
fn back_to(
    repository: &Repository,
    index: &mut Index,
    head: &Tree,
    path: &Path,
) -> Result<(), git2::Error> {
    let _ = index.conflict_remove(path);
    let _ = index.remove_path(path);
    let root = repository.workdir().unwrap_or(Path::new(""));
    let known = head.get_path(path)?;
    let mut checkout = CheckoutBuilder::new();
    checkout.force().update_index(false).recreate_missing(true);
    checkout.disable_pathspec_match(true).path(path);
    repository.checkout_tree(head.as_object(), Some(&mut checkout))?;
    let mode = known.filemode().unsigned_abs();
    let bytes = path.as_os_str().as_bytes();
    index.add(&seen(root, entry(bytes, mode, known.id())))
}
