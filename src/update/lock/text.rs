//! A lock file as cargo writes it.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use toml_edit::{DocumentMut, Table};

use crate::stamp::package_order;

/// A lock file taken apart.
pub struct Lock {
    /// Of the format.
    pub version: i64,
    /// What stands before the packages.
    pub head: String,
    /// By what tells them from each other.
    pub packages: BTreeMap<Id, Package>,
    /// What stands behind the packages: patches that are of no use, and what old formats have.
    pub tail: String,
}

/// What no lock file has twice: cargo unites compatible versions from one source. A package of the
/// workspace is known by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    name: String,
    series: String,
    source: String,
}

/// A package, as it is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    name: String,
    /// The one that was chosen.
    pub version: String,
    /// Where it comes from; a package of the workspace does not say.
    pub source: Option<String>,
    checksum: Option<String>,
    replace: Option<String>,
    /// What it needs.
    pub dependencies: BTreeSet<Id>,
}

const PACKAGE: &str = "\n[[package]]\n";

impl Lock {
    /// None: it is no lock file.
    pub fn read(text: &str) -> Option<Self> {
        let doc = text.parse::<DocumentMut>().ok()?;
        let tables = match doc.get("package") {
            Some(packages) => packages.as_array_of_tables()?.iter().collect(),
            None => Vec::new(),
        };
        let mut packages = BTreeMap::new();
        let mut needs = Vec::new();
        for table in tables {
            let package = Package::read(table)?;
            let id = package.id();
            needs.push((id.clone(), references(table)));
            packages.insert(id, package);
        }
        for (id, references) in needs {
            let found = references.iter().filter_map(|text| find(&packages, text));
            let found = found.collect();
            if let Some(package) = packages.get_mut(&id) {
                package.dependencies = found;
            }
        }
        let (head, rest) = text.split_once(PACKAGE).unwrap_or((text, ""));
        let tail = ["\n[[patch", "\n[metadata]"];
        let tail = tail.iter().filter_map(|start| rest.find(start)).min();
        Some(Self {
            version: doc
                .get("version")
                .and_then(toml_edit::Item::as_integer)
                .unwrap_or(1),
            head: head.trim_end().to_owned(),
            packages,
            tail: tail.map_or("", |at| &rest[at..]).trim().to_owned(),
        })
    }

    /// The text, to the letter as cargo writes it.
    pub fn write(&self) -> String {
        let mut blocks = self.packages.values().map(|package| self.block(package));
        let mut blocks = blocks.by_ref().collect::<Vec<_>>();
        blocks.sort_by_cached_key(|block| package_order(block));
        let mut text = self.head.clone();
        for block in blocks {
            text.push('\n');
            text.push_str(PACKAGE);
            text.push_str(block.trim_end());
        }
        if !self.tail.is_empty() {
            text.push_str("\n\n");
            text.push_str(&self.tail);
        }
        text + "\n"
    }

    fn block(&self, package: &Package) -> String {
        let field = |name: &str, value: &Option<String>| match value {
            Some(value) => format!("{name} = \"{value}\"\n"),
            None => String::new(),
        };
        let mut text = format!("name = \"{}\"\n", package.name);
        text.push_str(&format!("version = \"{}\"\n", package.version));
        text.push_str(&field("source", &package.source));
        text.push_str(&field("checksum", &package.checksum));
        let needs = package.dependencies.iter();
        let mut needs = needs
            .filter_map(|id| self.reference(id))
            .collect::<Vec<_>>();
        needs.sort_unstable();
        if !needs.is_empty() {
            text.push_str("dependencies = [\n");
            for words in needs {
                text.push_str(&format!(" \"{}\",\n", words.join(" ")));
            }
            text.push_str("]\n");
        }
        text.push_str(&field("replace", &package.replace));
        text
    }

    /// How a package is named among the others: with no more words than tell it from them.
    fn reference(&self, id: &Id) -> Option<Vec<String>> {
        let package = self.packages.get(id)?;
        let named = self.packages.values().filter(|other| other.name == id.name);
        let versions = named
            .map(|other| other.version.as_str())
            .collect::<Vec<_>>();
        let same = versions
            .iter()
            .filter(|version| **version == package.version);
        let mut words = vec![id.name.clone()];
        if versions.len() > 1 {
            words.push(package.version.clone());
        }
        if same.count() > 1 && !id.source.is_empty() {
            words.push(format!("({})", id.source));
        }
        Some(words)
    }
}

impl Package {
    fn read(table: &Table) -> Option<Self> {
        let field = |name: &str| Some(table.get(name)?.as_str()?.to_owned());
        Some(Self {
            name: field("name")?,
            version: field("version")?,
            source: field("source"),
            checksum: field("checksum"),
            replace: field("replace"),
            dependencies: BTreeSet::new(),
        })
    }

    /// What tells it from all others.
    pub fn id(&self) -> Id {
        let source = self.source.as_deref().map(without_commit);
        Id {
            name: self.name.clone(),
            series: source.map_or_else(String::new, |_| series(&self.version)),
            source: source.unwrap_or_default().to_owned(),
        }
    }

    /// What is locked, whatever it needs.
    pub fn locked(&self) -> (&str, Option<&str>) {
        (&self.version, self.source.as_deref())
    }
}

fn references(table: &Table) -> Vec<String> {
    let array = table.get("dependencies").and_then(|item| item.as_array());
    let texts = array
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str());
    texts.map(str::to_owned).collect()
}

/// Whom `name`, `name version` or `name version (source)` means.
fn find(packages: &BTreeMap<Id, Package>, reference: &str) -> Option<Id> {
    let mut words = reference.splitn(3, ' ');
    let name = words.next()?;
    let version = words.next();
    let source = words
        .next()
        .map(|source| without_commit(source.trim_matches(['(', ')'])));
    let fits = |(id, package): &(&Id, &Package)| {
        id.name == name
            && version.is_none_or(|version| package.version == version)
            && source.is_none_or(|source| id.source == source)
    };
    packages.iter().find(fits).map(|(id, _)| id.clone())
}

/// A source in git without the commit that is locked.
fn without_commit(source: &str) -> &str {
    source.split('#').next().unwrap_or(source)
}

/// The versions compatible with this one: `1`, `0.3`, `0.0.7`.
fn series(version: &str) -> String {
    match Version::parse(version) {
        Ok(Version {
            major: 0,
            minor: 0,
            patch,
            ..
        }) => format!("0.0.{patch}"),
        Ok(Version {
            major: 0, minor, ..
        }) => format!("0.{minor}"),
        Ok(Version { major, .. }) => major.to_string(),
        Err(_) => version.to_owned(),
    }
}
