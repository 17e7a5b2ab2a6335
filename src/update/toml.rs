//! Merges three versions of a TOML file by what they say, not by their lines.
//!
//! The service's own text is the one that stays, with its comments, order and spelling; what the
//! template changed since is worked into it, key by key. Only where both changed the same key to
//! mean something else is there a conflict, and then the three texts that come out differ in that
//! key alone, so that the merge of lines which follows stops there and nowhere else.

mod arrays;
mod comment;
mod form;
mod layout;
mod list;
mod meaning;
mod merge;
mod order;
mod origin;
mod place;
mod sets;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use toml_edit::{DocumentMut, Item, Key, Table};

use super::ends::Ends;
use meaning::Meaning;
use merge::Three;
use place::Place;

/// Three texts that differ only where both sides changed the same thing; else they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduced {
    /// The merged text with what both had at first.
    pub base: String,
    /// The merged text as the service has it.
    pub ours: String,
    /// The merged text as the template has it.
    pub theirs: String,
}

/// What is left to be merged as lines. None: one of the texts is no TOML.
#[must_use]
pub fn reduce(base: &str, ours: &str, theirs: &str) -> Option<Reduced> {
    let ends = Ends::of(ours);
    let texts = [base, ours, theirs].map(|text| text.replace("\r\n", "\n"));
    let [base, ours, theirs] = texts.each_ref().map(String::as_str);
    let reduced = if theirs == base || theirs == ours {
        Reduced::settled(ours)
    } else if ours == base {
        Reduced::settled(theirs)
    } else {
        by_structure(base, ours, theirs)?
    };
    Some(reduced.with(ends))
}

impl Reduced {
    fn settled(text: &str) -> Self {
        Self {
            base: text.to_owned(),
            ours: text.to_owned(),
            theirs: text.to_owned(),
        }
    }

    fn with(self, ends: Ends) -> Self {
        Self {
            base: ends.of_lines(self.base),
            ours: ends.of_lines(self.ours),
            theirs: ends.of_lines(self.theirs),
        }
    }
}

fn by_structure(base: &str, ours: &str, theirs: &str) -> Option<Reduced> {
    let mut docs = Three {
        base: base.parse::<DocumentMut>().ok()?,
        ours: ours.parse::<DocumentMut>().ok()?,
        theirs: theirs.parse::<DocumentMut>().ok()?,
    };
    layout::align(&mut docs.ours, &mut docs.theirs);
    let trailing = comment::merged(
        docs.ours.trailing().as_str().unwrap_or_default(),
        docs.base.trailing().as_str().unwrap_or_default(),
        docs.theirs.trailing().as_str().unwrap_or_default(),
    );
    let dense = layout::is_dense(&docs.ours);
    let roots = docs.map(|doc| {
        let root = Item::Table(doc.into_table());
        (Cow::Owned(Key::new("")), Cow::Owned(root))
    });
    let merged = merge::tables(&Place::root(), &roots.as_ref().map(Some));
    proven(&merged.map(|root| text(root, &trailing, dense)))
}

/// A text, and what it is to say.
type Told = (String, Option<Meaning>);

/// The texts, if they say what was merged, which is not left to trust.
fn proven(told: &Three<Told>) -> Option<Reduced> {
    let mut proven = Vec::new();
    for told in [&told.base, &told.ours, &told.theirs] {
        if !proven.contains(&told) {
            let doc = told.0.parse::<DocumentMut>().ok()?;
            if meaning::of(&Place::root(), doc.as_item()) != told.1 {
                return None;
            }
            proven.push(told);
        }
    }
    Some(Reduced {
        base: told.base.0.clone(),
        ours: told.ours.0.clone(),
        theirs: told.theirs.0.clone(),
    })
}

/// The text of a merged document.
fn text(root: Option<(Key, Item)>, trailing: &str, dense: bool) -> Told {
    let table = match root {
        Some((_, Item::Table(table))) => table,
        _ => Table::new(),
    };
    let mut doc = DocumentMut::from(table);
    doc.set_trailing(trailing);
    layout::settle(&mut doc, dense);
    let meant = meaning::of(&Place::root(), doc.as_item());
    (doc.to_string(), meant)
}
