//! The ways back, and beside: a branch of its own for an update, and the end of one with conflicts.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Index, ObjectType, Oid, Repository, Tree};

use super::checkout::Checkout;
use super::land::{remove_empty, seen};
use super::merge::entry;
use super::{failed, path_of, write_index};
use crate::error::{Error, Kind, Result};

impl Checkout {
    /// Puts a commit on a branch that is not checked out. One that holds the same is left as it
    /// is; one that somebody else made is not touched.
    pub fn branch(&self, name: &str, commit: Oid, mark: &str) -> Result<(String, bool)> {
        let make = || -> Result<Option<(String, bool)>, git2::Error> {
            let repository = Repository::open(self.repository.path())?;
            let new = repository.find_commit(commit)?;
            let reference = format!("refs/heads/{name}");
            if let Ok(old) = repository.find_reference(&reference) {
                // Somebody works on it: its files would not follow.
                if git2::Branch::wrap(repository.find_reference(&reference)?).is_head() {
                    return Ok(None);
                }
                let old = old.peel_to_commit()?;
                let same_ground = old.parent_ids().eq(new.parent_ids());
                if old.tree_id() == new.tree_id() && same_ground {
                    return Ok(Some((old.id().to_string(), false)));
                }
                if !String::from_utf8_lossy(old.message_bytes()).contains(mark) {
                    return Ok(None);
                }
            }
            repository.reference(&reference, commit, true, "generate-service update")?;
            Ok(Some((commit.to_string(), true)))
        };
        let branch = make().map_err(|error| failed("create a branch in", &self.root, &error))?;
        branch.ok_or_else(|| {
            let message = format!("the branch `{name}` is there, and is somebody's work");
            Error::new(Kind::Git, message).help("choose another: --branch NAME")
        })
    }

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
        let repository = Repository::open(self.repository.path())?;
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
