//! A service's directory as its repository has it: what HEAD holds, and whether anything stands
//! in the way of a commit.
//!
//! What is tried out here (renders, merges) goes to objects in memory. `keep` puts into the
//! repository what a commit needs of them, and nothing else ever gets there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{
    ErrorCode, FileMode, ObjectType, Oid, Repository, RepositoryOpenFlags, RepositoryState,
    StatusOptions, Tree, TreeWalkMode, TreeWalkResult,
};

use super::tree::each_object;
use super::{failed, path_of, signatures};
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::template::File;

/// Objects are written to the backend of the highest priority; libgit2's own have 1 and 2.
const IN_MEMORY: i32 = 1000;

/// A service's directory in its repository.
pub struct Checkout {
    pub(super) repository: Repository,
    /// The service's directory: absolute, without links.
    pub dir: PathBuf,
    /// The repository's working directory.
    pub root: PathBuf,
    /// The service's directory from there, without a `/` at its end; empty if it is the root.
    pub prefix: String,
    /// The commit that is checked out.
    pub(super) head: Oid,
    /// What it holds of the service.
    pub tree: Oid,
}

impl Checkout {
    /// The repository around `dir`, and what its HEAD has there.
    pub fn open(dir: &Path) -> Result<Self> {
        let dir = dir
            .canonicalize()
            .map_err(|error| Error::io("open", dir, &error))?;
        // Not by way of the repository's own directory: it may be elsewhere, and know nothing of
        // this working directory.
        let nowhere = std::iter::empty::<&std::ffi::OsStr>();
        let found = Repository::open_ext(&dir, RepositoryOpenFlags::CROSS_FS, nowhere);
        let repository = found.map_err(|error| match error.code() {
            ErrorCode::NotFound => no_repository(&dir),
            _ => failed("open the repository around", &dir, &error),
        })?;
        let root = repository.workdir().map(Path::canonicalize);
        let root = root.and_then(std::result::Result::ok);
        let root = root.ok_or_else(|| no_repository(&dir))?;
        let prefix = dir.strip_prefix(&root).ok().and_then(Path::to_str);
        let prefix = prefix.ok_or_else(|| no_repository(&dir))?.to_owned();
        let (head, tree) = at_head(&repository, &prefix)
            .map_err(|error| failed("read HEAD of the repository around", &dir, &error))?
            .ok_or_else(|| not_committed(&dir))?;
        let odb = repository.odb();
        odb.and_then(|odb| odb.add_new_mempack_backend(IN_MEMORY).map(drop))
            .map_err(|error| failed("open", &root, &error))?;
        Ok(Self {
            repository,
            dir,
            root,
            prefix,
            head,
            tree,
        })
    }

    /// The commit that is checked out.
    #[must_use]
    pub fn head(&self) -> String {
        self.head.to_string()
    }

