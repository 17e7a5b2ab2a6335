//! Three versions of a value become one, or three that differ where both sides changed it.

use std::borrow::Cow;

use toml_edit::{Item, Key};

use super::meaning::{self, Meaning};
use super::place::Place;
use super::sets::{self, Merged};
use super::{arrays, comment, form, layout, order, origin};

/// One thing on all sides.
#[derive(Clone, Debug, Default)]
pub struct Three<T> {
    /// What both had at first.
    pub base: T,
    /// What the service has.
    pub ours: T,
    /// What the template has.
    pub theirs: T,
}

/// A key and what stands behind it, as it comes out.
pub type Entry = (Key, Item);

/// A key and what stands behind it, as a side has it.
pub type Given<'a> = (Cow<'a, Key>, Cow<'a, Item>);

impl<T> Three<T> {
    /// Each side turned into something else.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Three<U> {
        Three {
            base: f(self.base),
            ours: f(self.ours),
            theirs: f(self.theirs),
        }
    }

    /// Each side, borrowed.
    pub fn as_ref(&self) -> Three<&T> {
        Three {
            base: &self.base,
            ours: &self.ours,
            theirs: &self.theirs,
        }
    }
}

impl<T: Clone> Three<T> {
    /// The same on all sides.
    pub fn same(one: T) -> Self {
        Self {
            base: one.clone(),
            ours: one.clone(),
            theirs: one,
        }
    }
}

impl<T> Three<Vec<T>> {
    /// Adds to each side what it has.
    pub fn push(&mut self, next: Three<Option<T>>) {
        self.base.extend(next.base);
        self.ours.extend(next.ours);
        self.theirs.extend(next.theirs);
    }
}

/// An entry on three sides, any of which may lack it.
pub type Sides<'a> = Three<Option<&'a Given<'a>>>;

/// What becomes of what stands at `place`.
pub fn entry(place: &Place, sides: &Sides<'_>) -> Three<Option<Entry>> {
    let meant = sides.as_ref().map(|side| {
        let (_, item) = side.as_ref()?;
        meaning::of(place, item)
    });
    if is_untouched(sides) {
        Three::same(taken(sides))
    } else if origin::is_torn(place, &meant) {
        conflict(sides)
    } else if are_tables(place, sides, &meant) {
        tables(place, sides)
    } else if let Some(merged) = arrays::merge(place, sides) {
        merged
    } else if meant.ours == meant.theirs || meant.theirs == meant.base {
        Three::same(kept(sides))
    } else if meant.ours == meant.base {
        Three::same(taken(sides))
    } else {
        match sets::merge(place, sides) {
            Merged::Set(entry) => Three::same(Some(*entry)),
            Merged::Gone => Three::default(),
            Merged::Not => conflict(sides),
        }
    }
}

/// What becomes of a table, whose keys are merged each for itself.
pub fn tables(place: &Place, sides: &Sides<'_>) -> Three<Option<Entry>> {
    let children = sides.as_ref().map(|side| match side {
        Some((_, item)) => form::children(place, item),
        None => Vec::new(),
    });
    let mut merged = Three::<Vec<Entry>>::default();
    for name in names(&children) {
        let same_name = children.as_ref().map(|side| {
            let named = |(key, _): &&Given<'_>| key.get() == name;
            side.iter().find(named)
        });
        merged.push(entry(&place.then(&name), &same_name));
    }
    let Some((key, shell)) = sides.ours.or(sides.theirs) else {
        return Three::default();
    };
    let may_vanish = sides.ours.is_none() || sides.theirs.is_none();
    merged.map(|children| {
        let gone = may_vanish && children.is_empty();
        let table = || {
            (
                key.clone().into_owned(),
                form::build(place, shell, children),
            )
        };
        (!gone).then(|| with_comments(table(), sides))
    })
}

