//! Where a dependency comes from: keys that only make sense together.

use std::collections::BTreeMap;

use super::meaning::Meaning;
use super::merge::Three;
use super::place::Place;

/// The keys that say it, the version aside.
const ORIGIN: [&str; 7] = [
    "workspace",
    "path",
    "git",
    "branch",
    "tag",
    "rev",
    "registry",
];

/// Whether both sides moved a dependency elsewhere, or one to the workspace whose version the other
/// changed: each key could be merged, and cargo would refuse the sum.
pub fn is_torn(place: &Place, meant: &Three<Option<Meaning>>) -> bool {
    if !place.is_dependency() || meant.ours.is_none() || meant.theirs.is_none() {
        return false;
    }
    let says = meant.as_ref().map(|side| match side {
        Some(Meaning::Table(keys)) => Says(Some(keys)),
        _ => Says(None),
    });
    let Three { base, ours, theirs } = says;
    let moved = |side: Says<'_>| side.differs(base, &ORIGIN);
    let inherits = |side: Says<'_>| side.differs(base, &["workspace"]);
    let bumps = |side: Says<'_>| side.differs(base, &["version"]);
    let elsewhere = moved(ours) && moved(theirs) && ours.differs(theirs, &ORIGIN);
    let half = inherits(ours) != inherits(theirs)
        && (inherits(ours) && bumps(theirs) || inherits(theirs) && bumps(ours));
    elsewhere || half
}

/// The keys of a dependency.
#[derive(Clone, Copy)]
struct Says<'a>(Option<&'a BTreeMap<String, Meaning>>);

impl Says<'_> {
    fn differs(self, other: Self, keys: &[&str]) -> bool {
        let get = |says: Self, key: &str| says.0.and_then(|keys| keys.get(key)).cloned();
        keys.iter().any(|key| get(self, key) != get(other, key))
    }
}
