//! One compiled crate on its shelf: the files cargo knows by one hash, and a manifest.
//!
//! The manifest is written last and the whole unit appears by one rename, so a unit is there or
//! is not. It tells of each file the size, the time and the sum, since cargo believes times and
//! never looks at contents: whatever was cut short or exchanged has to be found out here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;
use xxhash_rust::xxh3::xxh3_128;

use super::link::{Linker, nanos, set_time, time};

/// The manifest's name.
const MANIFEST: &str = "manifest.json";

/// What stands in notes in place of the service they were written for.
const OWNER: &str = "/generate-service/owner";

/// The manifest of one unit.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unit {
    /// Name and version: `serde 1.0.228`.
    pub package: String,
    /// Its files.
    files: Vec<Entry>,
    /// Directories whose times build scripts may have looked at.
    dirs: BTreeMap<String, u64>,
}

/// One file of a unit.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Below the directory of the profile, `target/debug`.
    path: String,
    bytes: u64,
    modified: u64,
    sum: String,
    how: How,
}

/// How a file is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Rustc writes a new file in its place, so two services can share this one.
    Link,
    /// Written in place, hence never shared; small.
    Copy,
    /// Likewise, and a text that says where the service lies.
    Note,
}

/// What is wrong with a unit.
#[derive(Debug)]
pub struct Damage(pub String);

/// The service that a unit is taken from or given to.
#[derive(Debug)]
pub struct Service<'a> {
    /// The directory of the profile: `…/target/debug`.
    pub dir: PathBuf,
    /// How its notes name the service.
    pub name: &'a str,
    /// What links its files.
    pub linker: &'a Linker,
}

impl Unit {
    /// Puts the files `paths` of `service` on a shelf at `home`, which is not there yet.
    pub fn put(
        home: &Path,
        service: &Service,
        package: String,
        paths: Vec<String>,
    ) -> io::Result<()> {
        let mut unit = Self {
            package,
            files: Vec::new(),
            dirs: BTreeMap::new(),
        };
        for path in paths {
            let (from, to) = (service.dir.join(&path), home.join(&path));
            let meta = fs::metadata(&from)?;
            if meta.is_dir() {
                fs::create_dir_all(&to)?;
                unit.dirs.insert(path, nanos(meta.modified()?));
            } else {
                make_parent(&to)?;
                unit.files.push(shelve(path, &from, &to, service)?);
            }
        }
        let text = serde_json::to_vec(&unit).map_err(io::Error::other)?;
        fs::write(home.join(MANIFEST), text)
    }

    /// The manifest of the unit at `home`.
    pub fn read(home: &Path) -> Result<Self, Damage> {
        let text = fs::read(home.join(MANIFEST)).map_err(|error| damage(MANIFEST, &error))?;
        serde_json::from_slice(&text).map_err(|error| damage(MANIFEST, &error))
    }

    /// Looks at sizes and times.
    pub fn check(&self, home: &Path) -> Result<(), Damage> {
        for file in &self.files {
            let meta = fs::symlink_metadata(home.join(&file.path));
            let meta = meta.map_err(|error| damage(&file.path, &error))?;
            let modified = meta.modified().map_or(0, nanos);
            if !meta.is_file() || meta.len() != file.bytes || modified != file.modified {
                return Err(damage(&file.path, &"not the file that was put there"));
            }
        }
        Ok(())
    }

    /// Looks at every byte.
    pub fn verify(&self, home: &Path) -> Result<(), Damage> {
        self.check(home)?;
        for file in &self.files {
            let bytes = fs::read(home.join(&file.path));
            if file.sum != sum(&bytes.map_err(|error| damage(&file.path, &error))?) {
                return Err(damage(&file.path, &"other bytes than were put there"));
            }
        }
        Ok(())
    }

    /// Gives the files of the unit at `home` to `service`. What is there already stays.
    pub fn give(&self, home: &Path, service: &Service) -> io::Result<()> {
        for path in self.dirs.keys() {
            fs::create_dir_all(service.dir.join(path))?;
        }
        fs::create_dir_all(service.dir.join("deps"))?;
        for file in &self.files {
            let (from, to) = (home.join(&file.path), service.dir.join(&file.path));
            let given = match file.how {
                How::Link => service.linker.link(&from, &to),
                How::Copy | How::Note => hand_out(file, &from, &to, service),
            };
            match given {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                given => given?,
            }
        }
        // Deepest first: what is put into a directory changes its time.
        for (path, modified) in self.dirs.iter().rev() {
            set_time(&service.dir.join(path), time(*modified))?;
        }
        Ok(())
    }

