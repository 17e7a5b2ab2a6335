//! Moves a key of a TOML file to another place, with its value, its comments and its format.

use toml_edit::{DocumentMut, InlineTable, Item, Key, RawString, Table, TableLike, Value};

/// The text with the value that was at `from` at `to`. Nothing, if it is no TOML, there is no such
/// value, or something is at the new place already.
pub fn renamed(text: &str, from: &[String], to: &[String]) -> Option<String> {
    let mut document = text.parse::<DocumentMut>().ok()?;
    find(document.as_table(), from)?;
    if !is_free(document.as_table(), to) {
        return None;
    }
    let root = document.as_item_mut();
    let ((old, home), (new, goal)) = (from.split_last()?, to.split_last()?);
    if home == goal {
        rename(at(root, home)?.as_table_like_mut()?, old, new)?;
    } else {
        let moving = take(root, from)?;
        let left = leave(root, home);
        put(root, to, moving, left)?;
    }
    let edited = document.to_string();
    // What an edit would break is better left alone.
    edited.parse::<DocumentMut>().ok()?;
    Some(with_ends_of(text, edited))
}

/// The parser makes every end of a line one of Unix.
fn with_ends_of(text: &str, edited: String) -> String {
    if text.contains("\r\n") {
        return edited.replace('\n', "\r\n");
    }
    edited
}

fn find<'a>(table: &'a dyn TableLike, path: &[String]) -> Option<&'a Item> {
    let (first, rest) = path.split_first()?;
    let item = table.get(first).filter(|item| !item.is_none())?;
    if rest.is_empty() {
        return Some(item);
    }
    find(item.as_table_like()?, rest)
}

/// Whether nothing is at `path`, and nothing on the way that is no table.
fn is_free(table: &dyn TableLike, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    match table.get(first).filter(|item| !item.is_none()) {
        None => true,
        Some(item) => item
            .as_table_like()
            .is_some_and(|table| is_free(table, rest)),
    }
}

/// What is at `path`, where the way is there.
fn at<'a>(root: &'a mut Item, path: &[String]) -> Option<&'a mut Item> {
    match path.split_first() {
        None => Some(root),
        Some((first, rest)) => at(root.as_table_like_mut()?.get_mut(first)?, rest),
    }
}

/// In its own table a key keeps its place among the others.
fn rename(table: &mut dyn TableLike, old: &str, new: &str) -> Option<()> {
    let names = table.iter().map(|(name, _)| name.to_owned());
    for name in names.collect::<Vec<_>>() {
        let mut key = table.key(&name)?.clone();
        let item = table.remove(&name)?;
        if name == old {
            key = called(new, &key);
        }
        table.entry_format(&key).or_insert(item);
    }
    Some(())
}

/// A key called `name` that looks like `key`.
fn called(name: &str, key: &Key) -> Key {
    let like = Key::new(name).with_leaf_decor(key.leaf_decor().clone());
    like.with_dotted_decor(key.dotted_decor().clone())
}

/// Takes the entry at `path` out. What stood between braces has the spaces of braces, which it
/// leaves there.
fn take(root: &mut Item, path: &[String]) -> Option<(Key, Item)> {
    let (name, home) = path.split_last()?;
    let home = at(root, home)?;
    let inline = home.is_inline_table();
    let home = home.as_table_like_mut()?;
    let mut entry = (home.key(name)?.clone(), home.remove(name)?);
    if inline {
        plain(&mut entry);
    }
    Some(entry)
}

/// As if it had just been made.
fn plain((key, item): &mut (Key, Item)) {
    key.leaf_decor_mut().clear();
    if let Some(value) = item.as_value_mut() {
        value.decor_mut().clear();
    }
}

/// Takes the table at `path` away, if nothing is left in it: to who reads it, it would be an
/// unknown one.
fn leave(root: &mut Item, path: &[String]) -> Option<(Key, Item)> {
    let (name, home) = path.split_last()?;
    let home = at(root, home)?.as_table_like_mut()?;
    if !home.get(name)?.as_table_like()?.is_empty() {
        return None;
    }
    Some((home.key(name)?.clone(), home.remove(name)?))
}

/// Puts an entry to `path`. A table that is made for it looks like the one that was `left` empty,
/// and has its comments; if none is made, the entry has them.
fn put(
    root: &mut Item,
    path: &[String],
    mut entry: (Key, Item),
    mut left: Option<(Key, Item)>,
) -> Option<()> {
    let (name, goal) = path.split_last()?;
    let mut home = root;
    for (i, step) in goal.iter().enumerate() {
        if !home.as_table_like()?.contains_key(step) {
            let is_last = i + 1 == goal.len();
            let like = if is_last { left.take() } else { None };
            add(home, made(step, like))?;
        }
        home = home.as_table_like_mut()?.get_mut(step)?;
    }
    if let Some(comments) = left.as_ref().and_then(comments) {
        let own = entry.0.leaf_decor().prefix();
        let own = own.and_then(RawString::as_str).unwrap_or_default();
        let both = format!("{comments}{own}");
        entry.0.leaf_decor_mut().set_prefix(both);
    }
    entry.0 = called(name, &entry.0);
    add(home, entry)
}

/// Adds an entry to a table. Braces have no lines, hence no comments.
fn add(table: &mut Item, mut entry: (Key, Item)) -> Option<()> {
    if let Some(braces) = table.as_inline_table_mut() {
        plain(&mut entry);
        let (key, item) = entry;
        braces.insert_formatted(&key, item.into_value().ok()?);
        braces.fmt();
    } else {
        let table = table.as_table_like_mut()?;
        table.entry_format(&entry.0).or_insert(entry.1);
    }
    Some(())
}

/// A table called `name` that looks like another.
fn made(name: &str, like: Option<(Key, Item)>) -> (Key, Item) {
    match like {
        Some((key, Item::Value(Value::InlineTable(old)))) => {
            let mut new = InlineTable::new();
            *new.decor_mut() = old.decor().clone();
            (called(name, &key), Item::Value(new.into()))
        }
        Some((key, Item::Table(old))) => {
            let mut new = Table::new();
            new.set_dotted(old.is_dotted());
            new.set_position(old.position());
            *new.decor_mut() = old.decor().clone();
            (called(name, &key), Item::Table(new))
        }
        _ => {
            // It has a head of its own only if it has values of its own.
            let mut new = Table::new();
            new.set_implicit(true);
            (Key::new(name), Item::Table(new))
        }
    }
}

/// The comments above a table.
fn comments((key, item): &(Key, Item)) -> Option<String> {
    let above = match item {
        Item::Table(table) => table.decor().prefix(),
        _ => key.leaf_decor().prefix(),
    };
    let above = above?.as_str()?;
    let above = above.trim_start_matches(['\n', '\r']);
    above.contains('#').then(|| above.to_owned())
}
