//! Carries out a journal.

use std::fs;
use std::io;
use std::path::Path;

use git2::{Index, Oid, Repository};
use walkdir::WalkDir;

use super::super::merge::entry;
use super::super::{failed, path_of};
use super::{DIR, DRAFT, JOURNAL, Journal, hash, lock, locks, opened, remove_empty, seen};
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};

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
    // So does the next run.
    let _ = fs::remove_dir_all(git_dir.join(DIR).join(DRAFT));
    Ok(left)
}

/// Whether a journal is there to be carried out.
#[must_use]
pub fn is_begun(git_dir: &Path) -> bool {
    git_dir.join(DIR).join(JOURNAL).exists()
}

/// Somebody else went on from where the update began.
#[must_use]
pub fn given_up() -> Error {
    let message = "a commit was made in the middle of the update, which was given up";
    Error::new(Kind::Git, message).help("git status")
}

fn carry_out(git_dir: &Path, journal: &Journal) -> Result<Vec<String>> {
    let failed = |error: git2::Error| failed("update", &journal.root, &error);
    let repository = opened(git_dir, &journal.root).map_err(failed)?;
    let now = repository.head().and_then(|head| head.peel_to_commit());
    let now = now.map_err(failed)?.id().to_string();
    if now != journal.head && Some(&now) != journal.commit.as_ref() {
        // What was written by then is there to be looked at.
        let _ = fs::remove_file(git_dir.join(DIR).join(JOURNAL));
        return Err(given_up());
    }
    let left = write_files(git_dir, journal)?;
    record(&repository, journal, &left).map_err(failed)?;
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
        if now != file.was || leads_through_a_link(&journal.root, path_of(&file.path)) {
            left.push(shown(&file.path));
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
fn record(repository: &Repository, journal: &Journal, left: &[String]) -> Result<(), git2::Error> {
    locks::sweep(repository, journal.commit.as_ref());
    locks::change_index(repository, |index| fill(index, journal, left))?;
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

/// A file that was left alone is none that git may take for what it has.
fn fill(index: &mut Index, journal: &Journal, left: &[String]) -> Result<(), git2::Error> {
    for file in &journal.files {
        let path = path_of(&file.path);
        let _ = index.conflict_remove(path);
        match &file.becomes {
            Some((_, mode, id)) => {
                let entry = entry(&file.path, *mode, Oid::from_str(id)?);
                let alone = left.contains(&shown(&file.path));
                let entry = if alone {
                    entry
                } else {
                    seen(&journal.root, entry)
                };
                index.add(&entry)?;
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
    Ok(())
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
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

/// Whether a directory above `path` is a link: what is behind it is nobody's of this repository.
fn leads_through_a_link(root: &Path, path: &Path) -> bool {
    let mut above = path.ancestors().skip(1);
    above.any(|above| !above.as_os_str().is_empty() && root.join(above).is_symlink())
}

/// Puts what is in `new` at `path`, by one rename. What is made on the way lies beside the journal,
/// so that a run that is killed leaves nothing among the user's files.
fn put(new: &Path, path: &Path, mode: u32) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let copy = new.with_extension("copy");
    copy_to(new, &copy, mode)?;
    make_way(path);
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

/// Removes what is at `path`, if it is a directory with nothing but directories in it.
fn make_way(path: &Path) {
    let walk = WalkDir::new(path).contents_first(true);
    let entries = walk.follow_root_links(false).into_iter().flatten();
    for dir in entries.filter(|entry| entry.file_type().is_dir()) {
        // One that holds something stays, and the rename says why it cannot be done.
        let _ = fs::remove_dir(dir.path());
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
