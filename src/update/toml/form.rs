//! The ways a table may be written: under a header, with dotted keys, inline, or as a text that
//! stands for one of its keys. Merged keys come back in the way of the one they are put into.

use std::borrow::Cow;

use toml_edit::{InlineTable, Item, Key, RawString, Table, Value};

use super::comment;
use super::merge::{Entry, Given};
use super::place::Place;

/// Whether what stands at `place` has keys.
pub fn is_table(place: &Place, item: &Item) -> bool {
    item.is_table_like() || item.is_str() && place.shorthand().is_some()
}

/// Whether an item is written under a header of its own.
pub fn has_header(item: &Item) -> bool {
    match item {
        Item::Table(table) => !table.is_dotted(),
        Item::ArrayOfTables(_) => true,
        Item::None | Item::Value(_) => false,
    }
}

/// The keys of what stands at `place`, with their values.
pub fn children<'a>(place: &Place, item: &'a Item) -> Vec<Given<'a>> {
    if let (Item::Value(value @ Value::String(_)), Some(key)) = (item, place.shorthand()) {
        let bare = Item::Value(value.clone().decorated(" ", ""));
        return vec![(Cow::Owned(Key::new(key)), Cow::Owned(bare))];
    }
    let Some(table) = item.as_table_like() else {
        return Vec::new();
    };
    let entries = table.iter().filter_map(|(name, _)| {
        let (key, item) = table.get_key_value(name)?;
        Some((Cow::Borrowed(key), Cow::Borrowed(item)))
    });
    entries.collect()
}

/// Such a table as `shell` is, with `children` in it.
pub fn build(place: &Place, shell: &Item, children: Vec<Entry>) -> Item {
    match shell {
        Item::Table(table) => Item::Table(under_header(table, children)),
        Item::Value(Value::InlineTable(table)) => Item::Value(inline(table, children).into()),
        Item::Value(value) => Item::Value(short(place, value, children)),
        Item::None | Item::ArrayOfTables(_) => shell.clone(),
    }
}

fn under_header(shell: &Table, children: Vec<Entry>) -> Table {
    let mut table = like(shell);
    for (mut key, mut item) in children {
        if shell.is_dotted() && has_header(&item) {
            key.fmt();
            item = dotted(item);
        }
        if !shell.contains_key(key.get()) {
            loosen(&mut key, &mut item, table.is_empty());
        }
        table.insert_formatted(&key, item);
    }
    table
}

/// Such a table with nothing in it.
fn like(shell: &Table) -> Table {
    let mut table = Table::new();
    *table.decor_mut() = shell.decor().clone();
    table.set_implicit(shell.is_implicit());
    table.set_dotted(shell.is_dotted());
    table.set_position(shell.position());
    table
}

/// An item that needs no header.
fn dotted(item: Item) -> Item {
    match item {
        Item::Table(mut table) => {
            if table.is_empty() {
                return Item::Value(InlineTable::new().into());
            }
            table.set_dotted(true);
            for (_, item) in table.iter_mut() {
                *item = dotted(std::mem::take(item));
            }
            Item::Table(table)
        }
        Item::ArrayOfTables(array) => Item::Value(array.into_array().into()),
        item => item,
    }
}

/// Takes the white space of an inline table from around a key that comes onto a line of its own.
fn loosen(key: &mut Key, item: &mut Item, first: bool) {
    let prefix = comment::prefix(key.leaf_decor()).to_owned();
    if first {
        key.leaf_decor_mut()
            .set_prefix(prefix.trim_start_matches('\n'));
    } else if prefix.trim().is_empty() && !prefix.contains('\n') {
        key.leaf_decor_mut().set_prefix("");
    }
    if let Item::Value(value) = item
        && comment::suffix(value.decor()).trim().is_empty()
    {
        value.decor_mut().set_suffix("");
    }
}

/// Comments have no place in an inline table, but those that the service put there.
fn inline(shell: &InlineTable, children: Vec<Entry>) -> InlineTable {
    let had = shell.iter().map(|(key, _)| key);
    let is_same = had.eq(children.iter().map(|(key, _)| key.get()));
    let mut table = shell.clone();
    table.clear();
    for (key, item) in children {
        let Ok(mut value) = item.into_value() else {
            continue;
        };
        if let Some(old) = shell.get(key.get()) {
            *value.decor_mut() = old.decor().clone();
        }
        table.insert_formatted(shell.key(key.get()).unwrap_or(&key), value);
    }
    if is_on_lines(shell) {
        on_lines(&mut table, shell);
    } else if !is_same {
        table.fmt();
        table.set_trailing("");
        table.set_trailing_comma(false);
    }
    table
}

fn is_on_lines(table: &InlineTable) -> bool {
    let mut keys = table.iter().filter_map(|(key, _)| table.key(key));
    keys.any(|key| comment::prefix(key.leaf_decor()).contains('\n'))
}

/// New keys come onto lines of their own where the others are.
fn on_lines(table: &mut InlineTable, shell: &InlineTable) {
    let first = shell.iter().next().and_then(|(key, _)| shell.key(key));
    let lead = first.map_or("", |key| comment::prefix(key.leaf_decor()));
    let indent = lead.rfind('\n').map_or(lead, |at| &lead[at..]).to_owned();
    for (mut key, value) in table.iter_mut() {
        if !shell.contains_key(key.get()) {
            key.leaf_decor_mut().set_prefix(indent.as_str());
            key.leaf_decor_mut().set_suffix(" ");
            *value = value.clone().decorated(" ", "");
        }
        if comment::suffix(value.decor()).trim().is_empty() {
            value.decor_mut().set_suffix("");
        }
    }
    let trailing = shell.trailing().as_str().unwrap_or_default();
    if trailing.trim().is_empty() {
        table.set_trailing(RawString::from("\n"));
    }
}

/// A text as long as it says everything.
fn short(place: &Place, shell: &Value, children: Vec<Entry>) -> Value {
    let around = [
        comment::prefix(shell.decor()),
        comment::suffix(shell.decor()),
    ];
    let [before, behind] = around;
    if let [(key, Item::Value(value))] = children.as_slice()
        && Some(key.get()) == place.shorthand()
        && value.is_str()
    {
        return value.clone().decorated(before, behind);
    }
    let table = inline(&InlineTable::new(), children);
    Value::from(table).decorated(before, behind)
}
