//! Files that are there whole or not at all, whoever dies. They are in the runtime directory and
//! written anew by the next Sidecar, so nothing waits for the disk to keep them over a loss of power.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file beside the one it is to replace. Dropped, it goes.
pub struct Draft(tempfile::NamedTempFile);

impl Draft {
    /// Writes beside `path`, with mode 0600.
    pub fn write(path: &Path, text: &str) -> io::Result<Self> {
        Self::with_mode(path, text, 0o600)
    }

    fn with_mode(path: &Path, text: &str, mode: u32) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new()
            .prefix(".draft-")
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        Ok(Self(file))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts it in its place, in one step.
    pub fn publish(self, path: &Path) -> io::Result<()> {
        self.0.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Writes a file, unless it says that already.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    if says(path, text) {
        return Ok(());
    }
    Draft::write(path, text)?.publish(path)
}

/// As [`replace`], readable for whoever may enter the folder.
pub fn replace_shared(path: &Path, text: &str) -> io::Result<()> {
    if says(path, text) {
        return Ok(());
    }
    Draft::with_mode(path, text, 0o644)?.publish(path)
}

/// Whether a file says this and nothing else.
pub fn says(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|there| there == text.as_bytes())
}
