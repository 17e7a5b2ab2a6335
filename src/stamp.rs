//! Stamps the live crate's own files with the name of the service.
//!
//! A manifest with a placeholder is no manifest, so the template's `Cargo.toml`, `Cargo.lock` and
//! `service.toml` are real ones, and only the few values that differ are written over. Everything
//! else in them, comments included, stays as the template says it.

use std::borrow::Cow;

use toml_edit::{Array, DocumentMut, Item, value};

use crate::error::{Error, Kind, Result};
use crate::fill::Values;
use crate::repo;
use crate::template::{self, File, Template};

/// How the service sits among other packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A workspace of its own.
    Alone,
    /// A member of the surrounding workspace, which has the lock file and the profiles.
    Member,
}

/// The files with manifest, lock file and record stamped; as a member, without what only the
/// root of a workspace may have.
pub fn stamp(
    mut files: Vec<File>,
    template: &Template,
    values: &Values,
    place: Place,
) -> Result<Vec<File>> {
    let package = package_name(template)?;
    if place == Place::Member {
        files.retain(|file| file.path != "Cargo.lock");
    }
    rewrite(&mut files, "Cargo.toml", |text| {
        manifest(text, values, place)
    })?;
    rewrite(&mut files, "Cargo.lock", |text| {
        lock(text, &package, &values.name)
    })?;
    let tree = repo::tree_id(files.iter().filter(|file| file.path != "service.toml"))?;
    rewrite(&mut files, "service.toml", |text| {
        record(text, values, &tree)
    })?;
    Ok(files)
}

fn rewrite(
    files: &mut [File],
    path: &str,
    stamped: impl FnOnce(&str) -> Result<String>,
) -> Result<()> {
    let Some(file) = files.iter_mut().find(|file| file.path == path) else {
        return Ok(());
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|_| {
        Error::new(
            Kind::Template,
            format!("the template's {path} is not UTF-8"),
        )
    })?;
    file.bytes = Cow::Owned(stamped(text)?.into_bytes());
    Ok(())
}

/// The name the package has in the template.
fn package_name(template: &Template) -> Result<String> {
    let manifest = template::parse("Cargo.toml", template.text("Cargo.toml")?)?;
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name")?.as_str());
    name.map(str::to_owned).ok_or_else(|| {
        Error::new(
            Kind::Template,
            "the template's Cargo.toml: `package.name` is missing",
        )
    })
}

fn manifest(text: &str, values: &Values, place: Place) -> Result<String> {
    let mut manifest = edit("Cargo.toml", text)?;
    replace(&mut manifest["package"]["name"], &values.name);
    replace(&mut manifest["package"]["description"], &values.description);
    if place == Place::Member {
        manifest.remove("workspace");
        manifest.remove("profile");
    }
    Ok(manifest.to_string())
}

fn record(text: &str, values: &Values, tree: &str) -> Result<String> {
    let mut record = edit("service.toml", text)?;
    replace(&mut record["service"]["name"], &values.name);
    replace(&mut record["service"]["description"], &values.description);
    replace(&mut record["service"]["port"], i64::from(values.port));
    // What `update` compares with: the tree as rendered, this file aside.
    record["template"]["tree"] = value(tree);
    let parts = values.parts.iter().filter(|(_, has)| **has);
    record["answers"]["parts"] = value(parts.map(|(name, _)| name.as_str()).collect::<Array>());
    Ok(record.to_string())
}

fn edit(path: &str, text: &str) -> Result<DocumentMut> {
    Ok(template::parse(path, text)?.into_mut())
}

/// Writes `new` over a value and keeps the white space and the comment around it.
fn replace(item: &mut Item, new: impl Into<toml_edit::Value>) {
    let mut new = new.into();
    if let Some(old) = item.as_value() {
        *new.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(new);
}

/// The lock file with the package renamed, as cargo itself would write it: packages stand in the
/// order of their names, and `--locked` compares the whole text.
fn lock(text: &str, old: &str, new: &str) -> Result<String> {
    const SEPARATOR: &str = "\n[[package]]\n";
    let mut parts = text
        .trim_end()
        .split(SEPARATOR)
        .map(|part| part.trim_end().to_owned());
    let head = parts.next().unwrap_or_default();
    let mut packages = parts.collect::<Vec<_>>();
    let ours = packages
        .iter()
        .position(|package| name_of(package) == old && !package.contains("\nsource = "))
        .ok_or_else(|| {
            Error::new(
                Kind::Template,
                format!("the template's Cargo.lock has no package `{old}`"),
            )
        })?;
    let ours = packages
        .remove(ours)
        .replacen(&name_line(old), &name_line(new), 1);
    disambiguate(&mut packages, new);
    let place = packages.partition_point(|package| order(package) < order(&ours));
    packages.insert(place, ours);
    let mut text = head;
    for package in packages {
        text.push('\n');
        text.push_str(SEPARATOR);
        text.push_str(&package);
    }
    Ok(text + "\n")
}

fn name_line(name: &str) -> String {
    format!("name = \"{name}\"\n")
}

fn name_of(package: &str) -> &str {
    field(package, "name")
}

fn field<'a>(package: &'a str, name: &str) -> &'a str {
    let line = package
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
    line.and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default()
}

/// Where cargo puts a package: by name, then version, then source.
pub type PackageOrder = (String, Vec<u64>, String);

/// The place of a package among the others of a lock file.
#[must_use]
pub fn package_order(package: &str) -> PackageOrder {
    let (name, version) = order(package);
    (
        name.to_owned(),
        version,
        field(package, "source").to_owned(),
    )
}

/// Name, then version, by its numbers (cargo's order of package ids).
fn order(package: &str) -> (&str, Vec<u64>) {
    let version = field(package, "version");
    let release = version.split(['-', '+']).next().unwrap_or_default();
    (
        name_of(package),
        release
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect(),
    )
}

/// Two packages of one name: whoever depends on the other one has to say which, by its version.
fn disambiguate(packages: &mut [String], name: &str) {
    let versions = packages.iter().filter(|package| name_of(package) == name);
    let versions = versions
        .map(|package| field(package, "version").to_owned())
        .collect::<Vec<_>>();
    if let [only] = versions.as_slice() {
        let (bare, exact) = (format!("\n \"{name}\","), format!("\n \"{name} {only}\","));
        for package in packages {
            *package = package.replace(&bare, &exact);
        }
    }
}
