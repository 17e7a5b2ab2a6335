//! Makes the three trees of a merge alike where they mean the same, so that only what differs in
//! meaning can conflict: line ends, the structure of TOML, lock files, the record.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item, Table};

use super::ends::Ends;
use super::{lock, toml};
use crate::error::Result;
use crate::repo::Oid;
use crate::repo::checkout::Checkout;
use crate::repo::merge::{self, Sides};
use crate::stamp::record;
use crate::template::File;

/// The two renders that are merged into a service.
#[derive(Clone, Copy, Debug)]
pub struct Renders<'a> {
    /// The old one.
    pub base: &'a [File],
    /// The new one.
    pub theirs: &'a [File],
}

/// The trees as they are merged; `ours` is the service's.
pub fn prepare(checkout: &Checkout, renders: Renders, ours: Oid) -> Result<Sides> {
    let mut table = Table3::new(checkout, renders, ours)?;
    table.guess_record();
    table.each(of_this_program);
    table.each(of_these_line_ends);
    table.each(of_this_structure);
    table.each(of_cargo);
    table.sides(checkout, ours)
}

/// One file on three sides.
type Row = [Option<File>; 3];

/// The files that may need it, on three sides.
struct Table3 {
    rows: BTreeMap<String, (Row, Row)>,
}

impl Table3 {
    fn new(checkout: &Checkout, renders: Renders, ours: Oid) -> Result<Self> {
        let each = renders.base.iter().chain(renders.theirs);
        let paths = each.map(|file| file.path.as_str()).collect::<BTreeSet<_>>();
        let find =
            |files: &[File], path: &str| files.iter().find(|file| file.path == path).cloned();
        let mut rows = BTreeMap::new();
        for path in paths {
            let row = [
                find(renders.base, path),
                checkout.file(ours, path)?,
                find(renders.theirs, path),
            ];
            rows.insert(path.to_owned(), (row.clone(), row));
        }
        Ok(Self { rows })
    }

    /// Where nobody knows what the record was, all that the service has in it is the owner's, and
    /// all else that the new one has is new.
    fn guess_record(&mut self) {
        let Some(([base @ None, Some(ours), Some(theirs)], _)) = self.rows.get_mut(record::FILE)
        else {
            return;
        };
        let parsed = |file: &File| {
            let text = std::str::from_utf8(&file.bytes).ok()?;
            text.parse::<DocumentMut>().ok()
        };
        if let (Some(ours), Some(mut new)) = (parsed(ours), parsed(theirs)) {
            keep_common(new.as_table_mut(), ours.as_table());
            *base = Some(File {
                bytes: Cow::Owned(new.to_string().into_bytes()),
                ..theirs.clone()
            });
        }
    }

    /// Gives each file that all three sides have, as texts that differ, to `alike`.
    fn each(&mut self, alike: fn(&str, [&str; 3]) -> Option<[String; 3]>) {
        for (path, (row, _)) in &mut self.rows {
            let texts = row.each_ref().map(|file| {
                let file = file.as_ref()?;
                std::str::from_utf8(&file.bytes).ok()
            });
            if let [Some(base), Some(ours), Some(theirs)] = texts
                && let Some(new) = alike(path, [base, ours, theirs])
            {
                for (file, text) in row.iter_mut().flatten().zip(new) {
                    file.bytes = Cow::Owned(text.into_bytes());
                }
            }
        }
    }

    fn sides(&self, checkout: &Checkout, ours: Oid) -> Result<Sides> {
        let side = |at: usize| -> Result<Oid> {
            let files = self.rows.values().filter_map(|(row, _)| row[at].clone());
            checkout.store(&files.collect::<Vec<_>>())
        };
        let changed = self.rows.iter().filter(|(_, (now, was))| now[1] != was[1]);
        let changed = changed.map(|(path, (now, _))| (path.clone(), now[1].clone()));
        let mut originals = [(); 3].map(|()| BTreeMap::new());
        for (now, was) in self.rows.values() {
            for at in 0..3 {
                if let (Some(now), Some(was)) = (&now[at], &was[at])
                    && now.bytes != was.bytes
                {
                    let known = checkout.blobs([&now.bytes, &was.bytes])?;
                    originals[at].insert(known[0], known[1]);
                }
            }
        }
        Ok(Sides {
            base: side(0)?,
            ours: checkout.with(ours, &changed.collect())?,
            theirs: side(2)?,
            originals,
        })
    }
}

