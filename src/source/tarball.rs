//! Tar archives. Their extensions (long names, and what POSIX calls pax) are read here and not by
//! the crate, which would take names of any length into memory.

use std::io::{self, Read, Write};

use tar::{Archive, Entry, EntryType};

use super::archive::{Failure, tidy};
use super::gather::Gather;
use super::limits::refused;
use crate::template::File;

/// More than any path that is allowed.
const NAME: u64 = 8 << 10;

/// Reads all of `from` into `gather`.
pub fn read(from: impl Read, gather: &mut Gather) -> Result<(), Failure> {
    let mut archive = Archive::new(from);
    let mut next = Next::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::GNULongName => next.path = Some(name(&mut entry)?),
            EntryType::GNULongLink => next.target = Some(name(&mut entry)?),
            EntryType::XHeader => next.read_pax(&mut entry)?,
            // It speaks of all that follow: forges name their commit in it.
            EntryType::XGlobalHeader => {}
            kind => take(&mut entry, kind, std::mem::take(&mut next), gather)?,
        }
    }
    Ok(())
}

/// What the entries before one say of it.
#[derive(Default)]
struct Next {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
}

impl Next {
    /// Records of the form `27 path=some/where\n`, where 27 is the length of all of it.
    fn read_pax(&mut self, entry: &mut Entry<impl Read>) -> Result<(), Failure> {
        let bytes = bounded(entry, 16 * NAME)?;
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let record = record(rest).ok_or_else(|| io::Error::other("a pax record is damaged"))?;
            rest = &rest[record.length..];
            match record.key {
                b"path" => self.path = Some(record.value.to_owned()),
                b"linkpath" => self.target = Some(record.value.to_owned()),
                // Readers would not agree on what the archive holds.
                b"size" => return Err(io::Error::other("a pax record gives a size").into()),
                key if key.starts_with(b"GNU.sparse") => return Err(sparse().into()),
                _ => {}
            }
        }
        Ok(())
    }
}

struct Record<'a> {
    length: usize,
    key: &'a [u8],
    value: &'a [u8],
}

fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let length = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let text = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|&byte| byte == b'=')?;
    Some(Record {
        length,
        key: &text[..equals],
        value: &text[equals + 1..],
    })
}

fn take(
    entry: &mut Entry<impl Read>,
    kind: EntryType,
    said: Next,
    gather: &mut Gather,
) -> Result<(), Failure> {
    let path = match said.path {
        Some(path) => path,
        None => entry.path_bytes().into_owned(),
    };
    let path = tidy(&path);
    if path.is_empty() && kind.is_dir() {
        return Ok(());
    }
    let path = gather.entry(path)?;
    match kind {
        EntryType::Regular | EntryType::Continuous => {
            let executable = entry.header().mode()? & 0o111 != 0;
            let size = entry.size();
            gather.room(path, size)?;
            gather.read(path, executable, (size, entry))?;
            Ok(())
        }
        EntryType::Directory => Ok(()),
        EntryType::Symlink => {
            let target = said
                .target
                .or_else(|| Some(entry.link_name_bytes()?.into()));
            gather.link(path, target.unwrap_or_default());
            Ok(())
        }
        EntryType::Link => Err(refused(path, "is a hard link").into()),
        EntryType::GNUSparse => Err(sparse().into()),
        EntryType::Fifo => Err(refused(path, "is a named pipe").into()),
        EntryType::Char | EntryType::Block => Err(refused(path, "is a device").into()),
        _ => Err(refused(path, "is an entry of an unknown kind").into()),
    }
}

fn sparse() -> io::Error {
    io::Error::other("it holds a sparse file")
}

/// A name, with or without the NUL that ends it.
fn name(entry: &mut Entry<impl Read>) -> io::Result<Vec<u8>> {
    let mut name = bounded(entry, NAME)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

fn bounded(entry: &mut Entry<impl Read>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other("a name in it is too long"));
    }
    Ok(bytes)
}

/// Writes `files` as an archive that can be read as a source.
pub fn pack(files: &[File], out: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(if file.executable { 0o755 } else { 0o644 });
        archive.append_data(&mut header, &file.path, &*file.bytes)?;
    }
    archive.into_inner().map(drop)
}
