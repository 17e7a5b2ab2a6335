//! Comments and the white space around keys: the service's, unless only the template changed them.

use toml_edit::{Decor, Item, Key, RawString};

/// The text around a key: `theirs` if the service left its comment as it was in `base`. The empty
/// lines above stay as the service has them.
pub fn merged(ours: &str, base: &str, theirs: &str) -> String {
    if ours.trim() != base.trim() || theirs.trim() == base.trim() {
        return ours.to_owned();
    }
    let comment = theirs.trim_start_matches('\n');
    let lines = ours.len() - ours.trim_start_matches('\n').len();
    "\n".repeat(lines) + comment
}

/// The comment above a key.
pub fn above(key: &mut Key, base: &Key, theirs: &Key) {
    follow_prefix(key.leaf_decor_mut(), base.leaf_decor(), theirs.leaf_decor());
}

/// The comment behind a value, or those above and behind a header.
pub fn around(item: &mut Item, base: &Item, theirs: &Item) {
    match (item, base, theirs) {
        (Item::Value(value), Item::Value(base), Item::Value(theirs)) => {
            follow_suffix(value.decor_mut(), base.decor(), theirs.decor());
        }
        (Item::Table(table), Item::Table(base), Item::Table(theirs)) => {
            follow_prefix(table.decor_mut(), base.decor(), theirs.decor());
            follow_suffix(table.decor_mut(), base.decor(), theirs.decor());
        }
        _ => {}
    }
}

/// What stands before.
pub fn prefix(decor: &Decor) -> &str {
    decor.prefix().and_then(RawString::as_str).unwrap_or("")
}

/// What stands behind.
pub fn suffix(decor: &Decor) -> &str {
    decor.suffix().and_then(RawString::as_str).unwrap_or("")
}

fn follow_prefix(ours: &mut Decor, base: &Decor, theirs: &Decor) {
    let new = merged(prefix(ours), prefix(base), prefix(theirs));
    if new != prefix(ours) {
        ours.set_prefix(new);
    }
}

fn follow_suffix(ours: &mut Decor, base: &Decor, theirs: &Decor) {
    let new = merged(suffix(ours), suffix(base), suffix(theirs));
    if new != suffix(ours) {
        ours.set_suffix(new);
    }
}
