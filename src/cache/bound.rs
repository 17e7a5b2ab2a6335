//! Keeps the cache within its bounds: what was of no use for long goes, and then, while it is too
//! large, what was of use least lately.

use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::desk::Desk;
use super::unit::{self, Unit};
use super::{LOCK, shelves, units_of};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Of disk.
    pub bytes: u64,
    /// Since it was last of use.
    pub age: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            age: Duration::from_hours(24 * 60),
        }
    }
}

/// Takes from the cache at `root` what is beyond `bounds`. Returns how many units went.
pub fn trim(root: &Path, bounds: Bounds) -> io::Result<usize> {
    let now = SystemTime::now();
    let mut kept = Vec::new();
    let mut gone = Vec::new();
    for shelf in shelves(root) {
        for (_, _, home) in units_of(&shelf) {
            let used = unit::used(&home).unwrap_or(SystemTime::UNIX_EPOCH);
            let bytes = Unit::read(&home).map_or(0, |unit| unit.bytes());
            if now.duration_since(used).unwrap_or_default() > bounds.age {
                gone.push(home);
            } else {
                kept.push((used, bytes, home));
            }
        }
    }
    kept.sort_unstable_by_key(|(used, ..)| Reverse(*used));
    let mut total = 0;
    gone.extend(kept.into_iter().filter_map(|(_, bytes, home)| {
        total += bytes;
        (total > bounds.bytes).then_some(home)
    }));
    remove(root, &gone)?;
    remove_empty(root)?;
    Ok(gone.len())
}

/// Takes each of `homes` away at one moment: whoever seeds meanwhile finds a unit whole or not
/// at all.
pub fn remove(root: &Path, homes: &[PathBuf]) -> io::Result<()> {
    if homes.is_empty() {
        return Ok(());
    }
    let desk = Desk::new(root)?;
    homes.iter().try_for_each(|home| desk.take(home))
}

/// Shelves of toolchains that nobody has any more, unless somebody is about to fill one.
fn remove_empty(root: &Path) -> io::Result<()> {
    for shelf in shelves(root) {
        let free = || File::open(shelf.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if units_of(&shelf).is_empty() && free() {
            remove(root, &[shelf])?;
        }
    }
    Ok(())
}
