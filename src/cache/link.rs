//! One file at two places: by reflink, where the file system has them; else by hard link; else by
//! copying it.

use std::cell::Cell;
use std::fs::{self, File, FileTimes};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How a file gets to its second place, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// An inode of its own that shares its blocks until one of the two changes.
    Reflink,
    /// The same inode under two names.
    HardLink,
    /// Twice the disk.
    Copy,
}

/// Puts files at second places and remembers what did not work, since that is a matter of the
/// two file systems and not of the file.
#[derive(Debug)]
pub struct Linker {
    means: Cell<Means>,
}

impl Linker {
    /// One that begins with the best means.
    pub fn new() -> Self {
        Self {
            means: Cell::new(Means::Reflink),
        }
    }

    /// What it has come down to.
    pub fn means(&self) -> Means {
        self.means.get()
    }

    /// Puts `from`, unchanged from now on, at `to`, which is not there yet.
    pub fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.means.get() == Means::Reflink {
            match reflink(from, to) {
                Ok(()) => return Ok(()),
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => self.means.set(Means::HardLink),
            }
        }
        if self.means.get() == Means::HardLink {
            match fs::hard_link(from, to) {
                Ok(()) => return Ok(()),
                Err(error) if is_final(&error) => return Err(error),
                // This one file has as many names as it can have.
                Err(error) if error.kind() == ErrorKind::TooManyLinks => {}
                // Another file system, or a file of somebody else's where that is not allowed.
                Err(_) => self.means.set(Means::Copy),
            }
        }
        fs::copy(from, to)?;
        keep_time(from, to)
    }
}

/// No other means would do better.
fn is_final(error: &io::Error) -> bool {
    use ErrorKind::{AlreadyExists, NotFound, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        NotFound | AlreadyExists | StorageFull | ReadOnlyFilesystem
    )
}

#[cfg(target_os = "linux")]
fn reflink(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let copy = File::create_new(to)?;
    let cloned = rustix::fs::ioctl_ficlone(&copy, &source).map_err(io::Error::from);
    let done = cloned
        .and_then(|()| copy.set_permissions(source.metadata()?.permissions()))
        .and_then(|()| keep_time(from, to));
    if done.is_err() {
        fs::remove_file(to)?;
    }
    done
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

fn keep_time(from: &Path, to: &Path) -> io::Result<()> {
    set_time(to, fs::metadata(from)?.modified()?)
}

/// When `path`, a file or a directory, was last changed.
pub fn set_time(path: &Path, modified: SystemTime) -> io::Result<()> {
    File::open(path)?.set_times(FileTimes::new().set_modified(modified))
}

/// A time as cargo compares it: in nanoseconds.
pub fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// The time that `nanos` says.
pub fn time(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
