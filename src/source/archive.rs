//! A template in an archive, read from its first byte to its last without ever being unpacked to
//! the disk.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::gather::Gather;
use super::limits::{FILES, TREE_BYTES, size};
use super::{directory, tarball, zipped};
use crate::error::{Error, Kind, Result};

/// What all of an unpacked archive may take: the files, and two headers and some names for each.
const BYTES: u64 = TREE_BYTES + 4096 * FILES as u64;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// `.tar`
    Tar,
    /// `.tar.gz`, `.tgz`
    TarGz,
    /// `.zip`
    Zip,
}

/// How a file of this name is packed, if it is an archive.
#[must_use]
pub fn packing(name: &str) -> Option<Packing> {
    let name = name.to_ascii_lowercase();
    let ends = |suffix| name.ends_with(suffix);
    if ends(".tar") {
        Some(Packing::Tar)
    } else if ends(".tar.gz") || ends(".tgz") {
        Some(Packing::TarGz)
    } else {
        ends(".zip").then_some(Packing::Zip)
    }
}

/// Everything in the archive at `path`, without the directory that all of it is in, if there is
/// one.
pub fn gather(path: &Path) -> Result<Gather> {
    let broken = |error: &io::Error| broken(path, &crate::error::plain(error));
    let file = open(path)?;
    let length = file.metadata().map_err(|error| broken(&error))?.len();
    let mut gather = Gather::default();
    let packing = path.to_str().and_then(packing).unwrap_or(Packing::Tar);
    // One that is packed is hardly larger than what is in it.
    if length > BYTES {
        let what = format!("it is larger than {}", size(BYTES));
        return Err(self::broken(path, &what));
    }
    let read = match packing {
        Packing::Zip => zipped::read(file, &mut gather),
        Packing::Tar => tarball::read(Capped::new(BufReader::new(file)), &mut gather),
        Packing::TarGz => {
            let file = flate2::bufread::MultiGzDecoder::new(BufReader::new(file));
            tarball::read(Capped::new(file), &mut gather)
        }
    };
    read.map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Broken(error) => broken(&error),
    })?;
    gather.strip_top();
    Ok(gather)
}

/// Why an archive was not read to its end.
pub enum Failure {
    /// What is in it cannot be taken.
    Refused(Error),
    /// It is not what it claims to be.
    Broken(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// The name of an entry without what `tar c .` puts before it, and without the slash after a
/// directory's.
pub fn tidy(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    let name = name.strip_suffix(b"/").unwrap_or(name);
    name.strip_prefix(b".")
        .filter(|rest| rest.is_empty())
        .unwrap_or(name)
}

fn open(path: &Path) -> Result<File> {
    // Whoever names a link means what it points to.
    let target = path.canonicalize();
    let opened = target.and_then(|target| directory::open(&target));
    opened.map_err(|error| Error::new(Kind::Fetch, Error::io("read", path, &error).message))
}

/// What a crate says of a file that it cannot read may quote it.
fn broken(path: &Path, why: &str) -> Error {
    let path = path.display();
    let why = why.lines().next().unwrap_or_default();
    let why = why.chars().filter(|letter| !letter.is_control());
    let why = why.take(200).collect::<String>();
    Error::new(
        Kind::Template,
        format!("cannot read the archive `{path}`: {why}"),
    )
}

/// A stream that ends in an error when it has given all that an archive may hold: one that was
/// made to burst can be small.
struct Capped<R> {
    inner: io::Take<R>,
}

impl<R: Read> Capped<R> {
    fn new(inner: R) -> Self {
        Self {
            inner: inner.take(BYTES),
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && self.inner.limit() == 0 && !buffer.is_empty() {
            let what = format!("it holds more than {}", size(BYTES));
            return Err(io::Error::other(what));
        }
        Ok(read)
    }
}
