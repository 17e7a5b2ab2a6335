//! The directory of one child, gone with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::error::{Error, Kind, Result};

/// A private directory, of the parent that made it or the child that works in it.
pub struct House {
    dir: PathBuf,
    /// How often the parent has looked how much is in it.
    looks: AtomicU32,
    _owned: Option<TempDir>,
}

/// Where temporary directories can be, the usual place first.
const ELSEWHERE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// Below the house: the homes that programs ask for.
const ROOMS: [(&str, &str); 3] = [("HOME", "home"), ("CARGO_HOME", "cargo"), ("TMPDIR", "tmp")];

impl House {
    /// A new one, removed when it is dropped.
    pub fn build(above: &Path) -> Result<Self> {
        let above = neutral(above)?;
        let io = |error: std::io::Error| Error::io("create a directory in", &above, &error);
        let owned = TempDir::with_prefix_in("generate-service-", &above).map_err(io)?;
        let dir = owned.path().canonicalize().map_err(io)?;
        for (_, room) in ROOMS {
            fs::create_dir(dir.join(room)).map_err(io)?;
        }
        Ok(Self {
            dir,
            looks: AtomicU32::new(0),
            _owned: Some(owned),
        })
    }

    /// The one at `dir`, made by the parent.
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            looks: AtomicU32::new(0),
            _owned: None,
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn job(&self) -> PathBuf {
        self.dir.join("job")
    }

    pub fn answer(&self) -> PathBuf {
        self.dir.join("answer")
    }

    pub fn environment(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        ROOMS
            .iter()
            .map(|(variable, room)| (*variable, self.dir.join(room)))
    }

    /// Whether all files in it have no more than `bytes`. Most jobs are done before a second look
    /// would come.
    pub fn holds(&self, bytes: u64) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed) == 0 || size(&self.dir) <= bytes
    }
}

/// A directory for temporary ones that no cargo project surrounds, since templates can tell, and
/// with a path that says nothing to a template: cargo-generate renders the whole of it.
fn neutral(usual: &Path) -> Result<PathBuf> {
    let elsewhere = ELSEWHERE.iter().map(PathBuf::from);
    let mut candidates = std::iter::once(usual.to_owned()).chain(elsewhere);
    candidates.find(|dir| is_neutral(dir)).ok_or_else(|| {
        let message = format!(
            "no template can be rendered below `{}`: a cargo project surrounds it, or its path has other letters than `a-z A-Z 0-9 . _ -`",
            usual.display()
        );
        Error::new(Kind::Io, message).help("TMPDIR=/var/tmp generate-service …")
    })
}

fn is_neutral(dir: &Path) -> bool {
    let Ok(dir) = dir.canonicalize() else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    dir.is_dir()
        && dir.to_str().is_some_and(|dir| dir.chars().all(plain))
        && !dir
            .ancestors()
            .any(|above| above.join("Cargo.toml").exists())
}

/// The bytes of all files below `dir`, as far as they can be told while they change.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
