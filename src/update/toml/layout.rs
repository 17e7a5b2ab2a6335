//! Where headers stand. The parser numbers them; between two numbers of the service's there is
//! room for all that the template may bring.

use toml_edit::{DocumentMut, Item, Table};

use super::comment;

/// Between two headers of the service's.
const ROOM: isize = 1 << 20;

/// A header: the keys in it, and its number.
type Header = (Vec<String>, isize);

/// Numbers the template's headers so that each comes to stand behind the one that it follows, as
/// far as the service has that.
pub fn align(ours: &mut DocumentMut, theirs: &mut DocumentMut) {
    each(ours.as_table_mut(), &mut Vec::new(), &mut |_, table| {
        table.set_position(table.position().map(|at| at * ROOM));
    });
    let ours = headers(ours.as_table_mut());
    let known = headers(theirs.as_table_mut());
    each(
        theirs.as_table_mut(),
        &mut Vec::new(),
        &mut |path, table| {
            let at = table.position();
            let index = at.and_then(|at| known.iter().position(|(_, other)| *other == at));
            table.set_position(index.map(|index| place(path, index, &known, &ours)));
        },
    );
}

/// Puts what has a header at a number, and what stands under it behind that.
pub fn stand(item: &mut Item, at: Option<isize>) {
    let Some(at) = at else { return };
    let put = |table: &mut Table| {
        each(table, &mut Vec::new(), &mut |path, below| {
            below.set_position(path.is_empty().then_some(at));
        });
    };
    match item {
        Item::Table(table) => put(table),
        Item::ArrayOfTables(array) => array.iter_mut().for_each(put),
        Item::None | Item::Value(_) => {}
    }
}

/// The number of the first header of an item.
pub fn position(item: &Item) -> Option<isize> {
    match item {
        Item::Table(table) => table.position().or_else(|| below(table)),
        Item::ArrayOfTables(array) => array.iter().find_map(Table::position),
        Item::None | Item::Value(_) => None,
    }
}

fn below(table: &Table) -> Option<isize> {
    table.iter().filter_map(|(_, item)| position(item)).min()
}

/// Whether headers follow upon each other without empty lines.
pub fn is_dense(doc: &DocumentMut) -> bool {
    let mut doc = doc.clone();
    let mut found = Vec::new();
    each(doc.as_table_mut(), &mut Vec::new(), &mut |path, table| {
        if !path.is_empty() && is_shown(table) {
            found.push((table.position(), is_tight(table)));
        }
    });
    found.sort();
    found.iter().skip(1).any(|(_, tight)| *tight)
}

/// Numbers all headers anew: those of an element of an array stay with it. An empty line comes
/// before each but the first, unless the service writes them `dense`.
pub fn settle(doc: &mut DocumentMut, dense: bool) {
    let mut keys = Vec::new();
    collect(doc.as_table(), &[], &[isize::MAX], &mut keys);
    let mut order = (0..keys.len()).collect::<Vec<_>>();
    order.sort_by_key(|index| &keys[*index]);
    let mut ranks = vec![0; keys.len()];
    for (rank, index) in (1..).zip(order) {
        ranks[index] = rank;
    }
    let mut ranks = ranks.into_iter();
    let mut first = None::<isize>;
    each(doc.as_table_mut(), &mut Vec::new(), &mut |path, table| {
        if path.is_empty() {
            return;
        }
        let rank = ranks.next().unwrap_or_default();
        table.set_position(Some(rank));
        if is_shown(table) {
            first = Some(first.map_or(rank, |first| first.min(rank)));
        }
    });
    let has_keys = !doc.get_values().is_empty();
    each(doc.as_table_mut(), &mut Vec::new(), &mut |path, table| {
        if !path.is_empty() && is_shown(table) {
            space(table, table.position() == first && !has_keys, dense);
        }
    });
}