    /// The repository's own directory.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        self.repository.path()
    }

    /// Fails unless a commit can be made here that holds nothing but an update.
    pub fn is_quiet(&self) -> Result<()> {
        self.is_idle()?;
        if self.repository.head_detached().unwrap_or(false) {
            return Err(refused("no branch is checked out (detached HEAD)")
                .help(self.git("switch --create my-branch")));
        }
        let lock = self.repository.path().join("index.lock");
        if lock.exists() {
            let message = format!("another git is at work in `{}`", tilde(&self.root));
            let help = format!(
                "wait for it; if there is none: rm {}",
                in_shell(&tilde(&lock))
            );
            return Err(refused(&message).help(help));
        }
        let changed = self
            .changes_of_the_user()
            .map_err(|error| self.failed(&error))?;
        let Some(first) = changed.first() else {
            return Ok(());
        };
        let more = match changed.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let message = format!("there are changes that are not committed: `{first}`{more}");
        Err(refused(&message).help(format!(
            "{}, or `git stash`; or update on a branch beside it: --branch",
            self.git("commit --all")
        )))
    }

    /// Fails if a merge, a rebase or the like is under way.
    pub fn is_idle(&self) -> Result<()> {
        let (what, end) = match self.repository.state() {
            RepositoryState::Clean => return Ok(()),
            RepositoryState::Merge => ("a merge", "merge --abort"),
            RepositoryState::Revert | RepositoryState::RevertSequence => {
                ("a revert", "revert --abort")
            }
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => {
                ("a cherry-pick", "cherry-pick --abort")
            }
            RepositoryState::Bisect => ("a bisection", "bisect reset"),
            RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
                ("`git am`", "am --abort")
            }
            _ => ("a rebase", "rebase --abort"),
        };
        let message = format!("{what} is under way in `{}`", tilde(&self.root));
        Err(refused(&message).help(format!("finish it, or {}", self.git(end))))
    }

    /// What is staged anywhere, and what is changed in the service's directory. A file git does
    /// not know is nobody's change: should the update need its place, that is found later.
    fn changes_of_the_user(&self) -> Result<Vec<String>, git2::Error> {
        let mut options = StatusOptions::new();
        options.include_untracked(false).exclude_submodules(true);
        // Only what stat does not tell is read.
        options.update_index(false).no_refresh(false);
        let below = format!("{}/", self.prefix);
        let statuses = self.repository.statuses(Some(&mut options))?;
        let staged = git2::Status::INDEX_NEW
            | git2::Status::INDEX_MODIFIED
            | git2::Status::INDEX_DELETED
            | git2::Status::INDEX_RENAMED
            | git2::Status::INDEX_TYPECHANGE
            | git2::Status::CONFLICTED;
        let changed = statuses.iter().filter(|entry| {
            let path = String::from_utf8_lossy(entry.path_bytes());
            let here = self.prefix.is_empty() || path.starts_with(&below);
            let status = entry.status();
            status.intersects(staged) || (here && !status.is_empty() && !status.is_ignored())
        });
        let paths = changed.map(|entry| String::from_utf8_lossy(entry.path_bytes()).into_owned());
        Ok(paths.collect())
    }

    /// The file at `path` of `tree`, if it is one.
    pub fn file(&self, tree: Oid, path: &str) -> Result<Option<File>> {
        let read = || -> Result<Option<File>, git2::Error> {
            let tree = self.repository.find_tree(tree)?;
            let entry = match tree.get_path(Path::new(path)) {
                Ok(entry) => entry,
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let executable = match entry.filemode() {
                0o100_644 => false,
                0o100_755 => true,
                _ => return Ok(None),
            };
            let blob = self.repository.find_blob(entry.id())?;
            Ok(Some(File {
                path: path.to_owned(),
                executable,
                bytes: blob.content().to_vec().into(),
            }))
        };
        read().map_err(|error| self.failed(&error))
    }

    /// All files of `tree` with paths in UTF-8, sorted by path; links and submodules are none.
    pub fn files(&self, tree: Oid) -> Result<Vec<File>> {
        let read = || -> Result<Vec<File>, git2::Error> {
            let mut files = Vec::new();
            for (path, (mode, id)) in self.entries(tree)? {
                if let (Ok(path), 0o100_644 | 0o100_755) = (String::from_utf8(path), mode) {
                    files.push(File {
                        path,
                        executable: mode == 0o100_755,
                        bytes: self.repository.find_blob(id)?.content().to_vec().into(),
                    });
                }
            }
            Ok(files)
        };
        read().map_err(|error| self.failed(&error))
    }

    /// The paths of everything in `tree` but its directories.
    pub fn paths(&self, tree: Oid) -> Result<Vec<PathBuf>> {
        let entries = self.entries(tree).map_err(|error| self.failed(&error))?;
        Ok(entries
            .keys()
            .map(|path| path_of(path).to_owned())
            .collect())
    }

    /// Everything in `tree` but its directories, by path, with its mode.
    pub(super) fn entries(&self, tree: Oid) -> Result<BTreeMap<Vec<u8>, (i32, Oid)>, git2::Error> {
        let tree = self.repository.find_tree(tree)?;
        let mut entries = BTreeMap::new();
        tree.walk(TreeWalkMode::PreOrder, |above, entry| {
            if entry.kind() != Some(ObjectType::Tree) {
                let path = [above.as_bytes(), entry.name_bytes()].concat();
                entries.insert(path, (entry.filemode(), entry.id()));
            }
            TreeWalkResult::Ok
        })?;
        Ok(entries)
    }

    /// The tree of `files`, in memory.
    pub fn store(&self, files: &[File]) -> Result<Oid> {
        let odb = self.repository.odb().map_err(|error| self.failed(&error))?;
        let stored = each_object(files, &mut |kind, bytes| odb.write(kind, bytes));
        stored.map_err(|error| self.failed(&error))
    }

    /// The blobs of these bytes, in memory.
    pub fn blobs<const N: usize>(&self, each: [&[u8]; N]) -> Result<[Oid; N]> {
        let mut ids = [Oid::ZERO_SHA1; N];
        for (id, bytes) in ids.iter_mut().zip(each) {
            let stored = self.repository.blob(bytes);
            *id = stored.map_err(|error| self.failed(&error))?;
        }
        Ok(ids)
    }

    /// `tree` with other files at some paths, or none.
    pub fn with(&self, tree: Oid, changes: &BTreeMap<String, Option<File>>) -> Result<Oid> {
        if changes.is_empty() {
            return Ok(tree);
        }
        let change = || -> Result<Oid, git2::Error> {
            let tree = self.repository.find_tree(tree)?;
            let mut update = TreeUpdateBuilder::new();
            for (path, file) in changes {
                match file {
                    Some(file) => {
                        let blob = self.repository.blob(&file.bytes)?;
                        let mode = if file.executable {
                            FileMode::BlobExecutable
                        } else {
                            FileMode::Blob
                        };
                        update.upsert(path.as_str(), blob, mode);
                    }
                    None if tree.get_path(Path::new(path)).is_ok() => {
                        update.remove(path.as_str());
                    }
                    None => {}
                }
            }
            update.create_updated(&self.repository, &tree)
        };
        change().map_err(|error| self.failed(&error))
    }

    /// Shows each tree the service had to `found`, from HEAD back in time and `most` commits far,
    /// until that has what it looks for. Says whether history ends because the clone is shallow.
    pub fn in_history(
        &self,
        most: usize,
        found: &mut dyn FnMut(&Self, Oid) -> Result<bool>,
    ) -> Result<bool> {
        let mut seen = std::collections::BTreeSet::new();
        let mut walk = self.repository.revwalk().map_err(|e| self.failed(&e))?;
        walk.push(self.head).map_err(|error| self.failed(&error))?;
        for commit in walk.take(most) {
            // What is missing in a shallow clone ends the search.
            let Ok(tree) = commit.and_then(|commit| {
                let commit = self.repository.find_commit(commit)?;
                below(&commit.tree()?, &self.prefix)
            }) else {
                continue;
            };
            if let Some(tree) = tree
                && seen.insert(tree)
                && found(self, tree)?
            {
                break;
            }
        }
        Ok(self.repository.is_shallow())
    }

    /// The tree of HEAD with `tree` in the service's place, and other files of the repository
    /// changed.
    fn whole(
        &self,
        repository: &Repository,
        tree: Oid,
        beside: &[File],
    ) -> Result<Oid, git2::Error> {
        let head = repository.find_commit(self.head)?.tree()?;
        let whole = if self.prefix.is_empty() {
            tree
        } else {
            let mut update = TreeUpdateBuilder::new();
            update.upsert(self.prefix.as_str(), tree, FileMode::Tree);
            update.create_updated(repository, &head)?
        };
        if beside.is_empty() {
            return Ok(whole);
        }
        let mut update = TreeUpdateBuilder::new();
        for file in beside {
            update.upsert(
                file.path.as_str(),
                repository.blob(&file.bytes)?,
                FileMode::Blob,
            );
        }
        update.create_updated(repository, &repository.find_tree(whole)?)
    }

    /// A commit on top of HEAD, no branch's yet, with `tree` in the service's place. From here on
    /// what it needs is in the repository.
    pub fn commit(&self, tree: Oid, beside: &[File], message: &str) -> Result<Oid> {
        let make = || -> Result<Oid, git2::Error> {
            // Without the objects in memory.
            let repository = Repository::open(self.repository.path())?;
            self.keep(&repository, tree)?;
            let whole = self.whole(&repository, tree, beside)?;
            let (author, committer) = signatures(&repository)?;
            let parent = repository.find_commit(self.head)?;
            let whole = repository.find_tree(whole)?;
            repository.commit(None, &author, &committer, message, &whole, &[&parent])
        };
        make().map_err(|error| failed("commit in", &self.root, &error))
    }

    /// Puts the object `id`, and before it all that is in it, into `repository`, which is this one
    /// without its memory. Whoever is killed on the way leaves nothing that is there by half: what
    /// is there, is there with all it names.
    pub(super) fn keep(&self, repository: &Repository, id: Oid) -> Result<(), git2::Error> {
        let disk = repository.odb()?;
        if disk.exists(id) {
            return Ok(());
        }
        let memory = self.repository.odb()?;
        let object = memory.read(id)?;
        if object.kind() == ObjectType::Tree {
            for entry in &self.repository.find_tree(id)? {
                if entry.kind() != Some(ObjectType::Commit) {
                    self.keep(repository, entry.id())?;
                }
            }
        }
        disk.write(object.kind(), object.data()).map(drop)
    }

    /// A command of git's for this repository, as it can be pasted.
    pub(super) fn git(&self, words: &str) -> String {
        format!("git -C {} {words}", in_shell(&tilde(&self.root)))
    }

    pub(super) fn failed(&self, error: &git2::Error) -> Error {
        let message = format!("git fails in `{}`: {}", tilde(&self.root), error.message());
        Error::new(Kind::Git, message).help(self.git("fsck"))
    }
}

