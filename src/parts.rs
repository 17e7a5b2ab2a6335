//! The parts of a service: which there are, which are wanted, and how the others leave no trace.
//!
//! In the template a part is a cargo feature. Here its lines (`cuts` has found them), its modules, files, dependencies, configuration and locked packages go, or stay without a sign
//! that they might have gone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

mod cuts;
mod guard;
pub mod locks;

use toml_edit::{Array, DocumentMut, Item, Table};

use crate::error::{Error, Kind, Result};
use crate::manifest;
use crate::template::{self, File, Template};
pub use cuts::{Cut, When};

/// What is said of the parts in the template; it does not ship.
pub const LIST: &str = "parts.toml";

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The cargo feature and the word after `--with`.
    pub name: String,
    /// One line for whoever chooses.
    pub description: String,
    /// Whether it is in unless `--without` says otherwise.
    pub default: bool,
    /// Globs of files that are there for it alone.
    files: Vec<glob::Pattern>,
    /// Development dependencies that are there for it alone.
    dev_dependencies: Vec<String>,
}

/// The parts that are wanted, by name.
pub type Chosen = BTreeSet<String>;

impl Part {
    /// Whether the file at `path` is there for this part alone.
    #[must_use]
    pub fn owns(&self, path: &str) -> bool {
        self.files.iter().any(|glob| glob.matches(path))
    }

    /// Globs of its files, as they are written.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(glob::Pattern::as_str)
    }
}

impl When {
    fn holds(&self, chosen: &Chosen) -> bool {
        match self {
            Self::Part(name) => chosen.contains(&**name),
            Self::Any(inner) => inner.iter().any(|when| when.holds(chosen)),
            Self::All(inner) => inner.iter().all(|when| when.holds(chosen)),
            Self::None(inner) => !inner.iter().any(|when| when.holds(chosen)),
        }
    }
}

