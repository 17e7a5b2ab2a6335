//! Where the directories are. Everybody who shares a registry must come to the same answer, so
//! this rule is the whole of it, and `README.md` tells it to other languages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::Error;

/// The two directories of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// What lives. Gone after a reboot, and so it should be.
    pub runtime: PathBuf,
    /// What is promised. Kept.
    pub data: PathBuf,
}

impl Places {
    /// The directories for a process with this environment. Looks at the disk, creates nothing.
    pub fn find(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        Ok(Self {
            runtime: runtime(&env),
            data: data(&env).ok_or(Error::Homeless)?,
        })
    }
}

/// `$ATLAS_DIR`, else `/run/atlas` if it can be written, else `$XDG_RUNTIME_DIR/atlas`, else
/// `/tmp/atlas-UID`.
pub fn runtime(env: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let user = || {
        let session = absolute(&env, "XDG_RUNTIME_DIR").filter(|path| path.is_dir());
        session.map(|path| path.join("atlas"))
    };
    // Not `$TMPDIR`: two shells that differ in it are to meet.
    let last = || format!("/tmp/atlas-{}", rustix::process::geteuid().as_raw()).into();
    named(&env, "ATLAS_DIR")
        .or_else(|| shared("/run/atlas"))
        .or_else(user)
        .unwrap_or_else(last)
}

/// `$ATLAS`, else `/var/lib/atlas` if it can be written, else `$XDG_DATA_HOME/atlas`, else
/// `~/.local/share/atlas`; nowhere without an absolute `HOME`.
pub fn data(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = || absolute(&env, "HOME").map(|home| home.join(".local/share"));
    let user = || absolute(&env, "XDG_DATA_HOME").or_else(home);
    named(&env, "ATLAS")
        .or_else(|| shared("/var/lib/atlas"))
        .or_else(|| user().map(|data| data.join("atlas")))
}

/// A directory of the system, made by who administers it: never by us, though root could.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let usable =
        path.is_dir() && rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    usable.then(|| path.to_owned())
}

/// What somebody named is meant as a shell would take it.
fn named(env: impl Fn(&str) -> Option<OsString>, variable: &str) -> Option<PathBuf> {
    let value = env(variable).filter(|value| !value.is_empty())?;
    std::path::absolute(value).ok()
}

/// The base directory specification says to ignore relative paths.
fn absolute(env: impl Fn(&str) -> Option<OsString>, variable: &str) -> Option<PathBuf> {
    env(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
