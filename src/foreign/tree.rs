//! The files of a template as cargo-generate sees them.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::source::limits::CACHE;
use crate::template::File;

/// What cargo-generate is configured by.
pub const CONFIG: &str = "cargo-generate.toml";
/// Marks files that lose it.
const SUFFIX: &str = ".liquid";

/// Files by the paths cargo-generate knows them by.
pub struct Tree<'a>(BTreeMap<String, &'a File>);

impl<'a> Tree<'a> {
    /// `files` without caches and repositories; a `.liquid` file comes before its plain twin.
    pub fn of(files: &'a [File]) -> Self {
        let tags = files.iter().filter(|file| is_tag(file));
        let caches = tags.filter_map(|file| file.path.strip_suffix(CACHE.0));
        let caches = caches.filter(|dir| !dir.is_empty()).collect::<Vec<_>>();
        let skipped = |path: &str| {
            caches.iter().any(|dir| path.starts_with(dir))
                || path.starts_with(".git/")
                || path.contains("/.git/")
        };
        let kept = files.iter().filter(|file| !skipped(&file.path));
        let (liquid, plain): (Vec<_>, Vec<_>) = kept.partition(|file| file.path.ends_with(SUFFIX));
        let plain = plain.into_iter().map(|file| (file.path.clone(), file));
        let liquid = liquid.into_iter().map(|file| {
            let path = file.path.strip_suffix(SUFFIX).unwrap_or(&file.path);
            (path.to_owned(), file)
        });
        Self(plain.chain(liquid).collect())
    }

    pub fn get(&self, path: &str) -> Option<&'a File> {
        self.0.get(path).copied()
    }

    /// The file at `path` as text.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        self.get(path).and_then(text)
    }

    /// The files below `dir`, with their paths from there.
    pub fn below(&self, dir: &str) -> impl Iterator<Item = (&str, &'a File)> {
        let prefix = prefix(dir);
        self.0
            .iter()
            .filter_map(move |(path, file)| Some((path.strip_prefix(prefix.as_str())?, *file)))
    }

    pub fn is_dir(&self, dir: &str) -> bool {
        dir.is_empty() || self.below(dir).next().is_some()
    }

    /// Whether everything in `dir` is taken as it is, the directory being a cache itself.
    pub fn is_cache(&self, dir: &str) -> bool {
        self.get(&join(dir, CACHE.0)).is_some_and(is_tag)
    }

    /// The directories at or below `dir` that have a configuration, none inside another, sorted.
    pub fn configured(&self, dir: &str) -> Vec<String> {
        let dirs = self.below(dir).filter_map(|(path, _)| {
            let above = path.strip_suffix(CONFIG)?;
            (above.is_empty() || above.ends_with('/')).then(|| above.trim_end_matches('/'))
        });
        let mut dirs = dirs.map(str::to_owned).collect::<Vec<_>>();
        dirs.sort_by(|one, other| one.split('/').cmp(other.split('/')));
        let mut outer: Vec<String> = Vec::new();
        for dir in dirs {
            if !outer.iter().any(|above| is_below(&dir, above)) {
                outer.push(dir);
            }
        }
        outer
    }
}

fn is_tag(file: &File) -> bool {
    let name = file.path.rsplit('/').next();
    name == Some(CACHE.0) && file.bytes.starts_with(CACHE.1)
}

/// What `file` says, if it is text.
pub fn text(file: &File) -> Option<&str> {
    std::str::from_utf8(&file.bytes).ok()
}

pub fn join(dir: &str, path: &str) -> String {
    format!("{}{path}", prefix(dir))
}

fn prefix(dir: &str) -> String {
    if dir.is_empty() {
        String::new()
    } else {
        format!("{dir}/")
    }
}

fn is_below(dir: &str, above: &str) -> bool {
    above.is_empty() || dir == above || dir.starts_with(&prefix(above))
}

/// Whether `path`, said from `dir`, is inside the source.
pub fn is_inside(dir: &str, path: &str) -> bool {
    let mut depth = dir.split('/').filter(|part| !part.is_empty()).count();
    let inside = path.split('/').all(|part| {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
        true
    });
    inside && !path.starts_with('/') && !path.contains('\0')
}

/// `below` as a directory from the root, when it is said from `dir`.
pub fn descend(dir: &str, below: &str) -> Result<String> {
    let mut parts = dir
        .split('/')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>();
    let depth = parts.len();
    let outside = || {
        let message = format!("`{below}` is no directory inside the template");
        Error::new(Kind::Template, message)
    };
    if below.starts_with('/') {
        return Err(outside());
    }
    for part in below.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.len() > depth => drop(parts.pop()),
            ".." => return Err(outside()),
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}
