//! Files that rendering cannot change are not put through it.
//!
//! cargo-generate takes every part of every path for a template, which is slow for thousands of
//! files. Where nothing of a template's code could meet them, plain files go straight to the
//! result.

use super::Foreign;
use super::check::Checker;
use super::tree::{CONFIG, Tree, join, text};
use crate::template::File;

/// The longest name that stays as it is.
const LONGEST: usize = 255;
/// What cargo-generate leaves out of every result.
const DROPPED: [&str; 3] = [CONFIG, ".genignore", ".cargo-ok"];

/// The files of a template: those to be rendered with all that is around them, and those that are
/// as they are in the result.
pub struct Parted<'a> {
    pub rendered: Vec<&'a File>,
    pub plain: Vec<File>,
}

impl<'a> Parted<'a> {
    /// Parts `files`; all of them are to be rendered if code or a name could meet any of them.
    pub fn of(files: &'a [File], foreign: &Foreign, ignored: &[String], checker: &Checker) -> Self {
        let tree = Tree::of(files);
        let dir = &foreign.dir;
        let busy = !foreign.hooks.is_empty()
            || tree.is_cache(dir)
            || tree.get(&join(dir, ".genignore")).is_some()
            || tree.below(dir).any(|(path, _)| is_liquid(path))
            || ignored.iter().any(|path| !is_plain(path));
        if busy {
            return Self {
                rendered: files.iter().collect(),
                plain: Vec::new(),
            };
        }
        let mut plain = Vec::new();
        let mut apart = std::collections::BTreeSet::new();
        for (path, file) in tree.below(dir) {
            let own = file.path == join(dir, path);
            let is_ignored = ignored.iter().any(|ignored| is_at_or_below(path, ignored));
            if own && is_plain(path) && !is_ignored && stays(path, file, checker) {
                apart.insert(file.path.as_str());
                plain.push(File {
                    path: path.to_owned(),
                    ..file.clone()
                });
            }
        }
        let rendered = files.iter();
        let rendered = rendered.filter(|file| !apart.contains(file.path.as_str()));
        Self {
            rendered: rendered.collect(),
            plain,
        }
    }
}

/// Whether the file says the same once it is rendered, or is not rendered at all.
fn stays(path: &str, file: &File, checker: &Checker) -> bool {
    let unchanged = |text: &str| !is_liquid(text);
    !DROPPED.contains(&path) && (!checker.renders(path) || text(file).is_some_and(unchanged))
}

/// Whether no part of `path` would be cleaned of anything.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| {
        let letters = |c: char| c.is_ascii_alphanumeric() || "._-+@,= ".contains(c);
        part.len() <= LONGEST && part.chars().all(letters) && part.chars().any(|c| c != '.')
    })
}

fn is_at_or_below(path: &str, dir: &str) -> bool {
    let rest = path.strip_prefix(dir);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub fn is_liquid(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}
