//! Claims in flight. Everything here is done under the registry's lock.

use std::fs::{self, File, OpenOptions, TryLockError};

use toml_edit::DocumentMut;

use crate::dir::Dir;
use crate::error::io;
use crate::record::{self, Found};
use crate::{Error, Owner};

/// What is known of the claim on a port.
pub(crate) enum State {
    None,
    /// Its generator lives.
    Live(Owner),
    /// Its generator died after its service was published and before the promise was kept.
    Published {
        owner: Owner,
        file: File,
    },
    /// Its generator died before that: nobody has this port.
    Void,
    /// Locked by somebody unknown, or no file of ours. Not to be touched.
    Garbage,
}

/// Looks at the claim on a port. The lock on the file tells the living from the dead.
pub(crate) fn state(dir: &Dir, port: u16) -> State {
    let file = match OpenOptions::new()
        .read(true)
        .write(true)
        .open(dir.claim(port))
    {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return State::None,
        Err(_) => return State::Garbage,
    };
    match (file.try_lock(), record::read_file(&file)) {
        (Err(TryLockError::WouldBlock), Found::Owner(owner)) => State::Live(owner),
        (Err(_), _) => State::Garbage,
        (Ok(()), Found::Owner(owner)) if is_published(&owner, port) => {
            State::Published { owner, file }
        }
        (Ok(()), _) => State::Void,
    }
}

/// Ends the claims of dead generators: a published service gets its promise, the rest is
/// cleared away. What cannot be ended is left to `state`; it must not stop others.
pub(crate) fn settle(dir: &Dir) -> Result<(), Error> {
    for port in dir.claimed()? {
        let _ = match state(dir, port) {
            State::Void => fs::remove_file(dir.claim(port)),
            State::Published { owner, file } => file
                .sync_all()
                .and_then(|()| promise(dir, port, &owner))
                .and_then(|()| sync_promises(dir)),
            State::None | State::Live(_) | State::Garbage => Ok(()),
        };
    }
    Ok(())
}

/// Claims a free port for as long as the file is open.
pub(crate) fn stake(dir: &Dir, port: u16, owner: &Owner) -> Result<File, Error> {
    let path = dir.claim(port);
    let write = || {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        // Killed before it is locked or written, the claim is void: it names no service.
        file.try_lock()?;
        record::write(&file, owner)?;
        Ok(file)
    };
    write().map_err(io("write", &path))
}

/// Turns a claim into a promise: this rename is the moment. The hint comes first and may fail;
/// without it a service that is generated anew gets another port, nothing worse.
pub(crate) fn promise(dir: &Dir, port: u16, owner: &Owner) -> std::io::Result<()> {
    let hint = dir.service(owner.service());
    let _ = record::write_hint(&hint, &dir.temporary(), owner, port);
    fs::rename(dir.claim(port), dir.port(port))
}

/// Makes renames into `ports/` outlast a power cut.
pub(crate) fn sync_promises(dir: &Dir) -> std::io::Result<()> {
    File::open(dir.ports())?.sync_all()
}

/// Whether the service stands where the claim says, with that port. Publishing is one rename
/// of a directory, so a `service.toml` that is there is whole.
fn is_published(owner: &Owner, port: u16) -> bool {
    let manifest = fs::read_to_string(owner.directory().join("service.toml"));
    let Some(manifest) = manifest
        .ok()
        .and_then(|text| text.parse::<DocumentMut>().ok())
    else {
        return false;
    };
    let service = |key| manifest.get("service").and_then(|table| table.get(key));
    service("name").and_then(|name| name.as_str()) == Some(owner.service())
        && service("port").and_then(toml_edit::Item::as_integer) == Some(port.into())
}
