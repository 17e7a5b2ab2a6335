//! Lands an update in a working directory: files, index, branch.
//!
//! That is more than one rename, so it is written down first: a journal beside the repository's
//! own files, with all that is to be written. Whoever finds a journal carries it out, from
//! wherever it stopped, and doing so twice does no harm. A file is replaced only while it is what
//! it was when the journal was written, so that nobody's work of these moments is lost.
//!
//! An update without conflicts ends as a commit. One with conflicts ends as an unfinished merge
//! of HEAD with itself: `git commit` makes an ordinary commit of it, since git leaves a parent out
//! that stands there twice, and `git merge --abort` takes it back.

mod finish;
pub(super) mod locks;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{FileMode, Index, IndexEntry, ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::checkout::Checkout;
use super::merge::Conflict;
use super::path_of;
use crate::error::{Error, Result};
pub use finish::{finish, given_up, is_begun};

/// Below the directory of the repository.
const DIR: &str = "generate-service";
const JOURNAL: &str = "journal.json";
/// Where the journal is written before it counts.
const DRAFT: &str = "draft";

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    /// The working directory.
    root: PathBuf,
    /// The service's directory in it.
    prefix: String,
    /// The commit that was checked out.
    head: String,
    /// The commit of the update; without one there are conflicts.
    commit: Option<String>,
    /// What the commit says, or will say.
    message: String,
    /// The files that change.
    files: Vec<Write>,
    /// What is open.
    open: Vec<Open>,
}

/// A file that changes.
#[derive(Debug, Serialize, Deserialize)]
struct Write {
    /// From the working directory.
    path: Vec<u8>,
    /// What it was, by hash, if it was there.
    was: Option<String>,
    /// What it becomes: the number of a file beside the journal, its mode and its blob.
    becomes: Option<(usize, u32, String)>,
}

/// A file that is open.
#[derive(Debug, Serialize, Deserialize)]
struct Open {
    path: Vec<u8>,
    stages: [Option<(u32, String)>; 3],
}