fn space(table: &mut Table, first: bool, dense: bool) {
    let prefix = comment::prefix(table.decor()).to_owned();
    if first {
        table
            .decor_mut()
            .set_prefix(prefix.trim_start_matches('\n'));
    } else if !dense && is_tight(table) {
        table.decor_mut().set_prefix(format!("\n{prefix}"));
    }
}

/// Whether no empty line stands above a header and its comments.
fn is_tight(table: &Table) -> bool {
    let prefix = comment::prefix(table.decor());
    table.decor().prefix().is_some() && !prefix.starts_with('\n') && !prefix.contains("\n\n")
}

/// Whether a table is written under a header.
fn is_shown(table: &Table) -> bool {
    !table.is_implicit() || !table.get_values().is_empty()
}

/// The number for a header of the template's.
fn place(path: &[String], index: usize, theirs: &[Header], ours: &[Header]) -> isize {
    let step = isize::try_from(index + 1).unwrap_or(ROOM);
    let mut before = theirs[..index].iter().rev();
    let behind = before.find_map(|(other, _)| last(other, path, ours));
    match behind {
        Some(at) => at + step,
        None => ahead(&theirs[index..], ours).map_or(isize::MAX / 2, |at| at - ROOM) + step,
    }
}

/// Where the first of these starts that the service has.
fn ahead(theirs: &[Header], ours: &[Header]) -> Option<isize> {
    let known = |(other, _): &Header| ours.iter().find(|(path, _)| path == other);
    theirs.iter().find_map(known).map(|(_, at)| *at)
}

/// Where a table of the service's ends, with those under it unless `path` belongs there, too.
fn last(other: &[String], path: &[String], ours: &[Header]) -> Option<isize> {
    let mut at = ours.iter().rposition(|(path, _)| path == other)?;
    if !path.starts_with(other) {
        let under = ours[at..]
            .iter()
            .take_while(|(path, _)| path.starts_with(other));
        at += under.count() - 1;
    }
    Some(ours[at].1)
}

/// The headers as they follow upon each other.
fn headers(root: &mut Table) -> Vec<Header> {
    let mut found = Vec::new();
    each(root, &mut Vec::new(), &mut |path, table| {
        if let (Some(at), false) = (table.position(), path.is_empty()) {
            found.push((path.to_vec(), at));
        }
    });
    found.sort_by_key(|(_, at)| *at);
    found
}

/// All that may have a header, above before below.
fn each(table: &mut Table, path: &mut Vec<String>, f: &mut impl FnMut(&[String], &mut Table)) {
    if !table.is_dotted() {
        f(path, table);
    }
    for (key, item) in table.iter_mut() {
        path.push(key.get().to_owned());
        match item {
            Item::Table(table) => each(table, path, f),
            Item::ArrayOfTables(array) => array.iter_mut().for_each(|table| each(table, path, f)),
            Item::None | Item::Value(_) => {}
        }
        path.pop();
    }
}

/// What sorts the headers, in the order of [`each`]: a number, behind that of the array's element
/// in which it stands.
fn collect(table: &Table, above: &[isize], own: &[isize], keys: &mut Vec<Vec<isize>>) {
    for (_, item) in table {
        match item {
            Item::Table(table) if table.is_dotted() => collect(table, above, own, keys),
            Item::Table(table) => {
                let at = table.position().or_else(|| below(table));
                let key = at.map_or_else(|| own.to_vec(), |at| [above, &[at]].concat());
                keys.push(key.clone());
                collect(table, above, &key, keys);
            }
            Item::ArrayOfTables(array) => {
                let mut last = isize::MIN;
                for (index, table) in (0..).zip(array.iter()) {
                    last = table.position().unwrap_or(last).max(last);
                    let key = [above, &[last, index]].concat();
                    keys.push(key.clone());
                    collect(table, &key, &key, keys);
                }
            }
            Item::None | Item::Value(_) => {}
        }
    }
}
