//! The Sidecar's directory, and words that can be rendered.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::str::FromStr;

use crate::command::failure::{Failure, Kind};

/// `HAProxy` adds its process id while it binds, and a socket's path has 107 bytes at most.
const LONGEST: usize = 80;

/// A path that needs no quotes anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPath(String);

impl PlainPath {
    /// Refuses what `haproxy.cfg` or a socket's address could not hold.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let text = path.to_str().filter(|text| text.chars().all(plain));
        let text = text.filter(|text| text.starts_with('/') && text.len() <= LONGEST);
        text.map(|text| Self(text.to_owned())).ok_or_else(|| {
            let why = format!(
                "`{}` cannot be the Sidecar's directory: sockets need one of at most {LONGEST} bytes of `A-Za-z0-9/._-`",
                path.display()
            );
            Failure::new(Kind::Place, why).help("ATLAS_DIR=/run/atlas sidecar")
        })
    }

    /// A file in it. The name is one of ours, and plain.
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }
}

impl AsRef<Path> for PlainPath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for PlainPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of the routing header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(String);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= 63
            && text.chars().all(letters);
        let name = good.then(|| Self(text.to_ascii_lowercase()));
        name.ok_or_else(|| "a header's name matches `[A-Za-z][A-Za-z0-9-]{0,62}`".to_owned())
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the directory, for us alone, and takes it: one Sidecar a realm and host. The kernel gives
/// it back however we die.
pub fn take(home: &PlainPath) -> Result<File, Failure> {
    make(home)?;
    let path = home.join("lock");
    let failed = |error: std::io::Error| Failure::system(&format!("lock `{path}`"), &error);
    let file = File::options()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        // For `sidecar stop`, and for people.
        Ok(()) => sign(&file).map(|()| file).map_err(failed),
        Err(TryLockError::Error(error)) => Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let why = format!("another Sidecar works in `{home}`");
            Err(Failure::new(Kind::Conflict, why).help(format!("fuser -v {path}")))
        }
    }
}

fn sign(mut file: &File) -> std::io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

fn make(home: &PlainPath) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::system(&format!("make `{home}`"), &error);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home);
    made.map_err(failed)?;
    let metadata = fs::symlink_metadata(home).map_err(failed)?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_dir() || !ours || metadata.mode() & 0o077 != 0 {
        let why = format!("`{home}` is not a directory of this user alone");
        return Err(Failure::new(Kind::Place, why).help(format!("ls -ld {home}")));
    }
    Ok(())
}
