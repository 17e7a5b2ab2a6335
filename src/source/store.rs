//! What was fetched of the repositories of others, so that nothing is fetched twice.
//!
//! # What lies where
//! ```text
//! ~/.cache/generate-service/templates/
//!   service-0123456789abcdef/     a repository: the end of its name, and a hash of its address
//!     lock                        held by whoever fetches
//!     3f0c…e1/                    a commit: a bare repository that holds its tree
//!     wanted-0123456789abcdef.toml  what a branch, a tag or a short id led to, and when
//! ```
//!
//! A commit comes to its place by one rename and never changes there, so a run that is killed
//! leaves nothing that another could stumble over, and reading needs no lock. Git checks every
//! object against its name as it is read: what is damaged is noticed, and fetched anew.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use toml_edit::{DocumentMut, value};

use super::gather::Gather;
use super::{Obtained, Want, limits};
use crate::error::{Error, Kind, Result};
use crate::repo::objects::{self, Entry, What};
use crate::repo::remote::{self, Remote};
use crate::{interrupt, repo, stage};

/// How many commits of one repository are kept.
const COMMITS: usize = 10;

/// What is kept of one repository.
struct Store<'a> {
    dir: PathBuf,
    remote: Remote<'a>,
    want: &'a Want,
}

/// Gets what `want` says of the repository `remote`, out of the cache at `cache` if it is there.
pub fn obtain(cache: &Path, remote: Remote, want: &Want, offline: bool) -> Result<Obtained> {
    let dir = cache.join(name_of(remote.id));
    stage::sweep(&dir);
    let store = Store { dir, remote, want };
    if let Some(commit) = store.known(offline)?
        && let Some(found) = store.read(&commit)?
    {
        return Ok(found);
    }
    if offline {
        return Err(store.not_here());
    }
    let commit = store.look_up()?;
    if let Some(commit) = &commit
        && let Some(found) = store.read(commit)?
    {
        store.record(&found)?;
        return Ok(found);
    }
    let found = store.fetch(commit.as_deref())?;
    store.record(&found)?;
    Ok(found)
}

impl Store<'_> {
    /// The commit that is wanted, as far as that can be known without asking anybody.
    fn known(&self, offline: bool) -> Result<Option<String>> {
        let Want::Rev(rev) = self.want else {
            return Ok(self.recorded().filter(|_| offline));
        };
        let mut known = self.commits();
        known.retain(|(_, commit)| commit.starts_with(rev.as_str()));
        match &*known {
            [] => Ok(None),
            [(_, commit)] => Ok(Some(commit.clone())),
            _ => Err(remote::ambiguous(rev)),
        }
    }

    /// The commit that is wanted, as the remote has it now; `None` if all of it must be fetched to
    /// know.
    fn look_up(&self) -> Result<Option<String>> {
        let Want::Rev(rev) = self.want else {
            let (what, name) = self.want.parts();
            let found = self.remote.commit_of(&reference(self.want));
            let found = found.map_err(|error| self.or_offline(error))?;
            return match found {
                Some(commit) => Ok(Some(commit)),
                None => Err(self.remote.has_no(what, name)),
            };
        };
        match self.remote.local {
            _ if rev.len() == 40 => Ok(Some(rev.clone())),
            Some(dir) if remote::is_repository(dir) => {
                let found = remote::with_prefix(dir, rev)?;
                let commit = found.ok_or_else(|| self.remote.has_no("commit", rev))?;
                Ok(Some(commit))
            }
            _ => Ok(None),
        }
    }

    /// Fetches what is wanted, unless somebody else does so at this moment.
    fn fetch(&self, commit: Option<&str>) -> Result<Obtained> {
        let _lock = self.lock()?;
        if let Some(commit) = commit
            && let Some(found) = self.read(commit)?
        {
            return Ok(found);
        }
        let desk = Desk::new(&self.dir)?;
        let repository = desk.dir.join("repository");
        remote::prepare(&repository)?;
        let fetched = match self.want {
            Want::Rev(rev) => self.fetch_commit(commit.unwrap_or(rev), &repository),
            _ => self.remote.fetch(&reference(self.want), &repository),
        };
        let commit = fetched.map_err(|error| self.or_offline(error))?;
        self.put(&desk, &repository, &commit)?;
        self.read(&commit)?.ok_or_else(|| {
            let id = self.remote.id.escape_debug();
            Error::new(Kind::Fetch, format!("what came from `{id}` is damaged"))
        })
    }

    /// Not every server gives a commit that no reference leads to; and a short id means nothing
    /// to any.
    fn fetch_commit(&self, rev: &str, into: &Path) -> Result<String> {
        if rev.len() == 40
            && let Ok(commit) = self.remote.fetch(rev, into)
        {
            return Ok(commit);
        }
        interrupt::check()?;
        self.remote.fetch_all(into)?;
        let found = remote::with_prefix(into, rev)?;
        found.ok_or_else(|| self.remote.has_no("commit", rev))
    }

    /// Puts a repository that holds `commit` to its place, and takes away what is too much.
    fn put(&self, desk: &Desk, repository: &Path, commit: &str) -> Result<()> {
        let home = self.dir.join(commit);
        // What is there could not be read.
        desk.take(&home, commit);
        fs::rename(repository, &home).map_err(|error| Error::io("create", &home, &error))?;
        let mut old = self.commits();
        old.sort_unstable();
        for (_, old) in old.iter().rev().skip(COMMITS) {
            desk.take(&self.dir.join(old), old);
        }
        Ok(())
    }

    /// The tree of `commit`, if it is here and whole.
    fn read(&self, commit: &str) -> Result<Option<Obtained>> {
        let home = self.dir.join(commit);
        if !home.is_dir() {
            return Ok(None);
        }
        let mut gather = Gather::default();
        match objects::each_entry(&home, commit, &mut |entry| take(&mut gather, entry)) {
            Err(error) if error.kind == Kind::Cache => return Ok(None),
            outcome => outcome?,
        }
        let (files, warnings) = gather.finish()?;
        Ok(Some(Obtained {
            tree: repo::tree_id(&files)?,
            id: self.remote.id.to_owned(),
            commit: Some(commit.to_owned()),
            files,
            warnings,
        }))
    }

    /// The commits that are here, with the time when they came.
    fn commits(&self) -> Vec<(std::time::SystemTime, String)> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let commits = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_id = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            let time = is_id.then(|| entry.metadata())?.ok()?.modified().ok()?;
            Some((time, name))
        });
        commits.collect()
    }

    fn record_path(&self) -> PathBuf {
        let name = hash(&reference(self.want));
        self.dir.join(format!("wanted-{name}.toml"))
    }

    /// The commit that what is wanted led to when it was last looked up.
    fn recorded(&self) -> Option<String> {
        let text = fs::read_to_string(self.record_path()).ok()?;
        let record = text.parse::<DocumentMut>().ok()?;
        record.get("commit")?.as_str().map(str::to_owned)
    }

    fn record(&self, found: &Obtained) -> Result<()> {
        let path = self.record_path();
        if self.recorded() == found.commit {
            return Ok(());
        }
        let mut record = DocumentMut::new();
        record["url"] = value(self.remote.id);
        record["wanted"] = value(self.want.to_string());
        record["commit"] = value(found.commit.as_deref().unwrap_or_default());
        record["tree"] = value(&found.tree);
        record["fetched"] = value(jiff::Timestamp::now().to_string());
        let desk = Desk::new(&self.dir)?;
        let new = desk.dir.join("record");
        let written = fs::write(&new, record.to_string()).and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| Error::io("write", &path, &error))
    }

    /// Waits until nobody else fetches from this repository.
    fn lock(&self) -> Result<File> {
        make_dir(&self.dir)?;
        let path = self.dir.join("lock");
        let file = File::create(&path).map_err(|error| Error::io("create", &path, &error))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) => {
                    interrupt::check()?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::Error(error)) => {
                    return Err(Error::io("lock", &path, &error));
                }
            }
        }
    }

    fn not_here(&self) -> Error {
        let (id, want) = (self.remote.id.escape_debug(), self.want);
        let message = format!("{want} of `{id}` is not in the cache");
        Error::new(Kind::Fetch, message).help("run it once without --offline")
    }

    fn or_offline(&self, error: Error) -> Error {
        let here = self.recorded();
        let here = here.is_some_and(|commit| self.dir.join(commit).is_dir());
        match error.kind {
            Kind::Fetch if here => error.help("what was fetched before is there: --offline"),
            _ => error,
        }
    }
}