/// HEAD, and what it has at `prefix`.
fn at_head(repository: &Repository, prefix: &str) -> Result<Option<(Oid, Oid)>, git2::Error> {
    let head = match repository.head() {
        Ok(head) => head.peel_to_commit()?,
        Err(error) if error.code() == ErrorCode::UnbornBranch => return Ok(None),
        Err(error) => return Err(error),
    };
    let tree = below(&head.tree()?, prefix)?;
    Ok(tree.map(|tree| (head.id(), tree)))
}

/// The directory `prefix` of `tree`, if there is one.
fn below(tree: &Tree, prefix: &str) -> Result<Option<Oid>, git2::Error> {
    if prefix.is_empty() {
        return Ok(Some(tree.id()));
    }
    match tree.get_path(Path::new(prefix)) {
        Ok(entry) => Ok((entry.kind() == Some(ObjectType::Tree)).then(|| entry.id())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused(message: &str) -> Error {
    Error::new(Kind::Git, message)
}

fn no_repository(dir: &Path) -> Error {
    let shown = tilde(dir);
    let message = format!("`{shown}` is in no git repository, so an update could not be undone");
    let dir = in_shell(&shown);
    refused(&message).help(format!(
        "git init {dir} && git -C {dir} add . && git -C {dir} commit -m 'Before the update'"
    ))
}

fn not_committed(dir: &Path) -> Error {
    let shown = tilde(dir);
    let message = format!("nothing of `{shown}` is committed, so an update could not be undone");
    let dir = in_shell(&shown);
    refused(&message).help(format!(
        "git -C {dir} add . && git -C {dir} commit -m 'Before the update'"
    ))
}
