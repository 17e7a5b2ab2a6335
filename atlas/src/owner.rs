//! To whom a port is promised.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::names::is_label;

/// A service and the directory it lives in; the same name elsewhere is another service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    service: String,
    directory: PathBuf,
}

impl Owner {
    /// Refuses what could not be a key of the registry: names become file names, and records
    /// are read in other working directories.
    pub fn new(service: impl Into<String>, directory: impl Into<PathBuf>) -> Result<Self, Error> {
        let (service, directory) = (service.into(), directory.into());
        if !is_label(&service) {
            return Err(Error::Service { service });
        }
        if !directory.is_absolute() {
            return Err(Error::Directory { directory });
        }
        Ok(Self { service, directory })
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The service's directory, absolute.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in `{}`", self.service, self.directory.display())
    }
}
