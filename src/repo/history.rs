//! The history of a template's repository, where it lies on this machine.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository, Sort};

/// How far back is looked.
const COMMITS: usize = 20_000;

/// The commit in which the directory `dir` of a repository had the tree `tree`, the root of the
/// repository and the way from there to `dir`.
#[must_use]
pub fn commit_with(dir: &Path, tree: &str) -> Option<(PathBuf, String, String)> {
    let repository = Repository::discover(dir).ok()?;
    let root = repository.workdir()?.canonicalize().ok()?;
    let within = dir.strip_prefix(&root).ok()?.to_str()?.to_owned();
    let wanted = Oid::from_str(tree).ok()?;
    let mut walk = repository.revwalk().ok()?;
    walk.push_head().ok()?;
    walk.set_sorting(Sort::TIME).ok()?;
    for id in walk.take(COMMITS).flatten() {
        let tree = repository.find_commit(id).ok()?.tree().ok()?;
        let here = if within.is_empty() {
            Some(tree.id())
        } else {
            let entry = tree.get_path(Path::new(&within)).ok();
            entry.map(|entry| entry.id())
        };
        if here == Some(wanted) {
            return Some((root, within, id.to_string()));
        }
    }
    None
}

/// Whether the commit `one` of the repository at `dir` is an ancestor of `other`; no, where that
/// cannot be told.
#[must_use]
pub fn is_before(dir: &str, one: &str, other: &str) -> bool {
    let look = || -> Option<bool> {
        let repository = Repository::open(local(dir)).ok()?;
        let (one, other) = (Oid::from_str(one).ok()?, Oid::from_str(other).ok()?);
        repository.graph_descendant_of(other, one).ok()
    };
    look().unwrap_or(false)
}

/// How many commits of the repository at `dir` are in `new` and not in `old`.
#[must_use]
pub fn between(dir: &Path, old: &str, new: &str) -> Option<usize> {
    let repository = Repository::open(dir).ok()?;
    let (old, new) = (Oid::from_str(old).ok()?, Oid::from_str(new).ok()?);
    let (ahead, _) = repository.graph_ahead_behind(new, old).ok()?;
    Some(ahead)
}

/// The directory of `id`, which may be a URL.
fn local(id: &str) -> &str {
    id.strip_prefix("file://").unwrap_or(id)
}
