//! Gives a new service what is on the shelf of the crates in its lock file.
//!
//! Whether any of it is fresh is for cargo to say. What another service compiled with other
//! features has another name and lies idle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Cache;
use super::link::{Linker, Means};
use super::unit::{Damage, Service, Unit};
use crate::error::Result;
use crate::interrupt;

/// How cargo marks a directory that backups need not hold; it does so only where it makes the
/// directory itself.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                   # This file marks a directory of what can be compiled again:\n\
                   # https://bford.info/cachedir/\n";

/// What a service was given.
#[derive(Debug)]
pub struct Seed {
    /// The units, as `debug/serde-0123456789abcdef`, each with its place on the shelf.
    pub units: BTreeMap<String, PathBuf>,
    /// Units that were found damaged, and what was wrong with each.
    pub damaged: Vec<(PathBuf, String)>,
    /// How large files came here.
    pub means: Means,
    /// Why it is not all that is there.
    pub broken_off: Option<io::Error>,
}

impl Cache {
    /// Seeds the empty directory `target` of a service that will call itself `name` with what
    /// its `lock` file names.
    pub fn seed(&self, target: &Path, name: &str, lock: &str) -> Result<Seed> {
        let linker = Linker::new();
        let mut seed = Seed {
            units: BTreeMap::new(),
            damaged: Vec::new(),
            means: Means::Reflink,
            broken_off: None,
        };
        let packages = packages(lock);
        for (place, id, home) in self.units() {
            interrupt::check()?;
            let known = id.rsplit_once('-').map(|(package, _)| package);
            let names = known.is_some_and(|name| packages.contains(name));
            if !names || seed.broken_off.is_some() {
                continue;
            }
            let service = Service {
                dir: target.join(&place),
                name,
                linker: &linker,
            };
            match give(&home, &service, &packages) {
                Given::All => {
                    seed.units.insert(format!("{place}/{id}"), home);
                }
                Given::Nothing => {}
                Given::Damaged(what) => seed.damaged.push((home, what)),
                Given::Failed(error) => seed.broken_off = Some(error),
            }
        }
        seed.means = linker.means();
        if !seed.units.is_empty() {
            // Without the mark a backup is larger; nothing else.
            let _ = fs::write(target.join("CACHEDIR.TAG"), TAG);
        }
        Ok(seed)
    }
}

/// What became of one unit.
enum Given {
    All,
    /// Another version of the crate, or taken off the shelf in this moment.
    Nothing,
    Damaged(String),
    Failed(io::Error),
}

fn give(home: &Path, service: &Service, packages: &BTreeSet<String>) -> Given {
    let unit = match Unit::read(home) {
        Ok(unit) if packages.contains(&unit.package) => unit,
        Ok(_) => return Given::Nothing,
        Err(_) if !home.exists() => return Given::Nothing,
        Err(Damage(what)) => return Given::Damaged(what),
    };
    if let Err(Damage(what)) = unit.check(home) {
        return if home.exists() {
            Given::Damaged(what)
        } else {
            Given::Nothing
        };
    }
    match unit.give(home, service) {
        Ok(()) => Given::All,
        Err(error) => {
            unit.take_back(service);
            match error.kind() {
                io::ErrorKind::InvalidData => Given::Damaged(error.to_string()),
                io::ErrorKind::NotFound if !home.exists() => Given::Nothing,
                _ => Given::Failed(error),
            }
        }
    }
}

/// The registry packages of a lock file: their names, and their names with their versions.
fn packages(lock: &str) -> BTreeSet<String> {
    let mut packages = BTreeSet::new();
    for block in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| {
                line.strip_prefix(key)?
                    .strip_prefix(" = \"")?
                    .strip_suffix('"')
            })
        };
        if let (Some(name), Some(version), Some(_)) =
            (value("name"), value("version"), value("source"))
        {
            packages.insert(name.to_owned());
            packages.insert(format!("{name} {version}"));
        }
    }
    packages
}
