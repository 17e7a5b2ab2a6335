//! A look at one file.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::folder::Trusted;
use super::{Directory, Kind};
use crate::instance::LONGEST_ENTRY;
use crate::names::{InstanceId, ServiceName};
use crate::picture::{Picture, Place, Seen};
use crate::store::Change;
use crate::{Error, Instance, Reason, Settings};

/// Looks at the files of one folder.
pub(crate) struct Looker<'a> {
    store: &'a Directory,
    kind: Kind,
    trusted: Trusted,
}

impl<'a> Looker<'a> {
    /// `None` where the folder is not there.
    pub(crate) fn at(store: &'a Directory, kind: Kind) -> Result<Option<Self>, Error> {
        let trusted = store.folder(kind).trusted()?;
        Ok(trusted.map(|trusted| Self {
            store,
            kind,
            trusted,
        }))
    }

    /// Looks at what has this name now, and changes the picture.
    pub(crate) fn look(&self, name: &OsStr, picture: &mut Picture) -> Vec<Change> {
        let path = self.store.folder(self.kind).path().join(name);
        let place = |id| Place {
            text: safe(&path),
            id,
        };
        let text = name.to_str();
        let garbage = |picture: &mut Picture| {
            let there = path.symlink_metadata().is_ok();
            picture.garbage(place(None), there)
        };
        if self.kind == Kind::Settings {
            let service = text.and_then(|name| name.strip_suffix(".json"));
            let Some(service) = service.and_then(|name| name.parse::<ServiceName>().ok()) else {
                return garbage(picture);
            };
            return picture.settings(place(None), &service, self.settings(&path));
        }
        let Some(id) = text.and_then(|name| name.parse::<InstanceId>().ok()) else {
            return garbage(picture);
        };
        match self.kind {
            Kind::Hosts => {
                picture.instance(place(Some(id.clone())), &id, self.instance(&path, &id))
            }
            _ => picture.disabled(place(None), &id, self.disabled(&path)),
        }
    }

    /// A registration counts while its owner lives, and only then does what it says matter.
    fn instance(&self, path: &Path, id: &InstanceId) -> Seen<Instance> {
        let file = match life(path) {
            Seen::Good(file) => file,
            Seen::Absent => return Seen::Absent,
            Seen::Bad(reason) => return Seen::Bad(reason),
        };
        let instance = self
            .text(&file)
            .and_then(|text| Instance::parse(&text, id, &self.store.realm));
        instance.map_or_else(Seen::Bad, Seen::Good)
    }

    fn disabled(&self, path: &Path) -> Seen<()> {
        self.kept(path, |_| Ok(()))
    }

    fn settings(&self, path: &Path) -> Seen<Settings> {
        self.kept(path, Settings::parse)
    }

    fn kept<T>(&self, path: &Path, parse: impl Fn(&[u8]) -> Result<T, Reason>) -> Seen<T> {
        match open(path) {
            Ok(None) => Seen::Absent,
            Ok(Some(file)) => {
                let good = self.text(&file).and_then(|text| parse(&text));
                good.map_or_else(Seen::Bad, Seen::Good)
            }
            Err(reason) => Seen::Bad(reason),
        }
    }

    /// What it says, if its owner has a say. In a shared folder that is root, us, and who owns the
    /// folder: anybody else could put an instance of `billing` there.
    fn text(&self, file: &File) -> Result<Vec<u8>, Reason> {
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        let has_a_say = [0, rustix::process::geteuid().as_raw(), self.trusted.owner];
        if !has_a_say.contains(&owner) {
            return Err(Reason::Owner(owner));
        }
        if mode & 0o022 != 0 {
            return Err(Reason::Mode(mode));
        }
        let mut text = Vec::new();
        let read = file.take(LONGEST_ENTRY + 1).read_to_end(&mut text);
        read.map_err(|error| unreadable(&error))?;
        if text.len() as u64 > LONGEST_ENTRY {
            return Err(Reason::TooLong(metadata.len()));
        }
        Ok(text)
    }
}

/// Whether a registration's owner lives: nobody can share the lock of who holds it alone. The
/// kernel ends that with the owner, however it dies.
pub(crate) fn life(path: &Path) -> Seen<File> {
    let file = match open(path) {
        Ok(Some(file)) => file,
        Ok(None) => return Seen::Absent,
        Err(reason) => return Seen::Bad(reason),
    };
    match file.try_lock_shared() {
        Ok(()) => Seen::Absent,
        Err(TryLockError::WouldBlock) => Seen::Good(file),
        Err(TryLockError::Error(error)) => Seen::Bad(unreadable(&error)),
    }
}

/// A plain file, or `None` where there is none. Follows no link, waits for no pipe.
pub(crate) fn open(path: &Path) -> Result<Option<File>, Reason> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP | Errno::NXIO) => return Err(Reason::NotAFile),
        Err(error) => return Err(unreadable(&error.into())),
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(file)),
        Ok(_) => Err(Reason::NotAFile),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &std::io::Error) -> Reason {
    Reason::Unreadable(error.to_string())
}

/// A path that can be printed, whatever somebody has called a file.
fn safe(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
