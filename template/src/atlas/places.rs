//! Where the directories are. Everybody who shares a registry must come to the same answer:
//! this rule is Atlas's, not this service's.

use std::fs;
use std::path::{Path, PathBuf};

use super::user::User;

/// The two directories of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// What lives. Gone after a reboot, and so it should be.
    pub runtime: PathBuf,
    /// What is promised, and kept: settings, and what operators took out.
    pub data: Option<PathBuf>,
}

impl Places {
    /// Those of a process with these variables. Looks at the disk, creates nothing.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        let user = User::current();
        let named = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            std::path::absolute(value).ok()
        };
        // The base directory specification says to ignore relative paths.
        let base = |name: &str| {
            let path = variable(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let session = || base("XDG_RUNTIME_DIR").filter(|path| path.is_dir());
        let home = || base("HOME").map(|home| home.join(".local/share"));
        let below = |path: PathBuf| path.join("atlas");
        // Not `$TMPDIR`: two shells that differ in it are to meet.
        let last = || {
            let id = user.map_or(0, |user| user.id);
            format!("/tmp/atlas-{id}").into()
        };
        Self {
            runtime: named("ATLAS_DIR")
                .or_else(|| shared("/run/atlas", user))
                .or_else(|| session().map(below))
                .unwrap_or_else(last),
            data: named("ATLAS")
                .or_else(|| shared("/var/lib/atlas", user))
                .or_else(|| base("XDG_DATA_HOME").or_else(home).map(below)),
        }
    }
}

/// A directory of the system, made by who administers it.
fn shared(path: &str, user: Option<&User>) -> Option<PathBuf> {
    let path = Path::new(path);
    let metadata = fs::metadata(path).ok()?;
    let usable = metadata.is_dir() && user.is_some_and(|user| user.writes(&metadata));
    usable.then(|| path.to_owned())
}