    /// Takes back what `give` has given.
    pub fn take_back(&self, service: &Service) {
        for file in &self.files {
            // What was not given, or is gone, is as it should be.
            let _ = fs::remove_file(service.dir.join(&file.path));
        }
    }

    /// Its size on disk.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// When the unit at `home` was last of use.
pub fn used(home: &Path) -> Option<SystemTime> {
    fs::metadata(home.join(MANIFEST)).ok()?.modified().ok()
}

/// The unit at `home` was of use just now.
pub fn touch(home: &Path) {
    // In a cache that others own, its age is theirs to tell.
    let _ = set_time(&home.join(MANIFEST), SystemTime::now());
}

/// The paths below `dir`, `target/debug`, of the unit that cargo calls `id`, with those that
/// bear its hash in `deps`.
pub fn paths(dir: &Path, id: &str, in_deps: &[String]) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    for place in [".fingerprint", "build"] {
        let top = dir.join(place).join(id);
        if !top.is_dir() {
            continue;
        }
        for entry in WalkDir::new(&top).sort_by_file_name() {
            let path = entry?.into_path();
            let below = path.strip_prefix(dir).map_err(io::Error::other)?;
            let text = below.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            paths.push(text.to_owned());
        }
    }
    paths.extend(in_deps.iter().map(|name| format!("deps/{name}")));
    Ok(paths)
}

fn shelve(path: String, from: &Path, to: &Path, service: &Service) -> io::Result<Entry> {
    let modified = fs::metadata(from)?.modified()?;
    let how = how(&path);
    match how {
        How::Link => service.linker.link(from, to)?,
        How::Copy => {
            fs::copy(from, to)?;
        }
        How::Note => fs::write(to, renamed(&fs::read(from)?, service.name, OWNER, &path))?,
    }
    if how != How::Link {
        set_time(to, modified)?;
    }
    let bytes = fs::read(to)?;
    Ok(Entry {
        path,
        bytes: bytes.len() as u64,
        modified: nanos(modified),
        sum: sum(&bytes),
        how,
    })
}

/// The small files are read anyway, so their sums are looked at whenever they are used.
fn hand_out(file: &Entry, from: &Path, to: &Path, service: &Service) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if sum(&bytes) != file.sum {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if to.exists() {
        return Ok(());
    }
    let executable = fs::metadata(from)?.permissions();
    match file.how {
        How::Note => fs::write(to, renamed(&bytes, OWNER, service.name, &file.path))?,
        _ => fs::write(to, bytes)?,
    }
    fs::set_permissions(to, executable)?;
    set_time(to, time(file.modified))
}

/// Only what rustc or the linker replaces is linked. What a build script wrote is copied: nobody
/// knows how it writes the next time.
fn how(path: &str) -> How {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let beside_out = above.starts_with("build/") && !above["build/".len()..].contains('/');
    match ending {
        "rlib" | "rmeta" | "so" | "dylib" if above == "deps" => How::Link,
        "" if beside_out && name.starts_with("build") => How::Link,
        "d" if above == "deps" || beside_out => How::Note,
        _ if beside_out && matches!(name, "output" | "root-output" | "stderr") => How::Note,
        _ => How::Copy,
    }
}

/// A note with `from` in place of `to`. Notes for `make` have their spaces escaped.
fn renamed(note: &[u8], from: &str, to: &str, path: &str) -> Vec<u8> {
    let Ok(text) = str::from_utf8(note) else {
        return note.to_owned();
    };
    let escaped = |path: &str| path.replace(' ', "\\ ");
    let text = if Path::new(path).extension().is_some_and(|end| end == "d") {
        text.replace(&escaped(from), &escaped(to))
    } else {
        text.replace(from, to)
    };
    text.into_bytes()
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn damage(path: &str, what: &dyn std::fmt::Display) -> Damage {
    Damage(format!("{path}: {what}"))
}

/// What two files have in common only if they are the same. Against accidents, not attacks:
/// whoever can write into the user's cache can write into the user's services.
pub fn sum(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}
