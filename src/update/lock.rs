//! Merges three versions of a `Cargo.lock`, always to one.
//!
//! A lock file is nothing to resolve by hand: cargo mends whatever does not fit its manifests. So
//! the merge only has to keep the versions that each side chose, and to be a text cargo reads.

#[cfg(test)]
mod tests;
mod text;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::ends::Ends;
use text::{Id, Lock, Package};

/// The merged lock file. None: there is none, on either side or since one took it away.
#[must_use]
pub fn pick(base: Option<&str>, ours: Option<&str>, theirs: Option<&str>) -> Option<String> {
    if theirs == base || theirs == ours {
        return ours.map(str::to_owned);
    }
    if ours == base {
        return theirs.map(str::to_owned);
    }
    let (ours, Some(theirs)) = (ours?, theirs) else {
        return ours.map(str::to_owned);
    };
    let ends = Ends::of(ours);
    let read = |text: &str| Lock::read(&text.replace("\r\n", "\n"));
    match (read(base.unwrap_or_default()), read(ours), read(theirs)) {
        (Some(base), Some(ours), Some(theirs)) => {
            Some(ends.of_lines(merge(&base, &ours, &theirs).write()))
        }
        (_, None, Some(_)) => Some(theirs.to_owned()),
        _ => Some(ours.to_owned()),
    }
}

fn merge(base: &Lock, ours: &Lock, theirs: &Lock) -> Lock {
    let ids = ours.packages.keys().chain(theirs.packages.keys());
    let packages = ids.filter_map(|id| {
        let [base, ours, theirs] = [base, ours, theirs].map(|lock| lock.packages.get(id));
        Some((id.clone(), package(base, ours, theirs)?))
    });
    let packages = needed(packages.collect(), ours, theirs);
    let newer = if ours.version < theirs.version {
        theirs
    } else {
        ours
    };
    Lock {
        version: newer.version,
        head: newer.head.clone(),
        packages,
        tail: three(&base.tail, &ours.tail, &theirs.tail).clone(),
    }
}

/// One package of a series, if it stays.
fn package(
    base: Option<&Package>,
    ours: Option<&Package>,
    theirs: Option<&Package>,
) -> Option<Package> {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        let (only, empty) = (ours.or(theirs)?, Package::default());
        let is_new = only != base.unwrap_or(&empty);
        return is_new.then(|| only.clone());
    };
    let empty = Package::default();
    let base = base.unwrap_or(&empty);
    let mut merged = chosen(base, ours, theirs).clone();
    let needs = [base, ours, theirs].map(|package| &package.dependencies);
    merged.dependencies = union(needs);
    Some(merged)
}

/// Which of two says what is locked: the one that changed, or else the higher version. Of a package
/// of the workspace, whose version its manifest says, the service's.
fn chosen<'a>(base: &'a Package, ours: &'a Package, theirs: &'a Package) -> &'a Package {
    let changed = |side: &Package| side.locked() != base.locked();
    let is_higher = || compare(&theirs.version, &ours.version) == Ordering::Greater;
    let is_own = ours.source.is_none();
    if changed(theirs) && (!changed(ours) || !is_own && is_higher()) {
        theirs
    } else {
        ours
    }
}

/// By semver, where it is that.
fn compare(one: &str, other: &str) -> Ordering {
    match (Version::parse(one), Version::parse(other)) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

/// What either side added, and what neither took away. The list of a locked package depends on the
/// features it has, so that both sides may have a part in it.
fn union([base, ours, theirs]: [&BTreeSet<Id>; 3]) -> BTreeSet<Id> {
    let stays = |id: &&Id| !base.contains(id) || ours.contains(id) && theirs.contains(id);
    ours.union(theirs).filter(stays).cloned().collect()
}

/// The packages that the workspace's own reach: what nobody needs any more goes, and what was to
/// go, but is needed by what came from the other side, comes back.
fn needed(
    mut packages: BTreeMap<Id, Package>,
    ours: &Lock,
    theirs: &Lock,
) -> BTreeMap<Id, Package> {
    let own = packages
        .iter()
        .filter(|(_, package)| package.source.is_none());
    let mut open = own.map(|(id, _)| id.clone()).collect::<Vec<_>>();
    if open.is_empty() {
        return packages;
    }
    let mut reached = BTreeMap::new();
    while let Some(id) = open.pop() {
        let there = packages.remove(&id);
        let back = || {
            [ours, theirs]
                .into_iter()
                .find_map(|lock| lock.packages.get(&id).cloned())
        };
        if reached.contains_key(&id) {
            continue;
        }
        if let Some(package) = there.or_else(back) {
            open.extend(package.dependencies.iter().cloned());
            reached.insert(id, package);
        }
    }
    reached
}

fn three<'a, T: PartialEq>(base: &T, ours: &'a T, theirs: &'a T) -> &'a T {
    if ours == base { theirs } else { ours }
}