fn take(gather: &mut Gather, entry: &Entry) -> Result<()> {
    let path = gather.entry(entry.path)?;
    match entry.what {
        What::Directory => {}
        What::Submodule => gather.submodule(path),
        What::File(executable) => {
            gather.room(path, entry.size()?)?;
            gather.file(path, executable, entry.read()?)?;
        }
        What::Link if entry.size()? > limits::PATH_BYTES as u64 => {
            return Err(limits::refused(
                path,
                "is a link to a path that is too long",
            ));
        }
        What::Link => gather.link(path, entry.read()?),
    }
    Ok(())
}

/// Where a commit is made ready; gone, with all that is in it, when it is dropped.
struct Desk {
    dir: PathBuf,
    _lock: File,
}

impl Desk {
    fn new(parent: &Path) -> Result<Self> {
        let made = stage::create(parent, "fetch");
        let (dir, lock) = made.map_err(|error| Error::io("write to", parent, &error))?;
        Ok(Self { dir, _lock: lock })
    }

    /// Takes what is at `path` away, at one moment.
    fn take(&self, path: &Path, name: &str) {
        // One that is not there is what was wanted, and whoever puts something there will say so.
        let _ = fs::rename(path, self.dir.join(name));
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The next run sweeps what cannot be removed now.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// For its owner only: what is in it may have taken a password to get.
fn make_dir(dir: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(dir);
    made.map_err(|error| Error::io("create", dir, &error))
}

/// What git calls what is wanted.
fn reference(want: &Want) -> String {
    match want {
        Want::Default => "HEAD".to_owned(),
        Want::Branch(name) => format!("refs/heads/{name}"),
        Want::Tag(name) => format!("refs/tags/{name}"),
        Want::Rev(id) => id.clone(),
    }
}

/// The name of the directory for the repository `id`.
fn name_of(id: &str) -> String {
    let end = id.trim_end_matches(".git").rsplit(['/', ':']).next();
    let letters = end.unwrap_or_default().chars().map(|letter| {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            letter
        } else {
            '-'
        }
    });
    let name = letters.take(40).collect::<String>();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "template" } else { name };
    format!("{name}-{}", hash(id))
}

/// Sixteen digits that stand for `text`.
fn hash(text: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(text));
    digest[..16].to_owned()
}