/// Where an update ends.
pub enum End<'a> {
    /// In this commit, with these files of the repository beside the service's.
    Commit(Oid, &'a [crate::template::File]),
    /// In these conflicts.
    Conflicts(&'a [Conflict]),
}

/// Nobody else lands anything in this working directory while it is held.
pub struct Landing {
    _lock: File,
}

impl Checkout {
    /// Keeps others from updating this working directory; what a killed run has begun is ended
    /// first: then it is said which files were left alone in that.
    pub fn lock(&self) -> Result<(Landing, Option<Vec<String>>)> {
        let git_dir = self.repository.path();
        let lock = lock(git_dir, "lock")?;
        let left = is_begun(git_dir).then(|| finish(git_dir)).transpose()?;
        // Of a run that was killed before or after its journal.
        let _ = fs::remove_dir_all(git_dir.join(DIR).join(DRAFT));
        Ok((Landing { _lock: lock }, left))
    }

    /// Writes down what has to be done so that the directory, which is at HEAD, shows `tree` and
    /// ends as it should. `finish` does it.
    pub fn prepare(&self, tree: Oid, end: &End, message: &str) -> Result<()> {
        self.is_free(tree)?;
        let git_dir = self.git_dir();
        let draft = git_dir.join(DIR).join(DRAFT);
        let _ = fs::remove_dir_all(&draft);
        let made = fs::create_dir_all(draft.join("files"));
        made.map_err(|error| Error::io("create", &draft, &error))?;
        let write = || -> Result<Journal, git2::Error> {
            let repository = Repository::open(git_dir)?;
            self.keep(&repository, tree)?;
            if let End::Conflicts(conflicts) = end {
                self.keep_stages(&repository, conflicts)?;
            }
            let files = self.writes(tree, end, &draft)?;
            Ok(self.journal(files, end, message))
        };
        let journal = write().map_err(|error| self.failed(&error))?;
        let text = serde_json::to_vec(&journal).unwrap_or_default();
        let home = git_dir.join(DIR).join(JOURNAL);
        place(&draft.join(JOURNAL), &home, &text, 0o600)
            .map_err(|error| Error::io("write", &home, &error))
    }

    fn journal(&self, files: Vec<Write>, end: &End, message: &str) -> Journal {
        let open = |conflict: &Conflict| Open {
            path: self.below_root(&conflict.path),
            stages: conflict
                .stages
                .map(|stage| stage.map(|(mode, id)| (mode, id.to_string()))),
        };
        Journal {
            root: self.root.clone(),
            prefix: self.prefix.clone(),
            head: self.head(),
            commit: match end {
                End::Commit(commit, _) => Some(commit.to_string()),
                End::Conflicts(_) => None,
            },
            message: message.to_owned(),
            files,
            open: match end {
                End::Commit(..) => Vec::new(),
                End::Conflicts(conflicts) => conflicts.iter().map(open).collect(),
            },
        }
    }

    fn keep_stages(
        &self,
        repository: &Repository,
        conflicts: &[Conflict],
    ) -> Result<(), git2::Error> {
        for (_, id) in conflicts.iter().flat_map(|open| open.stages).flatten() {
            // A submodule is no object of this repository.
            if self.repository.odb()?.exists(id) {
                self.keep(repository, id)?;
            }
        }
        Ok(())
    }

    /// What changes from HEAD to `tree`; what files become is written into `draft`, as a checkout
    /// would write it.
    fn writes(&self, tree: Oid, end: &End, draft: &Path) -> Result<Vec<Write>, git2::Error> {
        let (before, after) = (self.entries(self.tree)?, self.entries(tree)?);
        let each = before.keys().chain(after.keys());
        let changed = each.filter(|path| before.get(*path) != after.get(*path));
        let changed = changed.cloned().collect::<BTreeSet<_>>();
        let out = draft.join("out");
        self.check_out_into(&out, tree, Some(&changed))?;
        let mut writes = Vec::new();
        for path in changed {
            let number = writes.len();
            let becomes = after.get(&path).map(|(mode, id)| {
                let home = draft.join("files").join(number.to_string());
                // A submodule stays where it is.
                if *mode != i32::from(FileMode::Commit) {
                    fs::rename(out.join(path_of(&path)), home)?;
                }
                Ok((number, mode.unsigned_abs(), id.to_string()))
            });
            let becomes = becomes.transpose();
            let becomes =
                becomes.map_err(|error: io::Error| git2::Error::from_str(&error.to_string()))?;
            let path = self.below_root(&path);
            let was = hash(&self.root.join(path_of(&path)));
            writes.push(Write { path, was, becomes });
        }
        if let End::Commit(_, beside) = end {
            for file in *beside {
                let number = writes.len();
                let home = draft.join("files").join(number.to_string());
                fs::write(home, &file.bytes)
                    .map_err(|error| git2::Error::from_str(&error.to_string()))?;
                let id = Oid::hash_object(ObjectType::Blob, &file.bytes)?;
                writes.push(Write {
                    path: file.path.clone().into_bytes(),
                    was: hash(&self.root.join(&file.path)),
                    becomes: Some((number, 0o100_644, id.to_string())),
                });
            }
        }
        Ok(writes)
    }

    /// Writes `tree` into the directory `dir`, as a checkout would.
    pub fn lay_out(&self, tree: Oid, dir: &Path) -> Result<()> {
        let done = self.check_out_into(dir, tree, None);
        done.map_err(|error| self.failed(&error))
    }

    /// Writes `tree`, or some paths of it, into the directory `out`, as a checkout would.
    pub(super) fn check_out_into(
        &self,
        out: &Path,
        tree: Oid,
        only: Option<&BTreeSet<Vec<u8>>>,
    ) -> Result<(), git2::Error> {
        fs::create_dir_all(out).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        let mut paths = self.entries(tree)?.into_keys().collect::<Vec<_>>();
        paths.retain(|path| only.is_none_or(|only| only.contains(path)));
        if paths.is_empty() {
            return Ok(());
        }
        let mut checkout = CheckoutBuilder::new();
        checkout.target_dir(out).force().update_index(false);
        checkout.recreate_missing(true).disable_pathspec_match(true);
        // libgit2 compares with HEAD, and stumbles over a name that was a file there and is a
        // directory now, unless it is told the files.
        for path in &paths {
            checkout.path(path_of(path));
        }
        let repository = self.with_nothing_checked_out(out)?;
        let tree = repository.find_object(tree, Some(ObjectType::Tree))?;
        repository.checkout_tree(&tree, Some(&mut checkout))
    }

    /// libgit2 compares what it writes with HEAD, and stumbles where a file is a directory there
    /// or the other way round. If there is no index on disk, it expects nothing.
    fn with_nothing_checked_out(&self, out: &Path) -> Result<Repository, git2::Error> {
        let repository = opened(self.repository.path(), &self.root)?;
        repository.set_odb(&self.repository.odb()?)?;
        repository.set_index(&mut Index::open(&out.with_extension("index"))?)?;
        Ok(repository)
    }

    fn below_root(&self, path: &[u8]) -> Vec<u8> {
        if self.prefix.is_empty() {
            return path.to_owned();
        }
        [self.prefix.as_bytes(), b"/", path].concat()
    }
}

/// A repository with its working directory, which its own directory does not always lead to.
pub(super) fn opened(git_dir: &Path, root: &Path) -> Result<Repository, git2::Error> {
    let repository = Repository::open(git_dir)?;
    repository.set_workdir(root, false)?;
    Ok(repository)
}

/// What tells one state of a file from another: kind, bytes, whether it can be run.
fn hash(path: &Path) -> Option<String> {
    let meta = path.symlink_metadata().ok()?;
    let (kind, bytes) = if meta.is_symlink() {
        let target = fs::read_link(path).ok()?;
        ("link", target.as_os_str().as_bytes().to_owned())
    } else if meta.is_file() {
        let runs = meta.permissions().mode() & 0o111 != 0;
        (if runs { "program" } else { "file" }, fs::read(path).ok()?)
    } else {
        return None;
    };
    let id = Oid::hash_object(ObjectType::Blob, &bytes).ok()?;
    Some(format!("{kind} {id}"))
}

fn place(draft: &Path, home: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, home)
}

fn lock(git_dir: &Path, name: &str) -> Result<File> {
    let dir = git_dir.join(DIR);
    let path = dir.join(name);
    let take = || -> io::Result<File> {
        fs::create_dir_all(&dir)?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    take().map_err(|error| Error::io("lock", &path, &error))
}

/// An entry that knows the file on disk, if that is a file.
pub(super) fn seen(root: &Path, entry: IndexEntry) -> IndexEntry {
    let Ok(meta) = root.join(path_of(&entry.path)).symlink_metadata() else {
        return entry;
    };
    super::stat(entry, &meta)
}

/// Removes the directories above `path` that hold nothing any more, as git does.
pub(super) fn remove_empty(root: &Path, path: &Path) {
    for above in path.ancestors().skip(1) {
        if above.as_os_str().is_empty() || fs::remove_dir(root.join(above)).is_err() {
            return;
        }
    }
}
