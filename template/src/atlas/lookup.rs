//! Where the instances of a service are: asked when no Sidecar listens.
//!
//! Those of this machine stand in its folder. Those of other machines are in what the Sidecar
//! wrote down of its last good state, and are asked for where this machine has none.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::entry::Entry;
use super::folder::{Folder, Trusted};
use super::places::Places;

/// Longer entries are none, in bytes.
const LONGEST: u64 = 16 * 1024;

/// A folder that changed within this time may change once more without its time telling.
const RECENT: Duration = Duration::from_millis(100);

/// The registry of one realm, as its readers see it.
#[derive(Debug)]
pub struct Lookup {
    realm: String,
    hosts: Folder,
    disabled: Option<PathBuf>,
    names: Mutex<Names>,
    routes: PathBuf,
    routed: Mutex<Routed>,
}

/// The Sidecar's last good state.
#[derive(Deserialize)]
struct Routes {
    v: u32,
    instances: BTreeMap<String, Entry>,
}

/// What stands there, and which state of the file that was: it is written aside and renamed.
#[derive(Debug, Default)]
struct Routed {
    read_at: Option<(u64, SystemTime)>,
    /// By service: its instances that are enabled.
    services: Arc<BTreeMap<String, Vec<Entry>>>,
}

/// The names in the folder, and the folder's time at which they were read.
#[derive(Debug, Default)]
struct Names {
    read_at: Option<SystemTime>,
    /// By service: its instances.
    services: Arc<BTreeMap<String, Vec<String>>>,
}

impl Lookup {
    /// The realm `realm` of the registry at `places`.
    pub fn new(places: &Places, realm: &str) -> Self {
        let disabled = |data: &PathBuf| data.join(realm).join("disabled");
        Self {
            realm: realm.to_owned(),
            hosts: Folder::new(&places.runtime, realm, "hosts"),
            disabled: places.data.as_ref().map(disabled),
            names: Mutex::default(),
            routes: places.runtime.join(realm).join("routes.json"),
            routed: Mutex::default(),
        }
    }

    /// The addresses of the instances that live and take requests, as it is now. Costs some
    /// file operations for each of them: none waits for anybody.
    pub fn instances(&self, service: &str) -> Vec<SocketAddr> {
        let Ok(Some(trusted)) = self.hosts.trusted() else {
            return Vec::new();
        };
        let services = self.services();
        let names = services.get(service).into_iter().flatten();
        let entries = names.filter_map(|name| self.entry(name, &trusted));
        let here = taking(entries);
        if here.is_empty() {
            let routed = self.routed(&trusted).unwrap_or_default();
            return taking(routed.get(service).into_iter().flatten().cloned());
        }
        here
    }

    /// What the Sidecar knew, if it can be read and believed. Read once for each state of it:
    /// there may be thousands of instances.
    fn routed(&self, trusted: &Trusted) -> Option<Arc<BTreeMap<String, Vec<Entry>>>> {
        let mut file = open(&self.routes)?;
        let metadata = file.metadata().ok()?;
        if !trusted.has_a_say(&metadata) {
            return None;
        }
        let state = Some((metadata.ino(), metadata.modified().ok()?));
        let mut routed = self.routed.lock().unwrap_or_else(PoisonError::into_inner);
        if routed.read_at != state {
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            routed.services = Arc::new(self.parse(&text));
            routed.read_at = state;
        }
        Some(routed.services.clone())
    }

    fn parse(&self, routes: &str) -> BTreeMap<String, Vec<Entry>> {
        let mut services = BTreeMap::<_, Vec<_>>::new();
        let routes = serde_json::from_str::<Routes>(routes).ok();
        let routes = routes.filter(|routes| routes.v == 1).into_iter();
        for entry in routes.flat_map(|routes| routes.instances.into_values()) {
            if entry.enabled && entry.realm == self.realm {
                services
                    .entry(entry.service.clone())
                    .or_default()
                    .push(entry);
            }
        }
        services
    }

    fn services(&self) -> Arc<BTreeMap<String, Vec<String>>> {
        let changed = fs::metadata(self.hosts.path()).and_then(|folder| folder.modified());
        let changed = changed.ok();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.read_at.is_none() || names.read_at != changed {
            names.services = Arc::new(list(self.hosts.path()));
            names.read_at = changed.filter(|at| at.elapsed().is_ok_and(|age| age > RECENT));
        }
        names.services.clone()
    }

    /// The entry, if who wrote it lives and had a say, and no operator has taken it out.
    fn entry(&self, name: &str, trusted: &Trusted) -> Option<Entry> {
        let file = open(&self.hosts.path().join(name))?;
        // Nobody can share the lock of who holds it alone; the kernel ends that with its owner.
        let lives = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let counts = file.metadata().is_ok_and(|file| trusted.has_a_say(&file));
        let disabled = self.disabled.as_ref().map(|folder| folder.join(name));
        if !lives || !counts || disabled.is_some_and(|path| path.exists()) {
            return None;
        }
        let mut text = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut text).ok()?;
        let whole = text.len() as u64 <= LONGEST;
        Entry::parse(&text, name, &self.realm).filter(|_| whole)
    }
}

/// The addresses of those that take requests.
fn taking(entries: impl Iterator<Item = Entry>) -> Vec<SocketAddr> {
    let taking = entries.filter(|entry| !entry.draining && entry.weight > 0);
    taking
        .map(|entry| (entry.addr, entry.port).into())
        .collect()
}

/// All names of the folder that could be entries, sorted.
fn list(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut services = BTreeMap::<_, Vec<_>>::new();
    let files = fs::read_dir(path).into_iter().flatten().flatten();
    for name in files.filter_map(|file| file.file_name().into_string().ok()) {
        if let Some((service, _)) = name.split_once('@')
            && !name.starts_with('.')
        {
            services.entry(service.to_owned()).or_default().push(name);
        }
    }
    for names in services.values_mut() {
        names.sort();
    }
    services
}

/// A plain file, no link and no pipe.
fn open(path: &Path) -> Option<File> {
    let there = fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)?;
    let file = File::open(path).ok()?;
    let opened = file.metadata().ok()?;
    let same = (there.dev(), there.ino()) == (opened.dev(), opened.ino());
    same.then_some(file)
}

#[cfg(test)]
mod tests;
