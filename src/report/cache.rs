//! What is said of the cache of compiled crates.

use std::path::Path;
use std::time::Duration;

use super::{Event, GREEN, Report, millis};
use crate::cache::Shelf;
use crate::dirs::tilde;

/// What a build has borrowed from the cache, or why it has not.
#[derive(Debug)]
pub enum Borrowed {
    /// Crates that another service has compiled.
    Crates {
        /// How many.
        number: usize,
        /// Whether they take disk of their own.
        copied: bool,
        /// How long that took.
        took: Duration,
    },
    /// Nothing, for this reason.
    Nothing(String),
    /// This many crates were damaged.
    Damaged(usize),
    /// The build failed with them and begins anew without them.
    Repeated,
    /// What was compiled is not kept, for this reason.
    NotKept(String),
}

impl Report {
    /// A word on the cache, in the middle of a step.
    pub fn borrowed(&self, what: &Borrowed) {
        let Some(line) = line(what) else { return };
        self.bar.clear();
        let (crates, ms) = match what {
            Borrowed::Crates { number, took, .. } => (Some(*number), Some(millis(*took))),
            _ => (None, None),
        };
        self.event(|| Event::Cache {
            crates,
            ms,
            message: line.clone(),
        });
        self.say(&format!("   {line}\n"));
    }

    /// The cache at `root` is warm.
    pub fn warmed(&self, root: &Path, shelves: &[Shelf]) {
        let result = super::ResultEvent {
            path: Some(root.display().to_string()),
            ..self.result(0)
        };
        self.event(|| Event::Result(result));
        let done = self.paint(GREEN, "All done!");
        self.say(&format!("\n{done} {}", shown(root, shelves)));
    }
}

fn line(what: &Borrowed) -> Option<String> {
    Some(match what {
        Borrowed::Crates { number: 0, .. } => return None,
        Borrowed::Crates {
            number,
            copied: false,
            ..
        } => format!("{number} compiled crates are here already"),
        Borrowed::Crates { number, .. } => {
            format!(
                "{number} compiled crates are here already, copied: the cache cannot be linked to"
            )
        }
        Borrowed::Nothing(reason) => format!("nothing is shared with other services: {reason}"),
        Borrowed::Damaged(1) => "1 crate in the cache was damaged and is compiled anew".to_owned(),
        Borrowed::Damaged(number) => {
            format!("{number} crates in the cache were damaged and are compiled anew")
        }
        Borrowed::Repeated => {
            "the build failed with crates from the cache and is repeated without them".to_owned()
        }
        Borrowed::NotKept(reason) => format!("nothing is kept for the next service: {reason}"),
    })
}

/// What the cache at `root` holds.
#[must_use]
pub fn shown(root: &Path, shelves: &[Shelf]) -> String {
    let bytes = shelves.iter().map(|shelf| shelf.bytes).sum();
    let units = shelves.iter().map(|shelf| shelf.units).sum();
    let mut text = format!(
        "{} holds {}, {}\n",
        tilde(root),
        crates(units),
        mebibytes(bytes)
    );
    for shelf in shelves {
        let days = shelf.idle.as_secs() / (24 * 60 * 60);
        let used = match days {
            0 => "today".to_owned(),
            1 => "yesterday".to_owned(),
            days => format!("{days} days ago"),
        };
        text.push_str(&format!(
            "  {}: {}, {}, last used {used}\n",
            shelf.name,
            crates(shelf.units),
            mebibytes(shelf.bytes),
        ));
    }
    text
}

/// The cache at `root`, emptied of `shelves`.
#[must_use]
pub fn emptied(root: &Path, shelves: &[Shelf]) -> String {
    let bytes = shelves.iter().map(|shelf| shelf.bytes).sum();
    let units = shelves.iter().map(|shelf| shelf.units).sum();
    format!(
        "{} is empty; {}, {}, were removed\n",
        tilde(root),
        crates(units),
        mebibytes(bytes)
    )
}

/// Every byte in the cache is what it was.
#[must_use]
pub fn whole(root: &Path, units: usize) -> String {
    format!("{} is whole: {}\n", tilde(root), crates(units))
}

fn crates(number: usize) -> String {
    match number {
        1 => "1 crate".to_owned(),
        _ => format!("{number} crates"),
    }
}

fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
