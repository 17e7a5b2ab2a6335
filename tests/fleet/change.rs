//! Trees of files, and what people do to them.

use std::collections::BTreeMap;
use std::path::Path;

use super::rng::Rng;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub bytes: Vec<u8>,
    pub executable: bool,
}

/// Files by their paths.
pub type Tree = BTreeMap<String, File>;

/// One thing that somebody did.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// In this file, this text, which stands there once, became that.
    Edit(&'static str, &'static str, &'static str),
    /// A file that was not there; a picture's text is the seed of its bytes.
    Add(&'static str, &'static str),
    Remove(&'static str),
    Move(&'static str, &'static str),
    Executable(&'static str),
    /// A line of TOML below its table's head, among its like by the alphabet.
    Sorted(&'static str, &'static str, &'static str),
    /// The lines of a table of TOML, in the order of the alphabet, blank lines gone.
    Sort(&'static str, &'static str),
    /// The line of a table of TOML that begins like this, before all others.
    First(&'static str, &'static str, &'static str),
    /// Text at the end of a file.
    Append(&'static str, &'static str),
    /// Four blanks at the begin of a line became a tab.
    Tabs(&'static str),
}

use Change::{Add, Append, Edit, Executable, First, Move, Remove, Sort, Sorted, Tabs};

impl Change {
    /// Whether it can be done to `tree`, whose author saw it as it is.
    pub fn fits(self, tree: &Tree) -> bool {
        match self {
            Edit(path, old, _) => {
                text(tree, path).is_some_and(|text| text.matches(old).count() == 1)
            }
            Sorted(path, table, line) => text(tree, path).is_some_and(|text| {
                let key = line.split('=').next().unwrap_or_default();
                let has = |other: &&str| other.starts_with(key);
                !cut(text, table).1.iter().any(has)
            }),
            Sort(path, table) => {
                text(tree, path).is_some_and(|text| text.contains(&format!("[{table}]\n")))
            }
            First(path, table, start) => text(tree, path).is_some_and(|text| {
                let (_, lines, _) = cut(text, table);
                lines[1..].iter().any(|line| line.starts_with(start))
            }),
            Add(path, _) => !tree.contains_key(path) || is_picture(path),
            Move(from, to) => tree.contains_key(from) && !tree.contains_key(to),
            Remove(path) | Executable(path) | Append(path, _) | Tabs(path) => {
                tree.contains_key(path)
            }
        }
    }

    /// Does it.
    ///
    /// # Panics
    /// Where it does not fit.
    #[track_caller]
    pub fn apply(self, tree: &mut Tree) {
        assert!(self.fits(tree), "{self:?}");
        match self {
            Edit(path, old, new) => rewrite(tree, path, |text| text.replacen(old, new, 1)),
            Add(path, text) => {
                tree.insert(path.to_owned(), file(path, text));
            }
            Remove(path) => {
                tree.remove(path);
            }
            Move(from, to) => {
                let file = tree.remove(from).expect("it fits");
                tree.insert(to.to_owned(), file);
            }
            Executable(path) => tree.get_mut(path).expect("it fits").executable = true,
            Sorted(path, table, line) => table_of(tree, path, table, |lines| {
                let after = lines
                    .iter()
                    .position(|other| line < *other || other.is_empty());
                lines.insert(after.unwrap_or(lines.len()), line);
            }),
            Sort(path, table) => table_of(tree, path, table, |lines| {
                lines.sort_unstable_by_key(|line| (line.is_empty(), *line));
            }),
            First(path, table, start) => table_of(tree, path, table, |lines| {
                let at = lines.iter().position(|line| line.starts_with(start));
                lines[..=at.expect("it fits")].rotate_right(1);
            }),
            Append(path, more) => rewrite(tree, path, |text| format!("{text}{more}")),
            Tabs(path) => rewrite(tree, path, tabs),
        }
    }
}

/// A file with `text`, or the picture that it is the seed of.
pub fn file(path: &str, text: &str) -> File {
    let bytes = if is_picture(path) {
        picture(text.parse().expect("a seed"))
    } else {
        text.as_bytes().to_vec()
    };
    File {
        bytes,
        executable: false,
    }
}

fn is_picture(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "png")
}

/// Looks like a PNG to whoever looks at its first bytes, and is as binary as one.
fn picture(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let noise = (0..2000).map(|_| rng.next().to_le_bytes()[0]);
    b"\x89PNG\r\n\x1a\n\0\0"
        .iter()
        .copied()
        .chain(noise)
        .collect()
}

fn text<'a>(tree: &'a Tree, path: &str) -> Option<&'a str> {
    std::str::from_utf8(&tree.get(path)?.bytes).ok()
}

fn rewrite(tree: &mut Tree, path: &str, with: impl FnOnce(&str) -> String) {
    let new = with(text(tree, path).expect("it fits"));
    tree.get_mut(path).expect("it fits").bytes = new.into_bytes();
}

/// Changes the lines of a table.
fn table_of(tree: &mut Tree, path: &str, table: &str, with: impl FnOnce(&mut Vec<&str>)) {
    rewrite(tree, path, |text| {
        let (before, mut lines, after) = cut(text, table);
        with(&mut lines);
        let lines = lines.iter().map(|line| format!("{line}\n"));
        format!("{before}{}{after}", lines.collect::<String>())
    });
}

/// What stands before the lines of a table, they, and what stands after them.
fn cut<'a>(text: &'a str, table: &str) -> (&'a str, Vec<&'a str>, &'a str) {
    let head = format!("[{table}]\n");
    let at = text.find(&head).expect("it fits") + head.len();
    let end = text[at..].find("\n[").map_or(text.len(), |end| at + end);
    (&text[..at], text[at..end].lines().collect(), &text[end..])
}

fn tabs(text: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start_matches(' ');
        let depth = (line.len() - rest.len()) / 4;
        format!("{}{}\n", "\t".repeat(depth), rest)
    };
    text.lines().map(line).collect()
}