fn names(children: &Three<Vec<Given<'_>>>) -> Vec<String> {
    let [ours, theirs] = [&children.ours, &children.theirs].map(|side| {
        let names = side.iter().map(|(key, _)| key.get().to_owned());
        names.collect::<Vec<_>>()
    });
    let all = || children.ours.iter().chain(&children.theirs);
    order::sorted_union(&ours, &theirs, 3, |name| {
        let item = all().find(|(key, _)| key.get() == name);
        item.is_some_and(|(_, item)| !form::has_header(item))
    })
}

/// Whether the service has a value just as it came, so that the template's spelling may follow.
fn is_untouched(sides: &Sides<'_>) -> bool {
    match (sides.base, sides.ours) {
        (Some(base), Some(ours)) => meaning::is_same_text(&base.1, &ours.1),
        _ => false,
    }
}

/// Whether the keys of what stands at `place` are to be merged each for itself. What one side took
/// away is looked into only if it says nothing as a whole.
fn are_tables(place: &Place, sides: &Sides<'_>, meant: &Three<Option<Meaning>>) -> bool {
    let is_table =
        |side: Option<&Given<'_>>| side.is_some_and(|(_, item)| form::is_table(place, item));
    let [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map(is_table);
    match (&meant.ours, &meant.theirs) {
        (Some(_), Some(_)) => ours && theirs && (base || meant.base.is_none()),
        (Some(_), None) => ours && base && place.is_section(),
        (None, Some(_)) => theirs && base && place.is_section(),
        (None, None) => false,
    }
}

/// The service's, with comments that only the template changed.
fn kept(sides: &Sides<'_>) -> Option<Entry> {
    Some(with_comments(owned(sides.ours?), sides))
}

fn with_comments((mut key, mut item): Entry, sides: &Sides<'_>) -> Entry {
    if let (Some(_), Some(base), Some(theirs)) = (sides.ours, sides.base, sides.theirs) {
        comment::above(&mut key, &base.0, &theirs.0);
        comment::around(&mut item, &base.1, &theirs.1);
    }
    (key, item)
}

fn owned((key, item): &Given<'_>) -> Entry {
    (key.clone().into_owned(), item.clone().into_owned())
}

/// The template's, where the service's stood.
fn taken(sides: &Sides<'_>) -> Option<Entry> {
    let theirs = owned(sides.theirs?);
    Some(match kept(sides) {
        Some(ours) => instead(theirs, &ours),
        None => theirs,
    })
}

/// A new value in the place of an old one, with what stands around that.
fn instead(new: Entry, old: &Entry) -> Entry {
    match (new, old) {
        ((_, Item::Value(mut value)), (key, Item::Value(old))) => {
            *value.decor_mut() = old.decor().clone();
            (key.clone(), Item::Value(value))
        }
        ((key, mut item), (_, old)) => {
            layout::stand(&mut item, layout::position(old));
            (key, item)
        }
    }
}

/// Each side with what it has, all in the same place.
fn conflict(sides: &Sides<'_>) -> Three<Option<Entry>> {
    let place = kept(sides).or_else(|| sides.theirs.map(owned));
    let put = |side: Option<&Given<'_>>| {
        let new = owned(side?);
        Some(match &place {
            Some(old) => with_comment(instead(new.clone(), old), &new),
            None => new,
        })
    };
    Three {
        base: put(sides.base),
        ours: sides.ours.map(owned).map(|ours| match &place {
            Some((key, _)) => (key.clone(), ours.1),
            None => ours,
        }),
        theirs: put(sides.theirs),
    }
}

/// A side of a conflict has its own comment behind the value.
fn with_comment(mut placed: Entry, side: &Entry) -> Entry {
    if let (Item::Value(value), Item::Value(side)) = (&mut placed.1, &side.1) {
        let own = comment::suffix(side.decor());
        if own.trim() != comment::suffix(value.decor()).trim() {
            value.decor_mut().set_suffix(own);
        }
    }
    placed
}
