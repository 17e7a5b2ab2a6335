//! The stage: a hidden directory beside the destination, in which everything happens unseen. In a
//! workspace whose globs would take it for a member there, it stands further up.
//!
//! Its owner holds a lock on it, which the kernel frees on any death. So a stage whose lock is
//! free belongs to nobody, and the next run sweeps it away.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::plan::Plan;
use crate::source::{self, Source, Ways};
use crate::template as service;

/// What every stage has in its name.
const MARK: &str = ".generate-service-";

/// A directory that is removed when it is dropped, with the service's tree in it.
#[derive(Debug)]
pub struct Stage {
    /// The hidden directory itself.
    dir: PathBuf,
    /// The service's tree in it; inside the mirror of a workspace, if it joins one.
    pub tree: PathBuf,
    /// What is in the tree and belongs to the service.
    pub files: Vec<service::File>,
    /// The root of that mirror.
    pub mirror: Option<PathBuf>,
    /// The workspace's lock file when the mirror was made.
    pub lock_file: Option<String>,
    /// The target directory of the service, if it is there and has one.
    pub target: Option<PathBuf>,
    /// Where the tree goes if the run fails and the user wants to see it.
    wreck: Option<PathBuf>,
    /// Held until the end of the run.
    _lock: File,
}

impl Stage {
    /// Makes a stage beside the plan's destination and writes the tree into it.
    pub fn write(plan: &Plan) -> Result<Self> {
        let mut stage = Self::empty(plan, Some(plan.name.as_str()))?;
        stage.files.clone_from(&plan.files);
        stage.write_files(plan)?;
        stage.lay_mirror(plan)?;
        Ok(stage)
    }

    /// Makes a stage for a service that is there. `write` writes its tree. It stands as deep as the
    /// service does, so that `../` leads where it leads from there.
    pub fn beside(plan: &Plan, write: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let mut stage = Self::empty(plan, None)?;
        let target = plan.destination.join("target");
        stage.target = Some(target).filter(|target| target.is_dir());
        make_dir(&stage.tree)?;
        write(&stage.tree)?;
        stage.lay_mirror(plan)?;
        Ok(stage)
    }

    /// A stage with nothing in it; a tree that joins no workspace will be in it, at `below`
    /// or right there.
    fn empty(plan: &Plan, below: Option<&str>) -> Result<Self> {
        let parent = place(plan);
        sweep(parent);
        let made = create(parent, plan.name.as_str());
        let (dir, lock) = made.map_err(|error| no_place(parent, &error))?;
        let mirror = plan.workspace.as_ref().map(|_| dir.join("workspace"));
        let tree = match (&plan.workspace, &mirror) {
            (Some(workspace), Some(mirror)) => mirror.join(&workspace.place),
            _ => below.map_or_else(|| dir.clone(), |below| dir.join(below)),
        };
        Ok(Self {
            dir,
            tree,
            files: Vec::new(),
            mirror,
            lock_file: None,
            target: None,
            wreck: plan.keep_on_failure.then(|| wreck(plan)),
            _lock: lock,
        })
    }

    fn lay_mirror(&mut self, plan: &Plan) -> Result<()> {
        if let (Some(workspace), Some(mirror)) = (&plan.workspace, &self.mirror) {
            self.lock_file = workspace.mirror(mirror)?;
        }
        Ok(())
    }

