//! A claim in the caller's hands.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::dir::Dir;
use crate::error::io;
use crate::{Error, Owner, claim};

/// A port that nobody else can have. Dropped, or its process killed, it is given back; kept, it
/// is promised for good.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is given back"]
pub struct Reservation {
    dir: Dir,
    port: u16,
    owner: Owner,
    /// Open, hence locked, hence alive.
    file: File,
    to_be_given_back: bool,
}

impl Reservation {
    pub(crate) fn new(dir: Dir, port: u16, owner: Owner, file: File) -> Self {
        Self {
            dir,
            port,
            owner,
            file,
            to_be_given_back: true,
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes it a promise that outlasts this process and a power cut. Call it when the service
    /// is published. Should it fail, the claim stays and the next `reserve` tries again.
    pub fn keep(mut self) -> Result<(), Error> {
        self.to_be_given_back = false;
        let (claim, promise) = (self.dir.claim(self.port), self.dir.port(self.port));
        // The slow part, outside the lock that others wait for.
        self.file.sync_all().map_err(io("write", &claim))?;
        let lock = self.dir.lock_if_there()?;
        if !is_at(&self.file, &claim) {
            return Err(Error::Vanished { claim });
        }
        claim::promise(&self.dir, self.port, &self.owner).map_err(io("create", &promise))?;
        drop(lock);
        claim::sync_promises(&self.dir).map_err(io("write", &promise))
    }
}

impl Drop for Reservation {
    /// Under the lock, so that nobody is just looking at the file. Without it, or if removing
    /// fails, the claim is void as soon as this process ends.
    fn drop(&mut self) {
        if !self.to_be_given_back {
            return;
        }
        let claim = self.dir.claim(self.port);
        if let Ok(Some(_lock)) = self.dir.lock_if_there()
            && is_at(&self.file, &claim)
        {
            let _ = fs::remove_file(claim);
        }
    }
}

/// Whether the path still leads to this file: somebody may have tidied up by hand, and then
/// another may have claimed the port.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, there) = (file.metadata(), fs::symlink_metadata(path));
    matches!((&ours, &there), (Ok(ours), Ok(there)) if identity(ours) == identity(there))
}
