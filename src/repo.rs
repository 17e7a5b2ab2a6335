//! Git, by libgit2: no `git` program is needed.
//!
//! Commits hold exactly the rendered tree: objects are written from memory, so neither an ignore
//! rule of the user nor a line-ending setting changes a byte. Hooks and commit signing are the
//! user's for commits of theirs; this first one is made without them.

mod back;
mod branch;
pub mod checkout;
pub mod diff;
mod free;
pub mod history;
mod identity;
pub mod land;
pub mod merge;
pub mod objects;
mod pack;
pub mod remote;
mod tree;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub use git2::Oid;
use git2::{ErrorCode, IndexEntry, IndexTime, ObjectType, Repository, RepositoryOpenFlags};

use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};
use crate::template::File;
pub use identity::author;
use identity::{setting, signatures};
pub use pack::Pack;
pub use tree::{blob_id, tree_id};

/// A repository the service would stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surrounding {
    /// Its working directory.
    pub root: PathBuf,
}

/// The branch a new repository starts on: `init.defaultBranch`, else `main`.
pub fn default_branch() -> Result<String> {
    Ok(setting("init.defaultBranch")?.unwrap_or_else(|| "main".to_owned()))
}

/// The repository `path` would be part of, if it would be: not if that one ignores it.
pub fn surrounding(path: &Path) -> Result<Option<Surrounding>> {
    let above = path.parent().unwrap_or(path);
    let ceilings = std::env::var_os("GIT_CEILING_DIRECTORIES").unwrap_or_default();
    let ceilings = std::env::split_paths(&ceilings).map(|dir| dir.as_os_str().to_owned());
    // Not by way of the repository's own directory, which may know nothing of where we are.
    let repository = match Repository::open_ext(above, RepositoryOpenFlags::CROSS_FS, ceilings) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(failed("look for a repository around", path, &error)),
    };
    let Some(root) = repository.workdir() else {
        return Ok(None);
    };
    if repository.is_path_ignored(path).unwrap_or(false) {
        return Ok(None);
    }
    let root = root.components().collect();
    Ok(Some(Surrounding { root }))
}

/// Initialises a repository in `dir` on `branch` and commits the files of `pack`, which lie there
/// already.
pub fn found(dir: &Path, branch: &str, pack: &Pack, message: &str) -> Result<Oid> {
    let mut options = git2::RepositoryInitOptions::new();
    options.no_reinit(true).initial_head(branch);
    // Without a template directory of the user's there is nothing to copy but sample hooks.
    options.external_template(setting("init.templateDir")?.is_some());
    let make = || -> Result<Oid, git2::Error> {
        let repository = Repository::init_opts(dir, &options)?;
        let tree = repository.find_tree(pack.write(&repository)?)?;
        let (author, committer) = signatures(&repository)?;
        let commit = repository.commit(None, &author, &committer, message, &tree, &[])?;
        let head = format!("refs/heads/{branch}");
        repository.reference(&head, commit, false, "commit (initial)")?;
        let mut index = repository.index()?;
        for file in pack.files {
            let path = Path::new(&file.path);
            let blob = tree.get_path(path)?.id();
            index.add(&entry(dir, &file.path, file, blob))?;
        }
        write_index(&repository, &mut index)?;
        if !pack.files.iter().any(|file| file.path == ".gitignore") {
            ignore_builds(&repository);
        }
        Ok(commit)
    };
    // The directory above is a stage, of which its user knows nothing.
    let name = dir.file_name().map_or(dir, Path::new);
    make().map_err(|error| failed("commit", name, &error))
}

/// Where a template says nothing of it, what cargo builds is kept out of `git status`.
fn ignore_builds(repository: &Repository) {
    let info = repository.path().join("info");
    // A status with one line more is no reason to fail.
    let _ = fs::create_dir_all(&info).and_then(|()| fs::write(info.join("exclude"), "/target\n"));
}

/// Where libgit2 finds no room for the index, it tells whatever went wrong last instead, a look-up
/// for instance. Whoever writes there meets the reason.
fn write_index(repository: &Repository, index: &mut git2::Index) -> Result<(), git2::Error> {
    index.write().map_err(|error| {
        let probe = repository.path().join("index.probe");
        match fs::write(&probe, vec![0; 65536]).and_then(|()| fs::remove_file(&probe)) {
            Ok(()) => error,
            Err(reason) => {
                let _ = fs::remove_file(&probe);
                git2::Error::from_str(&reason.to_string())
            }
        }
    })
}

