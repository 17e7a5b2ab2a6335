//! A registration in its owner's hands: an open file, hence a lock, hence a sign of life.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::folder::Trusted;
use super::{Directory, entry};
use crate::error::io;
use crate::names::InstanceId;
use crate::picture::Seen;
use crate::reservation::is_at;
use crate::store::Registration;
use crate::{Error, Instance};

/// Dropped, it takes its entry with it.
pub(crate) struct Guard {
    store: Directory,
    instance: Instance,
    /// Never handed to a child: whoever has it open keeps the entry alive.
    file: File,
}

impl Guard {
    pub(crate) fn register(store: &Directory, instance: &Instance) -> Result<Self, Error> {
        let file = publish(store, instance, None)?;
        Ok(Self {
            store: store.clone(),
            instance: instance.clone(),
            file,
        })
    }

    fn path(&self) -> PathBuf {
        path_of(&self.store, &self.instance.id)
    }
}

impl Registration for Guard {
    fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The old file is closed only after the new one has its name.
    fn update(&mut self, instance: &Instance) -> Result<(), Error> {
        // The name is the lock's: another instance is another registration.
        let instance = Instance {
            id: self.instance.id.clone(),
            ..instance.clone()
        };
        self.file = publish(&self.store, &instance, Some(&self.file))?;
        self.instance = instance;
        Ok(())
    }

    fn renew(&mut self) -> Result<bool, Error> {
        if is_at(&self.file, &self.path()) {
            return Ok(false);
        }
        self.file = publish(&self.store, &self.instance, Some(&self.file))?;
        Ok(true)
    }
}

impl Drop for Guard {
    /// Should this fail, the entry is dead as soon as the file is closed, which is next.
    fn drop(&mut self) {
        if let Ok(_lock) = self.store.hosts.lock()
            && is_at(&self.file, &self.path())
        {
            let _ = fs::remove_file(self.path());
        }
    }
}

/// Puts an entry in its place: written aside, locked before it can be seen, renamed. All under
/// the folder's lock, so that nobody clears it away on the way and no two think a name is free.
fn publish(store: &Directory, instance: &Instance, ours: Option<&File>) -> Result<File, Error> {
    let trusted = store.hosts.make()?;
    let _lock = store.hosts.lock()?;
    let path = path_of(store, &instance.id);
    refuse_other(store, &instance.id, ours)?;
    let aside = store.hosts.path().join(format!(".{}.tmp", instance.id));
    let placed = write_aside(&aside, instance, &trusted)
        .and_then(|file| fs::rename(&aside, &path).map(|()| file));
    placed.map_err(|error| {
        let _ = fs::remove_file(&aside);
        io("write", &path)(error)
    })
}

fn write_aside(aside: &Path, instance: &Instance, trusted: &Trusted) -> std::io::Result<File> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(aside)?;
    file.try_lock()?;
    // Who may look at the folder may look at what is in it.
    file.set_permissions(Permissions::from_mode(0o600 | (trusted.mode & 0o044)))?;
    file.write_all(instance.to_line().as_bytes())?;
    Ok(file)
}

/// A name belongs to who lives under it.
fn refuse_other(store: &Directory, id: &InstanceId, ours: Option<&File>) -> Result<(), Error> {
    let path = path_of(store, id);
    if ours.is_some_and(|file| is_at(file, &path)) {
        return Ok(());
    }
    let Seen::Good(file) = entry::life(&path) else {
        return Ok(());
    };
    let text = std::io::read_to_string(&file).unwrap_or_default();
    let other = Instance::parse(text.as_bytes(), id, &store.realm).ok();
    let pid = other.and_then(|other| other.pid).map(Into::into);
    Err(Error::Held {
        id: id.clone(),
        pid,
    })
}

fn path_of(store: &Directory, id: &InstanceId) -> PathBuf {
    store.hosts.path().join(id.to_string())
}
