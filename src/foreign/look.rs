//! Tells what went wrong without a word, and mends what can be mended.

use super::aside::is_liquid;
use super::check::{Checker, mention};
use super::tree::{Tree, join, text};
use crate::error::position;
use crate::template::File;

/// Mends the executable bits of what cargo-generate `made` of the directory `dir`, and tells what
/// else went wrong there without a word.
pub fn look(dir: &str, tree: &Tree, made: &mut [File], checker: &Checker) -> Vec<String> {
    if tree.is_cache(dir) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for (path, file) in tree.below(dir) {
        if !checker.renders(path) {
            continue;
        }
        let (end, unknown) = rendered(checker, path);
        let Some(at) = end.as_ref().and_then(|end| place_of(made, end)) else {
            continue;
        };
        let whole = join(dir, path);
        warnings.extend(unknown.iter().map(|name| {
            format!("template file {whole}: nobody knows `{name}` in its name, so nothing stands in its place")
        }));
        if let Some(text) = text(file).filter(|text| is_liquid(text)) {
            warnings.extend(warn(checker, &whole, text));
        }
        let end = &made[at].path;
        if end != path && file.executable && !made[at].executable {
            warnings.push(format!(
                "`{end}` stays executable, which `cargo generate` forgets of files with templated names"
            ));
            made[at].executable = true;
        }
    }
    warnings
}

fn place_of(made: &[File], path: &str) -> Option<usize> {
    made.binary_search_by(|file| file.path.as_str().cmp(path))
        .ok()
}

/// What the path of a file comes to, if that can be told, and the variables in it nobody knows.
fn rendered(checker: &Checker, path: &str) -> (Option<String>, Vec<String>) {
    if !is_liquid(path) {
        return (Some(path.to_owned()), Vec::new());
    }
    let parts = path.split('/').map(|part| checker.see(part));
    let parts = parts.collect::<Vec<_>>();
    let unknown = parts.iter().flat_map(|part| part.unknown.iter().cloned());
    let texts = parts.iter().map(|part| part.text.as_deref());
    let path = texts
        .collect::<Option<Vec<_>>>()
        .map(|texts| texts.join("/"));
    (path, unknown.collect())
}

fn warn(checker: &Checker, path: &str, text: &str) -> Vec<String> {
    let seen = checker.see(text);
    let at = |name: &str| {
        let (line, column) = position(text, mention(text, name));
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
