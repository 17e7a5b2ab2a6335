//! The one visible moment: what was proven unseen appears, or nothing does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::plan::{Git, Plan};
use crate::ports::{self, Reservation};
use crate::repo;
use crate::template::File;
use crate::verify::Verified;
use crate::workspace::Workspace;

/// A service that is there: whole, committed, its port promised.
#[derive(Debug)]
pub struct Published {
    /// Its directory.
    pub path: PathBuf,
    /// Its port.
    pub port: u16,
    /// The commit that holds it, if there is one.
    pub commit: Option<String>,
}

/// Renames the tree to its destination, which is also the last word on whether that was free;
/// then what stands around it follows. Whatever fails takes everything back.
pub fn publish(
    verified: Verified,
    reservation: Reservation,
    plan: &Plan,
    own_commit: Option<String>,
) -> Result<Published> {
    let Verified { stage } = verified;
    let moved = Moved::from(&stage.tree, &plan.destination)?;
    let undo = match (&plan.workspace, &stage.mirror) {
        (Some(workspace), Some(mirror)) => {
            Some(workspace.adopt(mirror, stage.lock_file.as_deref())?)
        }
        _ => None,
    };
    // The promise comes before the commit: if that fails, the same command gets the port again,
    // whereas a commit in somebody's repository cannot be taken back.
    ports::keep(reservation)?;
    let commit = match &plan.git {
        Git::CommitInside(around) => Some(commit_inside(
            &around.root,
            plan,
            &stage.files,
            stage.lock_file.as_deref(),
        )?),
        _ => own_commit,
    };
    moved.stay();
    undo.into_iter().for_each(crate::swap::Undo::forget);
    stage.succeed();
    Ok(Published {
        path: plan.destination.clone(),
        port: plan.port,
        commit,
    })
}

/// A tree at its destination that goes back when it is dropped.
struct Moved<'a> {
    from: &'a Path,
    to: &'a Path,
    was_there: bool,
    stays: bool,
}

impl<'a> Moved<'a> {
    fn from(from: &'a Path, to: &'a Path) -> Result<Self> {
        let was_there = to.is_dir();
        match fs::rename(from, to) {
            Ok(()) => Ok(Self {
                from,
                to,
                was_there,
                stays: false,
            }),
            Err(error) => Err(match error.kind() {
                ErrorKind::DirectoryNotEmpty
                | ErrorKind::AlreadyExists
                | ErrorKind::NotADirectory => Error::new(
                    Kind::Destination,
                    format!("`{}` was created by somebody meanwhile", to.display()),
                )
                .help("choose another name, or another directory with --into"),
                _ => Error::io("create", to, &error),
            }),
        }
    }

    fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for Moved<'_> {
    fn drop(&mut self) {
        if !self.stays && fs::rename(self.to, self.from).is_ok() && self.was_there {
            let _ = fs::create_dir(self.to);
        }
    }
}

/// Commits the service, and with it what had to change around it.
fn commit_inside(root: &Path, plan: &Plan, service: &[File], lock: Option<&str>) -> Result<String> {
    let mut files = Vec::new();
    for file in service {
        let path = inside(root, &plan.destination.join(&file.path));
        files.extend(path.map(|path| File {
            path,
            ..file.clone()
        }));
    }
    if let Some(workspace) = &plan.workspace {
        files.extend(changed_around(root, workspace, lock));
    }
    repo::commit_inside(root, &files, &plan.message()).map(|commit| commit.to_string())
}

/// The manifest and the lock file of the workspace, where this run has changed them and they had
/// no changes of the user's before. `lock` is what the lock file said then.
fn changed_around(root: &Path, workspace: &Workspace, lock: Option<&str>) -> Vec<File> {
    let before = [
        ("Cargo.toml", Some(workspace.manifest.as_str())),
        ("Cargo.lock", lock),
    ];
    let changed = before.into_iter().filter_map(|(name, before)| {
        let path = workspace.root.join(name);
        let now = fs::read_to_string(&path).ok()?;
        let path = inside(root, &path)?;
        let ours = Some(now.as_str()) != before && repo::is_clean(root, &path, before);
        ours.then(|| File {
            path,
            executable: false,
            bytes: now.into_bytes().into(),
        })
    });
    changed.collect()
}

/// `path` as the repository `root` names it.
fn inside(root: &Path, path: &Path) -> Option<String> {
    Some(path.strip_prefix(root).ok()?.to_str()?.to_owned())
}
