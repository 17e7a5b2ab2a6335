//! The registry of one machine: a directory, one small file per fact, no server.
//!
//! ```text
//! <runtime>/<realm>/hosts/identity@host001:5000     a registration, flock'd by who lives
//! <data>/<realm>/disabled/identity@host001:5000     an operator's "no requests", empty
//! <data>/<realm>/settings/identity.json             settings
//! <data>/ports/5004                                 a port that is promised, for all realms
//! ```
//!
//! | module | one line |
//! |---|---|
//! | `folder` | makes, trusts, locks and lists a folder |
//! | `entry` | looks at one file: dead, good or bad |
//! | `guard` | a registration in its owner's hands |
//! | `kept` | facts without an owner, by compare-and-set |
//! | `watch` | what changes, by inotify |

mod entry;
mod folder;
mod guard;
mod kept;
mod watch;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind::{NotFound, PermissionDenied};

use crate::dir::Dir;
use crate::error::io;
use crate::names::Realm;
use crate::picture::{Picture, Seen};
use crate::places::Places;
use crate::store::{Fact, Kept, Registration, Revision, Snapshot, Store, Version, Watch};
use crate::{Error, Instance};

use entry::Looker;
use folder::Folder;

/// A realm in the directories of this machine.
#[derive(Clone, Debug)]
pub struct Directory {
    realm: Realm,
    data: Dir,
    hosts: Folder,
    disabled: Folder,
    settings: Folder,
}

/// Which of the three folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    // In the order of a scan: what is disabled is known before it is seen.
    Disabled,
    Settings,
    Hosts,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Disabled, Self::Settings, Self::Hosts];
}

impl Directory {
    /// The realm's part of the directories, which need not exist. Does no I/O.
    #[must_use]
    pub fn new(places: &Places, realm: Realm) -> Self {
        let folder = |root, kind| Folder::new(root, &realm, kind);
        Self {
            data: Dir::at(places.data.clone()),
            hosts: folder(&places.runtime, "hosts"),
            disabled: folder(&places.data, "disabled"),
            settings: folder(&places.data, "settings"),
            realm,
        }
    }

    fn folder(&self, kind: Kind) -> &Folder {
        match kind {
            Kind::Disabled => &self.disabled,
            Kind::Settings => &self.settings,
            Kind::Hosts => &self.hosts,
        }
    }

    /// Looks at everything.
    fn scan(&self) -> Result<Picture, Error> {
        let mut picture = Picture::default();
        for kind in Kind::ALL {
            let Some(looker) = Looker::at(self, kind)? else {
                continue;
            };
            // Sorted, so that the same ones are too many each time.
            for name in self.folder(kind).names()? {
                looker.look(&name, &mut picture);
            }
        }
        Ok(picture)
    }

    /// What a dead owner left under one of our names, hidden or not.
    fn is_left(&self, name: &OsStr) -> bool {
        let plain = name.to_str().map(|name| {
            let hidden = name
                .strip_prefix('.')
                .and_then(|name| name.strip_suffix(".tmp"));
            hidden.unwrap_or(name)
        });
        let ours = plain.is_some_and(|name| name.parse::<crate::InstanceId>().is_ok());
        ours && matches!(entry::life(&self.hosts.path().join(name)), Seen::Absent)
    }

    fn remove_left(&self, name: OsString) -> Result<Option<String>, Error> {
        let path = self.hosts.path().join(&name);
        if !self.is_left(&name) {
            return Ok(None);
        }
        match fs::remove_file(&path) {
            Ok(()) => Ok(name.into_string().ok()),
            // Another user's, in a shared folder: for that user to clear away.
            Err(error) if matches!(error.kind(), NotFound | PermissionDenied) => Ok(None),
            Err(error) => Err(io("remove", &path)(error)),
        }
    }
}

impl Store for Directory {
    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn read(&self) -> Result<Snapshot, Error> {
        Ok(self.scan()?.snapshot())
    }

    fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, Error> {
        Ok(Box::new(watch::Following::start(self, since)?))
    }

    fn register(&self, instance: &Instance) -> Result<Box<dyn Registration>, Error> {
        Ok(Box::new(guard::Guard::register(self, instance)?))
    }

    fn get(&self, fact: &Fact) -> Result<Option<Kept>, Error> {
        kept::get(self, fact)
    }

    fn compare_and_set(
        &self,
        fact: &Fact,
        seen: Option<Version>,
        text: &str,
    ) -> Result<Version, Error> {
        kept::compare_and_set(self, fact, seen, text)
    }

    fn delete(&self, fact: &Fact) -> Result<bool, Error> {
        kept::delete(self, fact)
    }

    /// Under the folder's lock: between "its owner is dead" and the removal nobody can put a live
    /// file in its place.
    fn prune(&self) -> Result<Vec<String>, Error> {
        if self.hosts.trusted()?.is_none() {
            return Ok(Vec::new());
        }
        let _lock = self.hosts.lock()?;
        let names = self.hosts.all_names()?.into_iter();
        let removed = names
            .map(|name| self.remove_left(name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(removed.into_iter().flatten().collect())
    }
}
