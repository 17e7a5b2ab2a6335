//! What a template says of older services, applied to one of them, before anything is merged.
//!
//! The same is done to the render the service was made from and to the service itself. So the
//! merge sees what the owner changed, at its new place, and neither a file that went nor one that
//! came.

mod keys;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use semver::Version;

use crate::manifest::{Deprecated, Manifest, Migration, Move, Rekey};
use crate::questions::Answers;
use crate::template::File;

/// The migrations of a service that comes from the version `old` to `new`, the oldest first. None,
/// if either is no version.
#[must_use]
pub fn crossed<'a>(manifest: &'a Manifest, old: &str, new: &str) -> Vec<&'a Migration> {
    let (Ok(old), Ok(new)) = (Version::parse(old), Version::parse(new)) else {
        return Vec::new();
    };
    let all = manifest.migrations.iter();
    let crossed = all.filter(|it| {
        it.version.cmp_precedence(&old).is_gt() && it.version.cmp_precedence(&new).is_le()
    });
    let mut crossed = crossed.collect::<Vec<_>>();
    crossed.sort_by(|one, other| one.version.cmp_precedence(&other.version));
    crossed
}

/// The answers under the names that their questions have now. What was answered under the new
/// name already stays.
#[must_use]
pub fn answers(migrations: &[&Migration], mut answers: Answers) -> Answers {
    for migration in migrations {
        // All at once: two names may be exchanged.
        let renamed = |name: &String| migration.answers.contains_key(name);
        let (moving, mut staying): (Answers, Answers) =
            answers.into_iter().partition(|(name, _)| renamed(name));
        for (old, answer) in moving {
            staying
                .entry(migration.answers[&old].clone())
                .or_insert(answer);
        }
        answers = staying;
    }
    answers
}

/// The names that the parts have now, sorted.
#[must_use]
pub fn parts(migrations: &[&Migration], parts: Vec<String>) -> Vec<String> {
    let mut parts = parts.into_iter().collect::<BTreeSet<_>>();
    for migration in migrations {
        let now = parts.into_iter();
        let now = now.map(|part| migration.parts.get(&part).cloned().unwrap_or(part));
        parts = now.collect();
    }
    parts.into_iter().collect()
}

/// The files at the places, and with the keys, that they have now; sorted by path. What has no
/// place to go to stays where it is.
#[must_use]
pub fn files(migrations: &[&Migration], files: Vec<File>) -> Vec<File> {
    let mut tree = files
        .into_iter()
        .map(|file| (file.path.clone(), file))
        .collect::<Tree>();
    for migration in migrations {
        for it in &migration.moves {
            moved(&mut tree, it);
        }
        for it in &migration.keys {
            rekeyed(&mut tree, it);
        }
    }
    tree.into_values().collect()
}

/// One line for each thing the service still uses that will go: of its answers, its parts and the
/// files that `has` knows of.
#[must_use]
pub fn deprecated(
    manifest: &Manifest,
    answers: &Answers,
    parts: &[String],
    has: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    for it in &manifest.deprecations {
        let (used, what) = match &it.what {
            Deprecated::Answer(name) => (answers.contains_key(name), format!("answer `{name}`")),
            Deprecated::Part(name) => (parts.contains(name), format!("part `{name}`")),
            Deprecated::File(path) => (has(path), format!("file `{path}`")),
        };
        if used {
            let (since, note) = (&it.since, &it.note);
            lines.push(format!("{what} is deprecated since {since}: {note}"));
        }
    }
    lines
}

/// Files by path.
type Tree = BTreeMap<String, File>;

fn moved(tree: &mut Tree, it: &Move) {
    let there = if it.from.ends_with('/') {
        let below = tree.range::<str, _>((Bound::Included(it.from.as_str()), Bound::Unbounded));
        let below = below.take_while(|(path, _)| path.starts_with(&it.from));
        below.map(|(path, _)| path.clone()).collect()
    } else {
        vec![it.from.clone()]
    };
    for from in there {
        let to = format!("{}{}", it.to, &from[it.from.len()..]);
        let Some(file) = tree.remove(&from) else {
            continue;
        };
        let (place, file) = if is_taken(tree, &to) {
            (from, file)
        } else {
            (to.clone(), File { path: to, ..file })
        };
        tree.insert(place, file);
    }
}

/// Whether a file is at `path`, below it as if it were a directory, or where one of its
/// directories would be.
fn is_taken(tree: &Tree, path: &str) -> bool {
    let dir = format!("{path}/");
    let mut below = tree.range::<str, _>((Bound::Included(dir.as_str()), Bound::Unbounded));
    let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
    tree.contains_key(path)
        || below.next().is_some_and(|(next, _)| next.starts_with(&dir))
        || above.any(|dir| tree.contains_key(dir))
}

fn rekeyed(tree: &mut Tree, it: &Rekey) {
    let Some(file) = tree.get_mut(&it.file) else {
        return;
    };
    let text = std::str::from_utf8(&file.bytes).ok();
    if let Some(text) = text.and_then(|text| keys::renamed(text, &it.from, &it.to)) {
        file.bytes = Cow::Owned(text.into_bytes());
    }
}

#[cfg(test)]
mod tests;
