//! Arrays of which only the elements count: each side's additions come in, its removals go.

use toml_edit::{Item, Value};

use super::list::List;
use super::merge::{Entry, Given, Sides};
use super::place::Place;
use super::{meaning, order};

/// What becomes of a set, in which nothing conflicts.
pub enum Merged {
    /// It is none, or a feature that one side took away and the other changed.
    Not,
    /// Nothing is left of it, and one side has no such key.
    Gone,
    /// These are its elements.
    Set(Box<Entry>),
}

/// The service's array with what the template added and without what it took away.
pub fn merge(place: &Place, sides: &Sides<'_>) -> Merged {
    let elements = [sides.base, sides.ours, sides.theirs].map(|side| names(place, side));
    let ([Some(base), Some(ours), Some(theirs)], Some((key, shell)), true) =
        (elements, sides.ours.or(sides.theirs), place.is_set())
    else {
        return Merged::Not;
    };
    let Some(array) = shell.as_array() else {
        return Merged::Not;
    };
    let stays = |name: &String| match (ours.contains(name), theirs.contains(name)) {
        (true, false) | (false, true) => !base.contains(name),
        (one, _) => one,
    };
    let mut list = List::of(array);
    list.retain(|value| stays(&name(place, value)));
    let sequence = order::sorted_union(&ours, &theirs, 2, |_| true);
    for (at, wanted) in sequence.iter().enumerate() {
        let have = list.values().map(|value| name(place, value));
        let have = have.collect::<Vec<_>>();
        if stays(wanted) && !have.contains(wanted) {
            let before = sequence[..at].iter().rev();
            let behind = before.filter_map(|name| have.iter().position(|other| other == name));
            let index = behind.map(|index| index + 1).next().unwrap_or(0);
            if let Some(value) = find(place, sides.theirs, wanted) {
                list.insert(index, value);
            }
        }
    }
    if list.values().next().is_none() && (sides.ours.is_none() || sides.theirs.is_none()) {
        return Merged::Gone;
    }
    let array = list.into_array(array);
    Merged::Set(Box::new((
        key.clone().into_owned(),
        Item::Value(array.into()),
    )))
}

/// What the elements of a side say; None if it has no array there, which some sets need not have.
fn names(place: &Place, side: Option<&Given<'_>>) -> Option<Vec<String>> {
    match side {
        None => place.is_optional_set().then(Vec::new),
        Some((_, item)) => {
            let values = item.as_array()?.iter();
            Some(values.map(|value| name(place, value)).collect())
        }
    }
}

fn find<'a>(place: &Place, side: Option<&'a Given<'a>>, wanted: &str) -> Option<&'a Value> {
    let mut values = side?.1.as_array()?.iter();
    values.find(|value| name(place, value) == wanted)
}

/// Texts by themselves, so that they sort as they read.
fn name(place: &Place, value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => format!("\0{:?}", meaning::of_value(&place.element(), value)),
    }
}
