//! A template that lies in a directory. Links are not followed, and nothing but plain files is
//! opened.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::gather::{Gather, unreadable};
use super::limits::{CACHE, DEPTH, refused};
use crate::error::{Error, Kind, Result};

/// Everything in `root` but its repository and what builds have left there.
pub fn gather(root: &Path) -> Result<Gather> {
    let mut gather = Gather::default();
    // Unsorted, so that no directory has to be in memory as a whole; one level further than what
    // is allowed, so that it is seen.
    let walk = WalkDir::new(root).min_depth(1).max_depth(DEPTH + 1);
    for entry in walk.into_iter().filter_entry(is_wanted) {
        let entry = entry.map_err(|error| unwalkable(root, &error))?;
        take(&mut gather, root, &entry)?;
    }
    Ok(gather)
}

fn is_wanted(entry: &DirEntry) -> bool {
    match entry.depth() {
        0 => true,
        1 if entry.file_name() == ".git" => false,
        _ => !(entry.file_type().is_dir() && is_cache(entry.path())),
    }
}

fn is_cache(dir: &Path) -> bool {
    let (name, signature) = CACHE;
    let mut start = [0; CACHE.1.len()];
    let opened = open(&dir.join(name));
    opened.is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && &start == signature
}

fn take(gather: &mut Gather, root: &Path, entry: &DirEntry) -> Result<()> {
    let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
    let path = gather.entry(relative.as_os_str().as_bytes())?;
    let kind = entry.file_type();
    if kind.is_file() {
        let mut file = open(entry.path()).map_err(|error| unreadable(path, &error))?;
        let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
        let executable = meta.permissions().mode() & 0o111 != 0;
        gather.read(path, executable, (meta.len(), &mut file))
    } else if kind.is_symlink() {
        let target = entry.path().read_link();
        let target = target.map_err(|error| unreadable(path, &error))?;
        gather.link(path, target.into_os_string().into_vec());
        Ok(())
    } else if kind.is_dir() {
        Ok(())
    } else {
        let what = if kind.is_fifo() {
            "a named pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        };
        Err(refused(path, &format!("is {what}")))
    }
}

/// Opens a plain file and nothing else, without waiting for anybody.
pub fn open(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(std::io::Error::other("it is not a plain file"))
}

fn unwalkable(root: &Path, error: &walkdir::Error) -> Error {
    let path = error.path().unwrap_or(root);
    match error.io_error() {
        Some(cause) => Error::io("read", path, cause),
        None => Error::new(Kind::Template, error.to_string()),
    }
}
