//! The directory: keys to paths, listing, the lock.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind::NotFound;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::io;

/// Where the registry is.
#[derive(Clone, Debug)]
pub(crate) struct Dir {
    root: PathBuf,
}

/// The registry's lock, until dropped.
pub(crate) struct Lock {
    _file: File,
}

impl Dir {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn ports(&self) -> PathBuf {
        self.root.join("ports")
    }

    pub(crate) fn claims(&self) -> PathBuf {
        self.root.join("claims")
    }

    pub(crate) fn port(&self, port: u16) -> PathBuf {
        self.ports().join(port.to_string())
    }

    pub(crate) fn claim(&self, port: u16) -> PathBuf {
        self.claims().join(port.to_string())
    }

    pub(crate) fn service(&self, name: &str) -> PathBuf {
        self.root.join("services").join(name)
    }

    /// Where a file is written before it gets its name. One is enough: all do so under the lock.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join(".new")
    }

    /// Makes what is missing. The root is for its user alone, and that covers all below it: who
    /// may open the lock may hold it for ever. A root made by hand, with other rights, is
    /// taken as it is.
    pub(crate) fn create(&self) -> Result<(), Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .map_err(io("create", &self.root))?;
        for below in ["ports", "services", "claims"] {
            let path = self.root.join(below);
            fs::create_dir_all(&path).map_err(io("create", &path))?;
        }
        Ok(())
    }

    /// Waits for the lock, which others hold for milliseconds.
    pub(crate) fn lock(&self) -> Result<Lock, Error> {
        let path = self.root.join(".lock");
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(locked)
            .map_err(io("lock", &path))
    }

    /// As [`lock`](Self::lock), but creates nothing: where nobody ever reserved, nobody has to wait.
    pub(crate) fn lock_if_there(&self) -> Result<Option<Lock>, Error> {
        let path = self.root.join(".lock");
        match File::open(&path).and_then(locked) {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == NotFound => Ok(None),
            Err(error) => Err(io("lock", &path)(error)),
        }
    }

    /// The ports that are promised, by name.
    pub(crate) fn promised(&self) -> Result<HashSet<u16>, Error> {
        list(&self.ports(), port_of)
    }

    /// The ports that are claimed, by name.
    pub(crate) fn claimed(&self) -> Result<HashSet<u16>, Error> {
        list(&self.claims(), port_of)
    }

    /// What lies among the ports and claims and is neither.
    pub(crate) fn oddities(&self) -> Result<Vec<PathBuf>, Error> {
        let mut odd = Vec::new();
        for path in [self.ports(), self.claims()] {
            let named = |name: &OsStr| port_of(name).is_none().then(|| path.join(name));
            odd.extend(list::<Vec<_>, _>(&path, named)?);
        }
        Ok(odd)
    }
}

fn locked(file: File) -> std::io::Result<Lock> {
    file.lock()?;
    Ok(Lock { _file: file })
}

/// What `of` makes of each name in a directory; one that is not there is empty.
fn list<C: Default + Extend<T>, T>(
    path: &Path,
    of: impl Fn(&OsStr) -> Option<T>,
) -> Result<C, Error> {
    let mut listed = C::default();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == NotFound => return Ok(listed),
        Err(error) => return Err(io("read", path)(error)),
    };
    for entry in entries {
        let name = entry.map_err(io("read", path))?.file_name();
        listed.extend(of(&name));
    }
    Ok(listed)
}

/// The port that a file name is: `5004`, but not `05004`, `+5004` or `0`.
fn port_of(name: &OsStr) -> Option<u16> {
    let name = name.to_str()?;
    let plain = name.starts_with(|c: char| matches!(c, '1'..='9'));
    name.parse().ok().filter(|_| plain)
}