/// What only this program writes into the record cannot conflict: it is what the new render says.
fn of_this_program(path: &str, [base, ours, theirs]: [&str; 3]) -> Option<[String; 3]> {
    if path != record::FILE {
        return None;
    }
    let theirs_doc = theirs.parse::<DocumentMut>().ok()?;
    let taken = |text: &str| {
        let mut doc = text.parse::<DocumentMut>().ok()?;
        for name in record::OURS {
            take_table(&mut doc, &theirs_doc, name);
        }
        Some(doc.to_string())
    };
    Some([taken(base)?, taken(ours)?, theirs.to_owned()])
}

/// Removes from `table` what `other` does not have.
fn keep_common(table: &mut Table, other: &Table) {
    table.retain(|key, item| match (item, other.get(key)) {
        (_, None) => false,
        (Item::Table(inner), Some(Item::Table(other))) => {
            keep_common(inner, other);
            true
        }
        _ => true,
    });
}

/// The entries of the table `name` of `from`; the table stands where it stood.
fn take_table(doc: &mut DocumentMut, from: &DocumentMut, name: &str) {
    let Some(new) = from.get(name).and_then(Item::as_table) else {
        return;
    };
    let item = doc.entry(name).or_insert(Item::Table(Table::new()));
    let Some(table) = item.as_table_mut() else {
        *item = Item::Table(new.clone());
        return;
    };
    let same = |(key, item): (&str, &Item)| {
        let ours = table.get(key).map(ToString::to_string);
        ours.is_some_and(|ours| ours.trim() == item.to_string().trim())
    };
    if table.len() != new.len() || !new.iter().all(same) {
        table.clear();
        for (key, item) in new {
            table.insert(key, item.clone());
        }
    }
}

/// A service that ends its lines in its own way goes on doing so.
fn of_these_line_ends(_: &str, [base, ours, theirs]: [&str; 3]) -> Option<[String; 3]> {
    let ends = Ends::of(ours);
    let is_unix = !ours.contains('\r');
    if Ends::of(base) == ends || !(ends == Ends::CrLf || is_unix) {
        return None;
    }
    let alike = |text: &str| ends.of_lines(text.replace("\r\n", "\n"));
    Some([alike(base), ours.to_owned(), alike(theirs)])
}

/// Manifests and the record are merged by what they mean; other TOML where its lines conflict.
fn of_this_structure(path: &str, [base, ours, theirs]: [&str; 3]) -> Option<[String; 3]> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = std::path::Path::new(name).extension();
    if extension.is_none_or(|extension| extension != "toml") || base == ours || base == theirs {
        return None;
    }
    let by_meaning = matches!(name, "Cargo.toml" | record::FILE);
    if !by_meaning && merge::lines(base, ours, theirs).is_some() {
        return None;
    }
    let toml::Reduced { base, ours, theirs } = toml::reduce(base, ours, theirs)?;
    Some([base, ours, theirs])
}

/// A lock file is cargo's: what it says follows from the manifests.
fn of_cargo(path: &str, [base, ours, theirs]: [&str; 3]) -> Option<[String; 3]> {
    if path.rsplit('/').next() != Some("Cargo.lock") {
        return None;
    }
    let picked = lock::pick(Some(base), Some(ours), Some(theirs))?;
    Some([base.to_owned(), picked.clone(), picked])
}

/// `files` with the tables of the record that only this program writes as `new` has them, or with
/// the whole record of `new`, if they have none.
#[must_use]
pub fn with_record_of(files: &[File], new: &[File]) -> Vec<File> {
    let text = |files: &[File]| {
        let file = files.iter().find(|file| file.path == record::FILE)?;
        String::from_utf8(file.bytes.to_vec()).ok()
    };
    let mut files = files.to_vec();
    let place = files.binary_search_by(|file| file.path.as_str().cmp(record::FILE));
    let theirs = new.iter().find(|file| file.path == record::FILE);
    if let (Err(at), Some(theirs)) = (place, theirs) {
        files.insert(at, theirs.clone());
    }
    if let (Some(old), Some(new)) = (text(&files), text(new))
        && let Some([text, ..]) = of_this_program(record::FILE, [&old, &old, &new])
        && let Some(file) = files.iter_mut().find(|file| file.path == record::FILE)
    {
        file.bytes = Cow::Owned(text.into_bytes());
    }
    files
}

/// What has to change so that `before` becomes `after`, by path.
#[must_use]
pub fn changes(before: &[File], after: &[File]) -> BTreeMap<String, Option<File>> {
    let gone = before
        .iter()
        .filter(|file| after.iter().all(|new| new.path != file.path));
    let gone = gone.map(|file| (file.path.clone(), None));
    let come = after.iter().filter(|file| !before.contains(file));
    gone.chain(come.map(|file| (file.path.clone(), Some(file.clone()))))
        .collect()
}
