//! A log file that puts itself aside when it has become large, and that may be moved or
//! deleted by others, logrotate say: the next lines go to a new file of the same name.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};

use crate::config::Log;

/// How often it is looked whether the file is still the one at its path.
const PAUSE: Duration = Duration::from_secs(1);

/// The file, whichever it is at the moment.
pub struct File {
    path: PathBuf,
    largest: usize,
    aside: usize,
    lines: FileRotate<AppendCount>,
    inode: Option<u64>,
    looked: Instant,
}

impl File {
    /// Opens it, or creates it.
    pub fn open(path: &Path, log: &Log) -> io::Result<Self> {
        // The library is silent about files that it cannot open.
        OpenOptions::new().create(true).append(true).open(path)?;
        let largest = usize::try_from(log.max_file_bytes.get()).unwrap_or(usize::MAX);
        let aside = log.max_files.get();
        Ok(Self {
            path: path.to_owned(),
            largest,
            aside,
            lines: rotating(path, largest, aside),
            inode: inode(path),
            looked: Instant::now(),
        })
    }

    fn look(&mut self) {
        if self.looked.elapsed() < PAUSE {
            return;
        }
        self.looked = Instant::now();
        let inode = inode(&self.path);
        // Without its directory there is no new file, the old one will do.
        if inode.is_none() || inode != self.inode {
            if OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)
                .is_err()
            {
                return;
            }
            self.lines = rotating(&self.path, self.largest, self.aside);
            self.inode = self::inode(&self.path);
        }
    }
}

impl Write for File {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.look();
        self.lines.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

fn rotating(path: &Path, largest: usize, aside: usize) -> FileRotate<AppendCount> {
    let limit = ContentLimit::BytesSurpassed(largest);
    FileRotate::new(
        path,
        AppendCount::new(aside),
        limit,
        Compression::None,
        None,
    )
}

fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.ino())
}

#[cfg(test)]
mod tests;