/// The parts a template names, in the order of their names.
pub fn list(text: &str) -> Result<Vec<Part>> {
    let list = template::parse(LIST, text)?;
    let strings = |item: Option<&Item>| -> Vec<String> {
        let array = item.and_then(Item::as_array).into_iter().flatten();
        array
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let mut parts = Vec::new();
    for (name, item) in list.iter() {
        let globs = strings(item.get("files"));
        let globs = globs.iter().map(|glob| glob::Pattern::new(glob));
        parts.push(Part {
            name: name.to_owned(),
            description: item
                .get("description")
                .and_then(Item::as_str)
                .unwrap_or(name)
                .to_owned(),
            default: item.get("default").and_then(Item::as_bool).unwrap_or(false),
            files: globs.collect::<Result<_, _>>().map_err(|error| {
                Error::new(Kind::Template, format!("{LIST}, `{name}`: {error}"))
            })?,
            dev_dependencies: strings(item.get("dev-dependencies")),
        });
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}

/// Which lines of Rust files belong to which parts, by the paths of the files.
pub type Cuts = BTreeMap<Cow<'static, str>, Cow<'static, [Cut]>>;

/// The cuts of a template that was read from elsewhere.
pub fn cuts(files: &[File]) -> Result<Cuts> {
    let is_rust = |file: &&File| {
        let path = std::path::Path::new(&file.path);
        !file.path.starts_with(manifest::HOME)
            && path.extension().is_some_and(|extension| extension == "rs")
    };
    let mut cuts = Cuts::new();
    for file in files.iter().filter(is_rust) {
        // What does not speak of features has no part to cut, and need not even be Rust.
        let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
        if text.contains("feature") {
            let found = guard::cuts(&file.path, text)?;
            if !found.is_empty() {
                cuts.insert(Cow::Owned(file.path.clone()), Cow::Owned(found));
            }
        }
    }
    Ok(cuts)
}

/// The parts a service has if nobody chooses.
#[must_use]
pub fn usual(parts: &[Part]) -> Chosen {
    let usual = parts.iter().filter(|part| part.default);
    usual.map(|part| part.name.clone()).collect()
}

/// The usual parts, `with` some more and `without` others.
pub fn choose(parts: &[Part], with: &[String], without: &[String]) -> Result<Chosen> {
    let mut wrong = Vec::new();
    for name in with.iter().chain(without) {
        if !parts.iter().any(|part| part.name == *name) {
            wrong.push(unknown(name, parts));
        }
    }
    for name in with.iter().filter(|name| without.contains(name)) {
        let message = format!("part `{name}` is wanted and not wanted");
        wrong.push(Error::new(Kind::Usage, message).help(format!("--with {name}")));
    }
    Error::all(wrong)?;
    let mut chosen = usual(parts);
    chosen.extend(with.iter().cloned());
    chosen.retain(|name| !without.contains(name));
    Ok(chosen)
}

fn unknown(name: &str, parts: &[Part]) -> Error {
    let names = parts
        .iter()
        .map(|part| part.name.as_str())
        .collect::<Vec<_>>();
    let error = Error::new(
        Kind::Usage,
        format!("there is no part `{}`", name.escape_debug()),
    );
    match crate::settings::nearest(name, names.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("the parts: {}", names.join(", "))),
    }
}

/// Whether the file at `path` can be in a service at all, and is not for the template's authors.
#[must_use]
pub fn ships(path: &str) -> bool {
    !matches!(path, LIST | locks::FILE | manifest::FILE) && !path.starts_with(manifest::HOME)
}

/// The files of a service with the chosen parts, not yet filled or stamped.
pub fn cut(template: &Template, chosen: &Chosen) -> Result<Vec<File>> {
    let gone = gone_modules(template, chosen);
    let absent = || {
        template
            .parts
            .iter()
            .filter(|part| !chosen.contains(&part.name))
    };
    let mut files = Vec::new();
    for file in &template.files {
        let path = file.path.as_str();
        let left_out = !ships(path)
            || gone.iter().any(|module| is_of_module(path, module))
            || absent().any(|part| part.owns(path));
        if !left_out {
            files.push(without(file, template, chosen)?);
        }
    }
    Ok(files)
}

/// One file without what belongs to absent parts.
fn without(file: &File, template: &Template, chosen: &Chosen) -> Result<File> {
    if template.parts.is_empty() {
        return Ok(file.clone());
    }
    let text = || template.text(&file.path);
    let bytes = match file.path.as_str() {
        "Cargo.toml" => manifest(text()?, &template.parts, chosen)?,
        // Without the merged locks, which are made from these very files, it stays whole.
        "Cargo.lock" => match template.text(locks::FILE) {
            Ok(locks) if !locks.is_empty() => {
                locks::of(locks, combination(&template.parts, chosen))?
            }
            _ => return Ok(file.clone()),
        },
        path if is_configuration(path) => tables(path, text()?, &template.parts, chosen)?,
        path => match template.cuts.get(path) {
            Some(cuts) if !cuts.is_empty() => lines(text()?, cuts, chosen),
            _ => return Ok(file.clone()),
        },
    };
    Ok(File {
        bytes: Cow::Owned(bytes.into_bytes()),
        ..file.clone()
    })
}

fn is_configuration(path: &str) -> bool {
    let path = std::path::Path::new(path);
    path.starts_with("config")
        && path
            .extension()
            .is_some_and(|extension| extension == "toml")
}

/// Modules whose `mod` line goes, as paths without an ending: `src/api`.
fn gone_modules(template: &Template, chosen: &Chosen) -> Vec<String> {
    let mut gone = Vec::new();
    for (path, cuts) in &template.cuts {
        let root = path.ends_with("/main.rs") || path.ends_with("/lib.rs");
        let (dir, _) = path.rsplit_once('/').unwrap_or(("", path));
        let home = if root {
            dir
        } else {
            path.trim_end_matches(".rs")
        };
        let absent = cuts
            .iter()
            .filter(|cut| !cut.module.is_empty() && !cut.when.holds(chosen));
        gone.extend(absent.map(|cut| format!("{home}/{}", cut.module)));
    }
    gone
}

fn is_of_module(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix(module);
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The lines that stay, with no blank line more than a formatter would leave.
fn lines(text: &str, cuts: &[Cut], chosen: &Chosen) -> String {
    let goes = |number: usize| {
        cuts.iter().any(|cut| {
            let (from, to) = if cut.when.holds(chosen) {
                cut.attribute
            } else {
                cut.lines
            };
            (from..=to).contains(&number)
        })
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut cut_before = false;
    for (i, line) in text.lines().enumerate() {
        if goes(i + 1) {
            cut_before = true;
            continue;
        }
        let last = kept.last().map_or("", |last| last.trim_end());
        let opens = kept.is_empty() || last.is_empty() || last.ends_with(['{', '(', '[']);
        if cut_before && line.trim().is_empty() && opens {
            continue;
        }
        if cut_before && line.trim_start().starts_with(['}', ')', ']']) && last.is_empty() {
            kept.pop();
        }
        cut_before = false;
        kept.push(line);
    }
    while kept.last().is_some_and(|line| line.trim().is_empty()) {
        kept.pop();
    }
    kept.join("\n") + "\n"
}

/// The manifest without features: a dependency of a part is there or is not.
fn manifest(text: &str, parts: &[Part], chosen: &Chosen) -> Result<String> {
    let mut manifest = template::parse("Cargo.toml", text)?.into_mut();
    let words = words_of(&manifest, chosen);
    let words = words.map(str::to_owned).collect::<BTreeSet<_>>();
    if let Some(table) = manifest
        .get_mut("dependencies")
        .and_then(Item::as_table_mut)
    {
        settle(table, &words);
    }
    let absent = parts.iter().filter(|part| !chosen.contains(&part.name));
    for name in absent.flat_map(|part| &part.dev_dependencies) {
        if let Some(table) = manifest
            .get_mut("dev-dependencies")
            .and_then(Item::as_table_mut)
        {
            table.remove(name);
        }
    }
    manifest.remove("features");
    Ok(manifest.to_string())
}

/// What the features of the chosen parts list.
fn words_of<'a>(manifest: &'a DocumentMut, chosen: &'a Chosen) -> impl Iterator<Item = &'a str> {
    let features = manifest.get("features");
    let lists = chosen
        .iter()
        .filter_map(move |part| features?.get(part)?.as_array());
    lists.flatten().filter_map(|word| word.as_str())
}

/// Optional dependencies are there or not, and have the features their parts ask for.
fn settle(dependencies: &mut Table, words: &BTreeSet<String>) {
    dependencies.retain(|name, item| {
        let Some(details) = item.as_inline_table_mut() else {
            return true;
        };
        details.remove("optional").is_none() || words.contains(&format!("dep:{name}"))
    });
    for (name, feature) in words.iter().filter_map(|word| word.split_once('/')) {
        let details = dependencies
            .get_mut(name)
            .and_then(Item::as_inline_table_mut);
        if let Some(list) = details.and_then(|details| details.get_mut("features")?.as_array_mut())
        {
            add_feature(list, feature);
        }
    }
}

/// Features stand sorted.
fn add_feature(list: &mut Array, feature: &str) {
    let names = list
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned));
    let mut names = names.collect::<BTreeSet<_>>();
    names.insert(feature.to_owned());
    *list = names.iter().map(String::as_str).collect();
}

/// A configuration file without the tables of absent parts.
fn tables(path: &str, text: &str, parts: &[Part], chosen: &Chosen) -> Result<String> {
    let mut config = template::parse(path, text)?.into_mut();
    for part in parts.iter().filter(|part| !chosen.contains(&part.name)) {
        config.remove(&part.name);
    }
    Ok(config.to_string())
}

/// The number of a combination: a bit a part, in the order of their names.
#[must_use]
pub fn combination(parts: &[Part], chosen: &Chosen) -> u32 {
    let bits = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| chosen.contains(&part.name));
    bits.map(|(i, _)| 1 << i).sum()
}

/// Every combination of parts, by number.
#[must_use]
pub fn combinations(parts: &[Part]) -> Vec<Chosen> {
    let names = |number: usize| {
        let there = parts
            .iter()
            .enumerate()
            .filter(move |(i, _)| number >> i & 1 == 1);
        there.map(|(_, part)| part.name.clone()).collect()
    };
    (0..1 << parts.len()).map(names).collect()
}
