//! Puts what a proven build has compiled on the shelf.
//!
//! One generator at a time fills a shelf, and nobody who seeds waits for it: each unit appears by
//! one rename. What another put there meanwhile stays, so that what lies on a shelf was compiled
//! together, not by two builds crosswise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Cache;
use super::desk::Desk;
use super::link::Linker;
use super::made::Made;
use super::seed::Seed;
use super::unit::{self, Service, Unit};

/// A proven build.
#[derive(Debug)]
pub struct Build<'a> {
    /// Its target directory.
    pub target: &'a Path,
    /// How its notes name the service.
    pub name: &'a str,
    /// When it began.
    pub since: SystemTime,
    /// What cargo said it was made of.
    pub made: &'a BTreeSet<Made>,
    /// What it was given.
    pub seed: &'a Seed,
}

impl Cache {
    /// Takes what is new in `build`, and notes of the rest that it was of use. Returns how many
    /// units came in.
    pub fn fill(&self, build: &Build) -> io::Result<usize> {
        let (new, old) = sort(build)?;
        for home in old.iter().filter_map(|unit| self.home(unit)) {
            unit::touch(&home);
        }
        if new.is_empty() {
            return Ok(0);
        }
        fs::create_dir_all(&self.dir)?;
        fs::write(self.dir.join(super::ABOUT), &self.about)?;
        let lock = File::create(self.dir.join(super::LOCK))?;
        lock.lock()?;
        let desk = Desk::new(&self.dir)?;
        let linker = Linker::new();
        let mut count = 0;
        for unit in new {
            let service = Service {
                dir: build.target.join(&unit.made.place),
                name: build.name,
                linker: &linker,
            };
            count += usize::from(self.take(&unit, &service, &desk)?);
        }
        Ok(count)
    }

    /// Puts one unit on the shelf, unless somebody has put it there since this build was seeded.
    fn take(&self, unit: &Found, service: &Service, desk: &Desk) -> io::Result<bool> {
        let Some(home) = self.home(unit) else {
            return Ok(false);
        };
        let whole = || Unit::read(&home).is_ok_and(|unit| unit.check(&home).is_ok());
        if !unit.stale && whole() {
            return Ok(false);
        }
        let fresh = desk.place();
        let paths = unit::paths(&service.dir, &unit.id, &unit.in_deps)?;
        Unit::put(&fresh, service, unit.made.package.clone(), paths)?;
        desk.take(&home)?;
        if let Some(above) = home.parent() {
            fs::create_dir_all(above)?;
        }
        fs::rename(fresh, home)?;
        Ok(true)
    }

    fn home(&self, unit: &Found) -> Option<PathBuf> {
        let place = super::shelf_name(&unit.made.place)?;
        Some(self.dir.join(place).join(&unit.id))
    }
}

/// A unit and its files in the target directory.
struct Found {
    made: Made,
    /// Cargo's name for it: package and hash.
    id: String,
    in_deps: Vec<String>,
    /// Whether it was on the shelf already, if it is new.
    stale: bool,
}

/// Units that this build compiled, and those that it found compiled.
fn sort(build: &Build) -> io::Result<(Vec<Found>, Vec<Found>)> {
    let places = build.made.iter().map(|made| made.place.as_str());
    let mut by_place = BTreeMap::new();
    for place in places.collect::<BTreeSet<_>>() {
        let dir = build.target.join(place);
        let by_hash = |name: &str| by_hash(&dir.join(name));
        by_place.insert(place, (by_hash(".fingerprint")?, by_hash("deps")?));
    }
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for made in build.made {
        let Some((ids, deps)) = by_place.get(made.place.as_str()) else {
            continue;
        };
        let Some(id) = ids.get(&made.hash).and_then(|ids| ids.first()) else {
            continue;
        };
        let found = Found {
            id: id.clone(),
            in_deps: deps.get(&made.hash).cloned().unwrap_or_default(),
            stale: build
                .seed
                .units
                .contains_key(&format!("{}/{id}", made.place)),
            made: made.clone(),
        };
        let prints = build.target.join(&made.place).join(".fingerprint").join(id);
        if youngest(&prints)? >= build.since {
            new.push(found);
        } else {
            old.push(found);
        }
    }
    Ok((new, old))
}

/// Names in `dir` by the hash they end in, before any dot.
fn by_hash(dir: &Path) -> io::Result<BTreeMap<String, Vec<String>>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let stem = name.split('.').next().unwrap_or(&name);
        if let Some((_, hash)) = stem.rsplit_once('-') {
            names.entry(hash.to_owned()).or_default().push(name);
        }
    }
    Ok(names)
}

/// When the last file in `dir` was written.
fn youngest(dir: &Path) -> io::Result<SystemTime> {
    let mut last = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(dir)? {
        last = last.max(entry?.metadata()?.modified()?);
    }
    Ok(last)
}