/// Commits `files`, paths from the root of the repository `root`, on top of its HEAD and puts
/// them into the index; whatever else is staged or changed stays as it is.
pub fn commit_inside(root: &Path, files: &[File], message: &str) -> Result<Oid> {
    let make = || -> Result<Oid, git2::Error> {
        let repository = Repository::open(root)?;
        let head = match repository.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(error) if error.code() == ErrorCode::UnbornBranch => None,
            Err(error) => return Err(error),
        };
        let mut next = git2::Index::new()?;
        if let Some(head) = &head {
            next.read_tree(&head.tree()?)?;
        }
        let mut index = repository.index()?;
        let mut before = Vec::new();
        for file in files {
            let blob = repository.blob(&file.bytes)?;
            let entry = entry(root, &file.path, file, blob);
            before.push(index.get_path(Path::new(&file.path), 0));
            next.add(&entry)?;
            index.add(&entry)?;
        }
        let tree = repository.find_tree(next.write_tree_to(&repository)?)?;
        let (author, committer) = signatures(&repository)?;
        let parents = head.iter().collect::<Vec<_>>();
        // The index first: it can be put back if HEAD does not move.
        write_index(&repository, &mut index)?;
        repository
            .commit(Some("HEAD"), &author, &committer, message, &tree, &parents)
            .inspect_err(|_| put_back(&mut index, files, before))
    };
    make().map_err(|error| failed("commit in", root, &error))
}

/// The index as it was; the error that brings us here is the one to tell.
fn put_back(index: &mut git2::Index, files: &[File], before: Vec<Option<IndexEntry>>) {
    for (file, entry) in files.iter().zip(before) {
        let _ = match entry {
            Some(entry) => index.add(&entry),
            None => index.remove_path(Path::new(&file.path)),
        };
    }
    let _ = index.write();
}

/// Whether HEAD and the index of the repository `root` both hold exactly `text` at `path`, or
/// both nothing that git would not ignore.
#[must_use]
pub fn is_clean(root: &Path, path: &str, text: Option<&str>) -> bool {
    let look = || -> Result<bool, git2::Error> {
        let repository = Repository::open(root)?;
        let path = Path::new(path);
        let staged = repository.index()?.get_path(path, 0);
        let staged = staged.map(|entry| entry.id);
        let head = match repository.head() {
            Ok(head) => head.peel_to_tree()?.get_path(path).ok(),
            Err(_) => None,
        };
        let wanted = text.map(|text| Oid::hash_object(ObjectType::Blob, text.as_bytes()));
        let wanted = wanted.transpose()?;
        let ignored = wanted.is_none() && repository.is_path_ignored(path)?;
        Ok(staged == wanted && head.map(|entry| entry.id()) == wanted && !ignored)
    };
    look().unwrap_or(false)
}

/// An index entry that knows the file on disk, so that `git status` need not read it again.
fn entry(root: &Path, path: &str, file: &File, id: Oid) -> IndexEntry {
    let mode = if file.executable {
        0o100_755
    } else {
        0o100_644
    };
    let mut entry = merge::entry(path.as_bytes(), mode, id);
    entry.file_size = low(file.bytes.len() as u64);
    match root.join(path).symlink_metadata() {
        Ok(meta) => stat(entry, &meta),
        Err(_) => entry,
    }
}

/// `entry` with what the system says of the file.
fn stat(mut entry: IndexEntry, meta: &fs::Metadata) -> IndexEntry {
    let time = |seconds: i64, nanoseconds: i64| {
        IndexTime::new(
            i32::try_from(seconds).unwrap_or(0),
            u32::try_from(nanoseconds).unwrap_or(0),
        )
    };
    entry.ctime = time(meta.ctime(), meta.ctime_nsec());
    entry.mtime = time(meta.mtime(), meta.mtime_nsec());
    entry.dev = low(meta.dev());
    entry.ino = low(meta.ino());
    entry.uid = meta.uid();
    entry.gid = meta.gid();
    entry.file_size = low(meta.size());
    entry
}

/// A path as git has it.
fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// The index keeps the low 32 bits of each number.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the index format truncates"
)]
fn low(value: u64) -> u32 {
    value as u32
}

fn failed(action: &str, path: &Path, error: &git2::Error) -> Error {
    let reason = match error.code() {
        ErrorCode::Owner => "it belongs to another user".to_owned(),
        _ => error.message().to_owned(),
    };
    let failure = Error::new(
        Kind::Git,
        format!("git cannot {action} `{}`: {reason}", path.display()),
    );
    match error.code() {
        ErrorCode::Owner => failure.help(format!(
            "git config --global --add safe.directory {}",
            quoted(&path.to_string_lossy())
        )),
        _ => failure.help("do without: --no-git"),
    }
}
