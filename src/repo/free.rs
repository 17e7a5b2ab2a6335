//! Whether a tree can come into a working directory without anybody's work being lost: what git
//! does not know there, and what it was told to overlook.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::{ObjectType, Oid};
use walkdir::WalkDir;

use super::checkout::Checkout;
use super::path_of;
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};

/// Mode and blob by path.
type Entries = BTreeMap<Vec<u8>, (i32, Oid)>;

impl Checkout {
    /// Fails if somebody's file is where `tree` has another one, and HEAD has none or has not that.
    pub fn is_free(&self, tree: Oid) -> Result<()> {
        let read = || Ok((self.entries(self.tree)?, self.entries(tree)?));
        let (known, new) = read().map_err(|error| self.failed(&error))?;
        for (path, entry) in &new {
            let here = match known.get(path) {
                Some(same) if same == entry => continue,
                Some((_, old)) => self.overlooked(path, *old, entry.1),
                None => self.in_the_way(path, entry.1, &known),
            };
            if let Some(error) = here {
                return Err(error);
            }
        }
        let gone = known.iter().filter(|(path, _)| !new.contains_key(*path));
        let mut gone = gone.filter_map(|(path, (_, old))| self.overlooked(path, *old, *old));
        gone.next().map_or(Ok(()), Err)
    }

    /// What is at `path` though it is neither what HEAD has there nor what comes: git does not see
    /// that, where it was told that the file does not change.
    fn overlooked(&self, path: &[u8], old: Oid, new: Oid) -> Option<Error> {
        let now = self.on_disk(path)?;
        if now == old || now == new {
            return None;
        }
        let path = String::from_utf8_lossy(path);
        let message = format!("`{path}` has changes that git was told to overlook");
        let place = in_shell(&path);
        let words = format!("update-index --no-skip-worktree --no-assume-unchanged {place}");
        let help = format!("{}, and commit them", self.git_here(&words));
        Some(Error::new(Kind::Git, message).help(help))
    }

    /// What stands where a new file comes, or where one of its directories does.
    fn in_the_way(&self, path: &[u8], new: Oid, known: &Entries) -> Option<Error> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (at, _) in slashes {
            let above = &path[..at];
            match self.dir.join(path_of(above)).symlink_metadata() {
                Ok(meta) if meta.is_dir() => {}
                // A file of HEAD's goes before.
                Ok(_) if known.contains_key(above) => return None,
                Ok(_) => return Some(taken(above)),
                Err(_) => return None,
            }
        }
        let full = self.dir.join(path_of(path));
        if full.symlink_metadata().ok()?.is_dir() {
            return self.unknown_below(&full, known).map(|path| taken(&path));
        }
        (self.on_disk(path) != Some(new)).then(|| taken(path))
    }

    /// A file below `dir` that HEAD does not have, so that the directory does not go with those
    /// that it has.
    fn unknown_below(&self, dir: &Path, known: &Entries) -> Option<Vec<u8>> {
        let entries = WalkDir::new(dir).min_depth(1).into_iter().flatten();
        let files = entries.filter(|entry| !entry.file_type().is_dir());
        let mut paths = files.filter_map(|entry| {
            let path = entry.path().strip_prefix(&self.dir).ok()?;
            Some(path.as_os_str().as_bytes().to_owned())
        });
        paths.find(|path| !known.contains_key(path))
    }

    /// The blob that git would make of what is at `path`, in memory.
    fn on_disk(&self, path: &[u8]) -> Option<Oid> {
        let full = self.dir.join(path_of(path));
        let meta = full.symlink_metadata().ok()?;
        if meta.is_symlink() {
            let target = fs::read_link(&full).ok()?;
            return Oid::hash_object(ObjectType::Blob, target.as_os_str().as_bytes()).ok();
        }
        meta.is_file()
            .then(|| self.repository.blob_path(&full).ok())?
    }

    /// A command of git's for the service's directory.
    fn git_here(&self, words: &str) -> String {
        format!("git -C {} {words}", in_shell(&tilde(&self.dir)))
    }
}

fn taken(path: &[u8]) -> Error {
    let path = String::from_utf8_lossy(path);
    let message = format!("`{path}` is not in git, and the template has a file of that name now");
    let help = format!("move it away: mv {0} {0}.mine", in_shell(&path));
    Error::new(Kind::Git, message).help(help)
}
