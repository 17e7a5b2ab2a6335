//! Compiled crates, shared by all services of a user: the second service builds in the time of
//! its own crate.
//!
//! # What lies where
//! ```text
//! ~/.cache/generate-service/
//!   3f0c…/                       a shelf: one toolchain, one set of flags (`key`)
//!     about                      what people call it
//!     debug/                     what stands in `target/debug`
//!       serde-0123456789abcdef/  a unit: the files cargo knows by one hash, and a manifest (`unit`)
//! ```
//!
//! Cargo hashes into the name of a unit all that decides its bits: package, version, features,
//! profile, dependencies. So units of one shelf never collide, services with other parts share
//! what they have in common, and one that differs is simply not found.
//!
//! `seed` gives units to a service before its first build, `fill` takes them from a proven one
//! after it, `bound` removes what is of no use any more. Cargo is the judge of what is fresh; but
//! it believes times and not contents, so `unit` watches over these.

pub mod bound;
mod desk;
mod fill;
mod key;
mod link;
mod made;
mod seed;
mod unit;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::dirs;
use crate::error::{Error, Kind, Result, plain};

pub use bound::Bounds;
pub use fill::Build;
pub use link::Means;
pub use made::{Made, read as made};
pub use seed::Seed;
use unit::{Damage, Unit};

/// The file in a shelf that names it.
const ABOUT: &str = "about";

/// The file in a shelf that whoever fills it holds a lock on.
const LOCK: &str = "lock";

/// The directory beside the shelves in which `source` keeps the templates of others.
const TEMPLATES: &str = "templates";

/// The shelf for one build.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    /// The shelf's directory, which may not be there yet.
    dir: PathBuf,
    about: String,
    bounds: Bounds,
}

/// A shelf, as it is shown.
#[derive(Debug)]
pub struct Shelf {
    /// What people call its toolchain, and the profile.
    pub name: String,
    /// How many units it holds.
    pub units: usize,
    /// Their size, without what they share with services.
    pub bytes: u64,
    /// How long ago one of them was of use.
    pub idle: std::time::Duration,
}

/// Where the cache of this user lies.
pub fn root() -> Result<PathBuf> {
    let cache = dirs::cache().ok_or_else(|| {
        Error::new(Kind::Cache, "neither XDG_CACHE_HOME nor HOME is set").help("export HOME=~")
    })?;
    Ok(cache.join("generate-service"))
}

impl Cache {
    /// The shelf for a build in `dir` that has a target directory of its own there, or why there
    /// is none.
    pub fn open(dir: &Path, bounds: Bounds) -> Result<Self, String> {
        if let Some(reason) = key::own_target(dir) {
            return Err(reason);
        }
        let root = root().map_err(|error| error.message)?;
        let key = key::of(dir).ok_or("rustc does not say its version")?;
        let shelf = root.join(key.hash);
        for dir in [&root, &shelf] {
            of_this_user(dir)?;
        }
        Ok(Self {
            dir: shelf,
            about: key.rustc,
            root,
            bounds,
        })
    }

    /// Every unit of the shelf: its place below `target`, its name, its directory.
    fn units(&self) -> Vec<(String, String, PathBuf)> {
        units_of(&self.dir)
    }

    /// A build that was given `seed` failed and did well without it.
    pub fn distrust(&self, seed: &Seed) -> io::Result<()> {
        bound::remove(
            &self.root,
            &seed.units.values().cloned().collect::<Vec<_>>(),
        )
    }

    /// Takes from the shelf what was found damaged.
    pub fn drop_damaged(&self, seed: &Seed) -> io::Result<()> {
        let homes = seed.damaged.iter().map(|(home, _)| home.clone());
        bound::remove(&self.root, &homes.collect::<Vec<_>>())
    }

    /// Takes what is new in `build`, then removes what is beyond the bounds.
    pub fn keep(&self, build: &Build) -> io::Result<usize> {
        let came = self.fill(build)?;
        if came > 0 {
            bound::trim(&self.root, self.bounds)?;
        }
        Ok(came)
    }
}

