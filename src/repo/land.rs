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

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{IndexEntry, ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::checkout::Checkout;
use super::merge::{Conflict, entry};
use super::{failed, path_of, write_index};
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};

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
        let begun = git_dir.join(DIR).join(JOURNAL).exists();
        let left = begun.then(|| finish(git_dir)).transpose()?;
        Ok((Landing { _lock: lock }, left))
    }

    /// Writes down what has to be done so that the directory, which is at HEAD, shows `tree` and
    /// ends as it should. `finish` does it.
    pub fn prepare(&self, tree: Oid, end: &End, message: &str) -> Result<PathBuf> {
        let git_dir = self.repository.path().to_owned();
        let draft = git_dir.join(DIR).join(DRAFT);
        let _ = fs::remove_dir_all(&draft);
        let made = fs::create_dir_all(draft.join("files"));
        made.map_err(|error| Error::io("create", &draft, &error))?;
        let write = || -> Result<Journal, git2::Error> {
            let repository = Repository::open(&git_dir)?;
            self.keep(&repository, tree)?;
            if let End::Conflicts(conflicts) = end {
                self.keep_stages(&repository, conflicts)?;
            }
            let files = self.writes(tree, end, &draft)?;
            Ok(self.journal(files, end, message))
        };
        let journal = write().map_err(|error| self.failed(&error))?;
        self.is_free(&journal)?;
        let text = serde_json::to_vec(&journal).unwrap_or_default();
        let home = git_dir.join(DIR).join(JOURNAL);
        place(&draft.join(JOURNAL), &home, &text, 0o600)
            .map_err(|error| Error::io("write", &home, &error))?;
        Ok(git_dir)
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
        let mut changed = Vec::new();
        for path in before.keys().chain(after.keys()) {
            if before.get(path) != after.get(path) && !changed.contains(path) {
                changed.push(path.clone());
            }
        }
        let out = draft.join("out");
        self.check_out_into(&out, tree, Some(&changed))?;
        let mut writes = Vec::new();
        for path in changed {
            let number = writes.len();
            let becomes = after.get(&path).map(|(mode, id)| {
                let home = draft.join("files").join(number.to_string());
                // What is no file, a submodule, stays where it is.
                let _ = fs::rename(out.join(path_of(&path)), home);
                (number, mode.unsigned_abs(), id.to_string())
            });
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
        only: Option<&[Vec<u8>]>,
    ) -> Result<(), git2::Error> {
        fs::create_dir_all(out).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        if only.is_some_and(<[_]>::is_empty) {
            return Ok(());
        }
        let mut checkout = CheckoutBuilder::new();
        checkout.target_dir(out).force().update_index(false);
        checkout.recreate_missing(true).disable_pathspec_match(true);
        for path in only.unwrap_or_default() {
            checkout.path(path_of(path));
        }
        let tree = self.repository.find_object(tree, Some(ObjectType::Tree))?;
        self.repository.checkout_tree(&tree, Some(&mut checkout))
    }

    /// A file git does not know, where a new one would come, is somebody's.
    fn is_free(&self, journal: &Journal) -> Result<()> {
        let draft = self.repository.path().join(DIR).join(DRAFT);
        let known = self.entries(self.tree).unwrap_or_default();
        let known = known.keys().map(|path| self.below_root(path));
        let known = known.collect::<std::collections::BTreeSet<_>>();
        for file in &journal.files {
            let Some((number, ..)) = file.becomes else {
                continue;
            };
            let new = hash(&draft.join("files").join(number.to_string()));
            let beside = !file.path.starts_with(self.prefix.as_bytes());
            if file.was.is_some() && file.was != new && !known.contains(&file.path) && !beside {
                let path = String::from_utf8_lossy(&file.path).into_owned();
                let message =
                    format!("`{path}` is not in git, and the template has a file of that name now");
                let help = format!("move it away: mv {0} {0}.mine", in_shell(&path));
                return Err(Error::new(Kind::Git, message).help(help));
            }
        }
        Ok(())
    }

    fn below_root(&self, path: &[u8]) -> Vec<u8> {
        if self.prefix.is_empty() {
            return path.to_owned();
        }
        [self.prefix.as_bytes(), b"/", path].concat()
    }

    /// Puts a commit on a branch that is not checked out. One that holds the same is left as it
    /// is; one that somebody else made is not touched.
    pub fn branch(&self, name: &str, commit: Oid, mark: &str) -> Result<(String, bool)> {
        let make = || -> Result<Option<(String, bool)>, git2::Error> {
            let repository = Repository::open(self.repository.path())?;
            let new = repository.find_commit(commit)?;
            let reference = format!("refs/heads/{name}");
            if let Ok(old) = repository.find_reference(&reference) {
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
            let message = format!("the branch `{name}` is there, and somebody else made it");
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
        let back = || -> Result<(), git2::Error> {
            let repository = Repository::open(git_dir)?;
            let mut index = repository.index()?;
            let head = repository.find_commit(self.head)?.tree()?;
            let changed = repository.diff_tree_to_index(Some(&head), Some(&index), None)?;
            let mut paths = Vec::new();
            for delta in changed.deltas() {
                let each = [delta.old_file().path_bytes(), delta.new_file().path_bytes()];
                paths.extend(each.into_iter().flatten().map(<[u8]>::to_owned));
            }
            let open = index.conflicts()?.collect::<Result<Vec<_>, _>>()?;
            for conflict in open {
                let each = [conflict.ancestor, conflict.our, conflict.their];
                paths.extend(each.into_iter().flatten().map(|entry| entry.path));
            }
            paths.sort();
            paths.dedup();
            for path in &paths {
                back_to(&repository, &mut index, &head, path_of(path))?;
            }
            write_index(&repository, &mut index)?;
            repository.cleanup_state()
        };
        back().map_err(|error| self.failed(&error))
    }
}

/// A file as HEAD has it, in the index and on disk.
fn back_to(
    repository: &Repository,
    index: &mut git2::Index,
    head: &git2::Tree,
    path: &Path,
) -> Result<(), git2::Error> {
    let _ = index.conflict_remove(path);
    let _ = index.remove_path(path);
    let root = repository.workdir().unwrap_or(Path::new(""));
    let Ok(known) = head.get_path(path) else {
        let _ = fs::remove_file(root.join(path));
        remove_empty(root, path);
        return Ok(());
    };
    let mut checkout = CheckoutBuilder::new();
    checkout.force().update_index(false).recreate_missing(true);
    checkout.disable_pathspec_match(true).path(path);
    repository.checkout_tree(head.as_object(), Some(&mut checkout))?;
    let mode = known.filemode().unsigned_abs();
    let bytes = path.as_os_str().as_bytes();
    index.add(&seen(root, entry(bytes, mode, known.id())))
}

/// Carries out what stands in a journal below `git_dir`, if there is one. Says which files were
/// left alone, since somebody has changed them meanwhile.
pub fn finish(git_dir: &Path) -> Result<Vec<String>> {
    let home = git_dir.join(DIR).join(JOURNAL);
    if !home.exists() {
        return Ok(Vec::new());
    }
    let _lock = lock(git_dir, "landing")?;
    let Ok(text) = fs::read(&home) else {
        return Ok(Vec::new());
    };
    let journal = serde_json::from_slice::<Journal>(&text).map_err(|error| {
        let message = format!("the journal `{}` is damaged: {error}", home.display());
        let help = format!("rm {}", in_shell(&tilde(&home)));
        Error::new(Kind::Git, message).help(help)
    })?;
    let left = carry_out(git_dir, &journal)?;
    fs::remove_file(&home).map_err(|error| Error::io("remove", &home, &error))?;
    // The next draft removes it, too.
    let _ = fs::remove_dir_all(git_dir.join(DIR).join(DRAFT));
    Ok(left)
}

fn carry_out(git_dir: &Path, journal: &Journal) -> Result<Vec<String>> {
    let failed = |error: git2::Error| failed("update", &journal.root, &error);
    let repository = Repository::open(git_dir).map_err(failed)?;
    let now = repository.head().and_then(|head| head.peel_to_commit());
    let now = now.map_err(failed)?.id().to_string();
    if now != journal.head && Some(&now) != journal.commit.as_ref() {
        let message = "a commit was made in the middle of the update, which was given up";
        // What was written by then is there to be looked at.
        let _ = fs::remove_file(git_dir.join(DIR).join(JOURNAL));
        return Err(Error::new(Kind::Git, message).help("git status"));
    }
    let left = write_files(git_dir, journal)?;
    record(&repository, journal).map_err(failed)?;
    Ok(left)
}

/// Files that go first, so that a directory can come where one was.
fn write_files(git_dir: &Path, journal: &Journal) -> Result<Vec<String>> {
    let files = git_dir.join(DIR).join(DRAFT).join("files");
    let (come, go): (Vec<_>, Vec<_>) = journal
        .files
        .iter()
        .partition(|file| file.becomes.is_some());
    let mut left = Vec::new();
    for file in go.into_iter().chain(come) {
        let path = journal.root.join(path_of(&file.path));
        let now = hash(&path);
        let new = file.becomes.as_ref();
        let new = new.map(|(number, mode, _)| (files.join(number.to_string()), *mode));
        let there = new.as_ref().and_then(|(new, _)| hash(new));
        if now == there && (new.is_none() || now.is_some()) {
            continue;
        }
        if now != file.was {
            left.push(String::from_utf8_lossy(&file.path).into_owned());
            continue;
        }
        let done = match &new {
            None => fs::remove_file(&path),
            Some((new, mode)) => put(new, &path, *mode),
        };
        done.map_err(|error| Error::io("write", &path, &error))?;
        if new.is_none() {
            remove_empty(&journal.root, path_of(&file.path));
        }
    }
    Ok(left)
}

/// Index, branch, and what git knows of a merge.
fn record(repository: &Repository, journal: &Journal) -> Result<(), git2::Error> {
    let mut index = repository.index()?;
    let root = repository.workdir().unwrap_or(&journal.root);
    for file in &journal.files {
        let path = path_of(&file.path);
        let _ = index.conflict_remove(path);
        match &file.becomes {
            Some((_, mode, id)) => {
                let entry = entry(&file.path, *mode, Oid::from_str(id)?);
                index.add(&seen(root, entry))?;
            }
            None => index.remove_path(path)?,
        }
    }
    for open in &journal.open {
        let _ = index.remove_path(path_of(&open.path));
        for (at, stage) in (1_u16..).zip(&open.stages) {
            if let Some((mode, id)) = stage {
                let mut entry = entry(&open.path, *mode, Oid::from_str(id)?);
                entry.flags = at << 12;
                index.add(&entry)?;
            }
        }
    }
    write_index(repository, &mut index)?;
    let Some(commit) = &journal.commit else {
        return begin_merge(repository, journal);
    };
    let (new, old) = (Oid::from_str(commit)?, Oid::from_str(&journal.head)?);
    let head = repository.head()?;
    if head.target() == Some(new) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(head.name_bytes()).into_owned();
    let log = format!("generate-service update: {}", first_line(&journal.message));
    repository.reference_matching(&name, new, true, old, &log)?;
    Ok(())
}

fn begin_merge(repository: &Repository, journal: &Journal) -> Result<(), git2::Error> {
    let head = format!("{}\n", journal.head);
    let texts = [
        ("ORIG_HEAD", head.as_str()),
        ("MERGE_MSG", &journal.message),
        ("MERGE_MODE", ""),
        ("MERGE_HEAD", &head),
    ];
    for (name, text) in texts {
        let path = repository.path().join(name);
        fs::write(&path, text).map_err(|error| git2::Error::from_str(&error.to_string()))?;
    }
    Ok(())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// An entry that knows the file on disk, if that is a file.
fn seen(root: &Path, entry: IndexEntry) -> IndexEntry {
    let Ok(meta) = root.join(path_of(&entry.path)).symlink_metadata() else {
        return entry;
    };
    super::stat(entry, &meta)
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

/// Puts what is in `new` at `path`, by one rename. What is made on the way lies beside the journal,
/// so that a run that is killed leaves nothing among the user's files.
fn put(new: &Path, path: &Path, mode: u32) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let copy = new.with_extension("copy");
    copy_to(new, &copy, mode)?;
    match fs::rename(&copy, path) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let near = tempfile::Builder::new()
                .prefix(".generate-service-")
                .tempdir_in(dir)?;
            let near = near.path().join("file");
            copy_to(new, &near, mode)?;
            fs::rename(near, path)
        }
        done => done,
    }
}

/// A copy has the mode that a checkout gave the original.
fn copy_to(new: &Path, copy: &Path, mode: u32) -> io::Result<()> {
    let _ = fs::remove_file(copy);
    if mode == 0o120_000 {
        return std::os::unix::fs::symlink(fs::read_link(new)?, copy);
    }
    fs::copy(new, copy).map(drop)
}

fn place(draft: &Path, home: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, home)
}

/// Removes the directories above `path` that hold nothing any more, as git does.
fn remove_empty(root: &Path, path: &Path) {
    for above in path.ancestors().skip(1) {
        if above.as_os_str().is_empty() || fs::remove_dir(root.join(above)).is_err() {
            return;
        }
    }
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
