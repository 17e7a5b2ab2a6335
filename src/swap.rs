//! Replaces files that are not ours: all of them or none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Puts files back when it is dropped, unless the run has succeeded.
#[derive(Debug)]
pub struct Undo {
    kind: Kind,
    before: Vec<(PathBuf, Option<String>)>,
}

impl Undo {
    /// Nothing is replaced yet; a file that others change meanwhile is an error of `kind`.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            before: Vec::new(),
        }
    }

    /// Replaces the text of `path`, which must still be `old`, by `new`.
    pub fn swap(&mut self, path: &Path, old: Option<&str>, new: &str) -> Result<()> {
        if fs::read_to_string(path).ok().as_deref() != old {
            let message = format!("`{}` was changed by somebody meanwhile", path.display());
            return Err(Error::new(self.kind, message).help("run the same command again"));
        }
        write(path, new)?;
        self.before.push((path.to_owned(), old.map(str::to_owned)));
        Ok(())
    }

    /// Everything succeeded: the changes stay.
    pub fn forget(mut self) {
        self.before.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for (path, text) in self.before.drain(..).rev() {
            // Nothing is left to do about a file that cannot be put back; the error that brought
            // us here is the one to tell.
            let _ = match text {
                Some(text) => write(&path, &text),
                None => fs::remove_file(&path).map_err(|error| Error::io("remove", &path, &error)),
            };
        }
    }
}

/// Replaces a file by one rename and keeps its mode.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("write", path, &error);
    let dir = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".generate-service-")
        .tempfile_in(dir)
        .map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    let mode = fs::metadata(path).map(|meta| meta.permissions());
    let mode = mode.unwrap_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644));
    file.as_file().set_permissions(mode).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
