//! Facts without an owner. Names change under the lock of the data directory, the one that the
//! ports are given out under.

use std::fs::{self, File, OpenOptions, Permissions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Directory, entry};
use crate::claim::{self, State};
use crate::error::io;
use crate::instance::LONGEST_ENTRY;
use crate::store::{Fact, Kept, Version};
use crate::{Error, Reason};

pub(crate) fn get(store: &Directory, fact: &Fact) -> Result<Option<Kept>, Error> {
    let path = path_of(store, fact);
    let damaged = |reason| Error::Damaged {
        path: path.clone(),
        reason,
    };
    let Some(file) = entry::open(&path).map_err(damaged)? else {
        return Ok(None);
    };
    let mut text = String::new();
    let read = file.take(LONGEST_ENTRY + 1).read_to_string(&mut text);
    read.map_err(io("read", &path))?;
    if text.len() as u64 > LONGEST_ENTRY {
        return Err(Error::Damaged {
            path,
            reason: Reason::TooLong(text.len() as u64),
        });
    }
    Ok(Some(Kept {
        version: version(&text),
        text,
    }))
}

pub(crate) fn compare_and_set(
    store: &Directory,
    fact: &Fact,
    seen: Option<Version>,
    text: &str,
) -> Result<Version, Error> {
    let path = path_of(store, fact);
    fact.check(text).map_err(|reason| Error::Damaged {
        path: path.clone(),
        reason,
    })?;
    make_folder(store, fact)?;
    let _lock = store.data.lock()?;
    let now = get(store, fact)?.map(|kept| kept.version);
    if now != seen || is_claimed(store, fact) {
        return Err(Error::Conflict { path });
    }
    write(&path, text).map_err(io("write", &path))?;
    Ok(version(text))
}

pub(crate) fn delete(store: &Directory, fact: &Fact) -> Result<bool, Error> {
    let path = path_of(store, fact);
    let Some(_lock) = store.data.lock_if_there()? else {
        return Ok(false);
    };
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io("remove", &path)(error)),
    }
}

fn path_of(store: &Directory, fact: &Fact) -> PathBuf {
    match fact {
        Fact::Disabled(id) => store.disabled.path().join(id.to_string()),
        Fact::Settings(service) => store.settings.path().join(format!("{service}.json")),
        Fact::Port(port) => store.data.port(port.get()),
    }
}

fn make_folder(store: &Directory, fact: &Fact) -> Result<(), Error> {
    store.data.create()?;
    match fact {
        Fact::Disabled(_) => store.disabled.make().map(drop),
        Fact::Settings(_) => store.settings.make().map(drop),
        Fact::Port(_) => Ok(()),
    }
}

/// A port that a generator is just claiming is not free, though nothing is promised yet.
fn is_claimed(store: &Directory, fact: &Fact) -> bool {
    let Fact::Port(port) = fact else { return false };
    !matches!(
        claim::state(&store.data, port.get()),
        State::None | State::Void
    )
}

/// Written aside, made to last, renamed: a full disk or a power cut leaves what was there.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let aside = folder.join(format!(".{}.tmp", name.display()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| {
            let readers = fs::metadata(folder)?.mode() & 0o044;
            file.set_permissions(Permissions::from_mode(0o600 | readers))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written.and_then(|()| File::open(folder)?.sync_all())
}

/// Equal texts are equal facts, so a digest is version enough.
fn version(text: &str) -> Version {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    Version(hasher.finish())
}