/// What lies in the cache at `root`.
#[must_use]
pub fn show(root: &Path) -> Vec<Shelf> {
    let now = std::time::SystemTime::now();
    let mut shown = Vec::new();
    for dir in shelves(root) {
        let about = fs::read_to_string(dir.join(ABOUT)).unwrap_or_default();
        let units = units_of(&dir);
        let places = units.iter().map(|(place, ..)| place.clone());
        for place in places.collect::<BTreeSet<_>>() {
            let here = units.iter().filter(|(at, ..)| *at == place);
            let homes = here.map(|(.., home)| home).collect::<Vec<_>>();
            let last = homes.iter().filter_map(|home| unit::used(home)).max();
            let bytes = homes.iter().filter_map(|home| Unit::read(home).ok());
            shown.push(Shelf {
                name: format!("{about}, {place}"),
                units: homes.len(),
                bytes: bytes.map(|unit| unit.bytes()).sum(),
                idle: last
                    .and_then(|last| now.duration_since(last).ok())
                    .unwrap_or_default(),
            });
        }
    }
    shown
}

/// Looks at every byte in the cache at `root`, and removes the units that are damaged. Returns
/// how many are whole if all are.
pub fn verify(root: &Path) -> Result<usize> {
    let (mut whole, mut damaged, mut wrong) = (0, Vec::new(), Vec::new());
    for dir in shelves(root) {
        for (place, id, home) in units_of(&dir) {
            match Unit::read(&home).and_then(|unit| unit.verify(&home)) {
                Ok(()) => whole += 1,
                // Taken away in this moment.
                Err(_) if !home.exists() => {}
                Err(Damage(what)) => {
                    let message = format!("{place}/{id} was damaged and is removed: {what}");
                    wrong.push(Error::new(Kind::Cache, message));
                    damaged.push(home);
                }
            }
        }
    }
    let removed = bound::remove(root, &damaged);
    removed.map_err(|error| unusable("remove what is damaged in", root, &error))?;
    Error::all(wrong)?;
    Ok(whole)
}

/// Empties the cache at `root`. Returns what was there.
pub fn clean(root: &Path) -> Result<Vec<Shelf>> {
    let shown = show(root);
    let mut all = shelves(root);
    all.extend(
        [root.join(TEMPLATES)]
            .into_iter()
            .filter(|dir| dir.is_dir()),
    );
    let removed = bound::remove(root, &all).and_then(|()| match fs::remove_dir(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    });
    removed.map_err(|error| unusable("empty", root, &error))?;
    Ok(shown)
}

/// What lies in the cache is run, so nobody else may have put it there.
fn of_this_user(dir: &Path) -> Result<(), String> {
    // One that is not there yet will be.
    let Ok(metadata) = fs::metadata(dir) else {
        return Ok(());
    };
    let path = dir.display();
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("`{path}` belongs to another user"));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(format!("everybody can write to `{path}`"));
    }
    Ok(())
}

/// The cache at `root` does not let itself be used.
#[must_use]
pub fn unusable(action: &str, root: &Path, cause: &io::Error) -> Error {
    let message = format!("cannot {action} `{}`: {}", root.display(), plain(cause));
    let root = dirs::quoted(&root.to_string_lossy());
    Error::new(Kind::Cache, message).help(format!("ls -ld {root}"))
}

/// The directories of all shelves; the templates beside them are no business of theirs.
fn shelves(root: &Path) -> Vec<PathBuf> {
    dirs_in(root)
        .into_iter()
        .filter(|name| name != TEMPLATES)
        .map(|name| root.join(name))
        .collect()
}

/// Every unit of the shelf `dir`, sorted: its place below `target`, its name, its directory.
fn units_of(dir: &Path) -> Vec<(String, String, PathBuf)> {
    let mut units = Vec::new();
    for place in dirs_in(dir) {
        for id in dirs_in(&dir.join(&place)) {
            let home = dir.join(&place).join(&id);
            units.push((place.replace('+', "/"), id, home));
        }
    }
    units
}

/// `x86_64-unknown-linux-gnu/release` as the name of one directory.
fn shelf_name(place: &str) -> Option<String> {
    (!place.contains('+')).then(|| place.replace('/', "+"))
}

/// The names of the directories in `dir` that are not hidden, sorted.
fn dirs_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = dirs.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names = names
        .filter(|name| !name.starts_with('.'))
        .collect::<Vec<_>>();
    names.sort();
    names
}
