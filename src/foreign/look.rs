//! Tells what went wrong without a word, and mends what can be mended.

use super::check::{Checker, mention};
use super::place;
use super::tree::{Tree, join, text};
use crate::template::File;

/// Mends the executable bits of what cargo-generate `made` of the directory `dir`, and tells what
/// else went wrong there without a word.
pub fn look(dir: &str, tree: &Tree, made: &mut [File], checker: &Checker) -> Vec<String> {
    if tree.is_cache(dir) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for (path, file) in tree.below(dir) {
        let Some(end) = rendered_path(checker, path).filter(|_| checker.renders(path)) else {
            continue;
        };
        let Ok(at) = made.binary_search_by(|made| made.path.cmp(&end)) else {
            continue;
        };
        if let Some(text) = text(file).filter(|text| is_liquid(text)) {
            warnings.extend(warn(checker, &join(dir, path), text));
        }
        if end != path && file.executable && !made[at].executable {
            made[at].executable = true;
            warnings.push(format!(
                "`{end}` stays executable, which `cargo generate` forgets of files with templated names"
            ));
        }
    }
    warnings
}

fn is_liquid(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// What the path of a file comes to; nothing if that cannot be told.
fn rendered_path(checker: &Checker, path: &str) -> Option<String> {
    if !is_liquid(path) {
        return Some(path.to_owned());
    }
    let parts = path.split('/').map(|part| checker.see(part).text);
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

fn warn(checker: &Checker, path: &str, text: &str) -> Vec<String> {
    let seen = checker.see(text);
    let at = |name: &str| {
        let (line, column) = place(text, mention(text, name));
        format!("template file {path}, line {line}, column {column}")
    };
    if let Some(failure) = seen.failure {
        let file = format!("template file {path}");
        return vec![format!(
            "{file} is copied as it stands, nothing in it is rendered: {failure}"
        )];
    }
    let unknown = seen.unknown.iter();
    let warnings = unknown.map(|name| {
        format!(
            "{}: nobody knows `{name}`, so nothing stands in its place",
            at(name)
        )
    });
    warnings.collect()
}
