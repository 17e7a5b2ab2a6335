//! Arrays of tables: `[[bin]]` and its like, element by element.

use std::borrow::Cow;

use toml_edit::{ArrayOfTables, Item, Key, Table};

use super::merge::{self, Entry, Given, Sides, Three};
use super::place::Place;
use super::{meaning, order};

/// The elements of each side.
type Elements = Three<Vec<Given<'static>>>;

/// What becomes of an array of tables. None: it is none, or nobody can tell which element of one
/// side is which of the other.
pub fn merge(place: &Place, sides: &Sides<'_>) -> Option<Three<Option<Entry>>> {
    let is_array =
        |side: Option<&Given<'_>>| side.is_some_and(|(_, item)| item.is_array_of_tables());
    if !is_array(sides.ours.or(sides.theirs)) {
        return None;
    }
    let tables = Three {
        base: tables(sides.base)?,
        ours: tables(sides.ours)?,
        theirs: tables(sides.theirs)?,
    };
    let element = place.element();
    let names = names(&element, &tables)?;
    let mut merged = Three::<Vec<Entry>>::default();
    for name in sequence(&names) {
        let found = Three {
            base: find(&name, &names.base, &tables.base),
            ours: find(&name, &names.ours, &tables.ours),
            theirs: find(&name, &names.theirs, &tables.theirs),
        };
        merged.push(merge::entry(&element, &found));
    }
    let (key, _) = sides.ours.or(sides.theirs)?;
    Some(merged.map(|elements| array(key, elements)))
}

/// The element of this name.
fn find<'a, T>(name: &String, names: &[String], tables: &'a [T]) -> Option<&'a T> {
    let at = names.iter().position(|other| other == name)?;
    tables.get(at)
}

/// The elements of a side, none if it has no such array.
fn tables(side: Option<&Given<'_>>) -> Option<Vec<Given<'static>>> {
    let Some((_, item)) = side else {
        return Some(Vec::new());
    };
    let array = item.clone().into_owned().into_array_of_tables().ok()?;
    let tables = array.into_iter().map(Item::Table);
    let given = tables.map(|table| (Cow::Owned(Key::new("")), Cow::Owned(table)));
    Some(given.collect())
}

/// The service's order, unless only the template changed it.
fn sequence(names: &Three<Vec<String>>) -> Vec<String> {
    if names.ours == names.base {
        order::union(&names.theirs, &names.ours)
    } else {
        order::union(&names.ours, &names.theirs)
    }
}

fn array(key: &Key, elements: Vec<Entry>) -> Option<Entry> {
    let tables = elements.into_iter().filter_map(|(_, item)| match item {
        Item::Table(table) => Some(table),
        _ => None,
    });
    let array = tables.collect::<ArrayOfTables>();
    (!array.is_empty()).then(|| (key.clone(), Item::ArrayOfTables(array)))
}

/// A name for each element, which it has on all sides.
fn names(place: &Place, tables: &Elements) -> Option<Three<Vec<String>>> {
    by_key(tables)
        .or_else(|| by_content(place, tables))
        .or_else(|| by_position(tables))
}

/// By a key that each has, and no two of a side the same.
fn by_key(tables: &Elements) -> Option<Three<Vec<String>>> {
    let all = [&tables.base, &tables.ours, &tables.theirs];
    let first = all.into_iter().flatten().next().and_then(table)?;
    let usual = ["name", "path", "id"];
    let keys = usual.into_iter().chain(first.iter().map(|(key, _)| key));
    let mut found = keys.map(|key| {
        Some(Three {
            base: by(key, &tables.base)?,
            ours: by(key, &tables.ours)?,
            theirs: by(key, &tables.theirs)?,
        })
    });
    found.find_map(|names| names)
}

fn by(key: &str, side: &[Given<'_>]) -> Option<Vec<String>> {
    let names = side.iter().map(|entry| {
        let name = meaning::name(table(entry)?, key)?;
        Some(name.to_owned())
    });
    distinct(names.collect::<Option<Vec<_>>>()?)
}

/// By all they say, if no element was changed by both.
fn by_content(place: &Place, tables: &Elements) -> Option<Three<Vec<String>>> {
    let says = |entries: &[Given<'_>]| {
        let says = entries
            .iter()
            .map(|(_, item)| format!("{:?}", meaning::of(place, item)));
        distinct(says.collect())
    };
    let names = Three {
        base: says(&tables.base)?,
        ours: says(&tables.ours)?,
        theirs: says(&tables.theirs)?,
    };
    let is_known = |name: &String| names.ours.contains(name) || names.theirs.contains(name);
    names.base.iter().all(is_known).then_some(names)
}

/// By where they stand, if none came or went.
fn by_position(tables: &Elements) -> Option<Three<Vec<String>>> {
    let length = tables.base.len();
    let is_same = tables.ours.len() == length && tables.theirs.len() == length;
    let names = || (0..length).map(|at| at.to_string()).collect();
    is_same.then(|| Three::same(names()))
}

fn distinct(names: Vec<String>) -> Option<Vec<String>> {
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

fn table<'a>(entry: &'a Given<'_>) -> Option<&'a Table> {
    entry.1.as_table()
}
