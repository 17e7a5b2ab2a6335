//! Where units are made ready, or taken apart, out of sight: a hidden directory with a lock that
//! any death frees, as a stage has one. What a dead generator left there goes with the next.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::stage;

/// A directory that is removed, with all that is in it, when it is dropped.
#[derive(Debug)]
pub struct Desk {
    dir: PathBuf,
    places: Cell<u32>,
    /// Held until the end.
    _lock: File,
}

impl Desk {
    /// A desk in `parent`; what dead ones left there is removed.
    pub fn new(parent: &Path) -> io::Result<Self> {
        stage::sweep(parent);
        let (dir, lock) = stage::create(parent, "cache")?;
        Ok(Self {
            dir,
            places: Cell::new(0),
            _lock: lock,
        })
    }

    /// A path on the desk that nothing has yet.
    pub fn place(&self) -> PathBuf {
        self.places.set(self.places.get() + 1);
        self.dir.join(self.places.get().to_string())
    }

    /// Takes what is at `path` away, at one moment.
    pub fn take(&self, path: &Path) -> io::Result<()> {
        match fs::rename(path, self.place()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            taken => taken,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The next desk sweeps what cannot be removed now.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
