//! Git's own locks, for whoever may be killed while holding them.
//!
//! Git never takes a lock away from somebody, so one that stays behind would stop the run that
//! finishes our work, and the user's next command. Ours are made to be known.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use git2::{Index, Repository};

use super::super::write_index;
use super::{DIR, DRAFT};

/// How long somebody else may take between making a lock and writing into it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Changes the index. It is written beside the journal, and linked to where git has its lock: a
/// lock that is the same file is ours.
pub fn change_index(
    repository: &Repository,
    change: impl FnOnce(&mut Index) -> Result<(), git2::Error>,
) -> Result<(), git2::Error> {
    let failed = |error: io::Error| git2::Error::from_str(&format!("index: {error}"));
    let home = repository.path().join("index");
    let draft = repository.path().join(DIR).join(DRAFT).join("index");
    // libgit2 has a lock for this one, too.
    for old in [&draft, &draft.with_extension("lock")] {
        let _ = fs::remove_file(old);
    }
    if home.exists() {
        fs::copy(&home, &draft).map_err(failed)?;
    }
    let mut index = Index::open(&draft)?;
    change(&mut index)?;
    write_index(repository, &mut index)?;
    let lock = home.with_extension("lock");
    fs::hard_link(&draft, &lock)
        .and_then(|()| fs::rename(&lock, &home))
        .map_err(failed)
}

/// Removes what a run that was killed has left of its locks: on the index, and on the branch that
/// was to become `commit`.
pub fn sweep(repository: &Repository, commit: Option<&String>) {
    let git_dir = repository.path();
    let lock = git_dir.join("index.lock");
    if is_same(&lock, &git_dir.join(DIR).join(DRAFT).join("index")) {
        let _ = fs::remove_file(&lock);
    }
    let Ok(head) = repository.head() else { return };
    let name = String::from_utf8_lossy(head.name_bytes()).into_owned();
    if commit.is_some() {
        sweep_reference(repository, &name, |text| {
            Some(text) == commit.map(String::as_str)
        });
    }
}

/// Removes the lock that a run which was killed has left on the reference `name`: nothing is in it
/// yet, or what `is_ours`.
pub fn sweep_reference(repository: &Repository, name: &str, is_ours: impl Fn(&str) -> bool) {
    let lock = repository.commondir().join(format!("{name}.lock"));
    let is_left = || {
        let text = fs::read_to_string(&lock);
        text.is_ok_and(|text| text.is_empty() || is_ours(text.trim()))
    };
    if is_left() {
        thread::sleep(PATIENCE);
        if is_left() {
            let _ = fs::remove_file(&lock);
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.symlink_metadata(), other.symlink_metadata()) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}