    /// Links what lies in the service's directory and is not in git, such as generated files and
    /// local settings: its build may need them. `known` are the paths of what is.
    pub fn link_the_rest(&self, plan: &Plan, known: &BTreeSet<PathBuf>) -> Result<()> {
        const NEVER: [&str; 2] = ["target", ".git"];
        let mut open = vec![PathBuf::new()];
        while let Some(dir) = open.pop() {
            let Ok(entries) = fs::read_dir(plan.destination.join(&dir)) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let here = dir.join(&name);
                let link = self.tree.join(&here);
                if NEVER.iter().any(|never| here == Path::new(never)) || is_one(&name) {
                    continue;
                }
                let is_known = known.range(here.clone()..).next();
                if is_known.is_some_and(|known| known.starts_with(&here)) {
                    if link.is_dir() && !link.is_symlink() {
                        open.push(here);
                    }
                } else if link.symlink_metadata().is_err() {
                    let linked = std::os::unix::fs::symlink(entry.path(), &link);
                    linked.map_err(|error| Error::io("link", &link, &error))?;
                }
            }
        }
        Ok(())
    }

    /// Takes what commands have made of the tree for what belongs to the service.
    pub fn read_back(&mut self) -> Result<()> {
        let here = Source::Directory(self.tree.clone());
        let ways = Ways {
            offline: true,
            human: false,
        };
        self.files = source::obtain(&here, ways)?.files;
        Ok(())
    }

    /// Takes the lock file that cargo has written, unless the service is none of its own.
    pub fn take_lock(&mut self) -> Result<()> {
        const LOCK: &str = "Cargo.lock";
        let path = self.tree.join(LOCK);
        if self.mirror.is_some() || !path.exists() {
            return Ok(());
        }
        let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, &error))?;
        self.files.retain(|file| file.path != LOCK);
        let at = self.files.partition_point(|file| file.path.as_str() < LOCK);
        let file = service::File {
            path: LOCK.to_owned(),
            executable: false,
            bytes: bytes.into(),
        };
        self.files.insert(at, file);
        Ok(())
    }

    /// The tree is where it belongs: what is left here is no wreck.
    pub fn succeed(mut self) {
        self.wreck = None;
    }

    /// What cargo takes for the root, and where that will be in the end.
    #[must_use]
    pub fn root(&self, plan: &Plan) -> (PathBuf, PathBuf) {
        match (&self.mirror, &plan.workspace) {
            (Some(mirror), Some(workspace)) => (mirror.clone(), workspace.root.clone()),
            _ => (self.tree.clone(), plan.destination.clone()),
        }
    }

    fn write_files(&self, plan: &Plan) -> Result<()> {
        make_dir(&self.tree)?;
        let mut last = PathBuf::new();
        for file in &plan.files {
            interrupt::check()?;
            let path = self.tree.join(&file.path);
            let above = path.parent().unwrap_or(&path);
            if above != last {
                make_dir(above)?;
                above.clone_into(&mut last);
            }
            let mode = if file.executable { 0o777 } else { 0o666 };
            let open = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&path);
            open.and_then(|mut target| target.write_all(&file.bytes))
                .map_err(|error| Error::io("write", &path, &error))?;
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The error that brought us here, if one did, is the one to tell.
        if let Some(wreck) = &self.wreck {
            let _ = fs::rename(&self.tree, wreck);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Where a failed run with `--keep-on-failure` leaves what it has made.
#[must_use]
pub fn wreck(plan: &Plan) -> PathBuf {
    let name = format!("{}.failed-{}", plan.name, std::process::id());
    place(plan).join(name)
}

/// The directory that stages stand in: beside the destination, unless a workspace would take
/// them for members there.
fn place(plan: &Plan) -> &Path {
    let beside = plan.destination.parent().unwrap_or(&plan.destination);
    let workspace = plan.workspace.as_ref();
    workspace.map_or(beside, |workspace| &workspace.staging)
}

/// Whether a directory of this name is a stage, of ours or of others.
#[must_use]
pub fn is_one(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') && name.contains(MARK)
}

/// A new stage in `parent`, and the lock on it.
pub fn create(parent: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    loop {
        let dir = tempfile::Builder::new()
            .prefix(&format!(".{name}{MARK}"))
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .tempdir_in(parent)?
            .keep();
        // Somebody may have swept it between its creation and its lock.
        if let Some(lock) = lock(&dir) {
            return Ok((dir, lock));
        }
    }
}

/// Some file systems take no directories although they say they would.
fn no_place(parent: &Path, error: &io::Error) -> Error {
    let error = Error::io("create a directory in", parent, error);
    match error.help {
        Some(_) => error,
        None => Error::new(Kind::Destination, error.message)
            .help("choose another directory with --into"),
    }
}

/// The lock of the directory that has this name now, if nobody else holds it.
fn lock(dir: &Path) -> Option<File> {
    let file = File::open(dir).ok()?;
    file.try_lock().ok()?;
    let (ours, named) = (file.metadata().ok()?, dir.symlink_metadata().ok()?);
    (ours.ino() == named.ino() && ours.dev() == named.dev()).then_some(file)
}

/// Removes the stages of runs that were killed.
pub fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && is_one(&entry.file_name()) {
            let path = entry.path();
            if let Some(_lock) = lock(&path) {
                // What another user left cannot be removed, and harms nobody.
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

fn make_dir(path: &Path) -> Result<()> {
    match fs::create_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io("create", path, &error))
        }
        _ => Ok(()),
    }
}
