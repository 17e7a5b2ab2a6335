//! To whom a port is promised.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::names::{Host, is_label};

/// A service and the directory it lives in; the same name elsewhere is another service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    service: String,
    directory: PathBuf,
    host: Option<Host>,
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
        Ok(Self {
            service,
            directory,
            host: None,
        })
    }

    /// The same on that machine: in a registry of several, a directory alone is nobody's.
    #[must_use]
    pub fn on(self, host: Host) -> Self {
        Self {
            host: Some(host),
            ..self
        }
    }

    /// The machine, in a registry of several.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// Whether its directory is there, as far as this machine can tell: another's always is.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let elsewhere = self.host.as_ref().is_some_and(|host| *host != Host::this());
        elsewhere || self.directory.exists()
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
        write!(f, "`{}` in `{}`", self.service, self.directory.display())?;
        let mut host = self.host.iter();
        host.try_for_each(|host| write!(f, " on `{host}`"))
    }
}
