//! Stamps the live crate's own files with the name of the service.
//!
//! A manifest with a placeholder is no manifest, so the template's `Cargo.toml`, `Cargo.lock` and
//! `service.toml` are real ones, and only the few values that differ are written over. Everything
//! else in them, comments included, stays as the template says it.

pub mod record;

use std::borrow::Cow;

use toml_edit::{DocumentMut, Item};

use crate::error::{Error, Kind, Result};
use crate::questions::Answers;
use crate::render::{Rendered, Request};
use crate::template::{self, File, Shape, Template};

/// A rendered tree with its name in it.
#[derive(Clone, Debug)]
pub struct Stamped {
    /// The files, sorted by path.
    pub files: Vec<File>,
    /// What was answered, secrets aside.
    pub answers: Answers,
    /// Whether it is the root of a workspace, which no other can have for a member.
    pub is_root: bool,
    /// What its owner should know.
    pub warnings: Vec<String>,
    /// What scripts of the template said.
    pub said: Vec<String>,
}

/// The files with manifest, lock file and record stamped; as a `member` of a workspace, without
/// what only the root of one may have. A manifest that was rendered already has to have the
/// service's name.
pub fn stamp(
    rendered: Rendered,
    template: &Template,
    request: &Request,
    member: bool,
) -> Result<Stamped> {
    let Rendered {
        mut files,
        answers,
        mut warnings,
        said,
    } = rendered;
    let mut is_root = false;
    match &template.shape {
        Shape::Native(_) if template.is_live() => live(&mut files, template, request, member)?,
        Shape::Native(_) => {
            is_name(&files, request)?;
            if member {
                files.retain(|file| file.path != "Cargo.lock");
                rewrite(&mut files, "Cargo.toml", |text| {
                    Ok(as_member(edit("Cargo.toml", text)?))
                })?;
            }
        }
        Shape::Foreign(_) => is_root = is_name(&files, request)?,
    }
    if is_root && member {
        warnings.push("it is a workspace of its own, and stands alone".to_owned());
    }
    let secret = |name: &String| {
        let mut questions = template.questions().iter();
        questions.any(|question| question.secret && question.name == *name)
    };
    let mut answers = answers;
    answers.retain(|name, _| !secret(name));
    record::write(&mut files, template, request, (&answers, member))?;
    Ok(Stamped {
        files,
        answers,
        is_root,
        warnings,
        said,
    })
}

/// The files of a live crate with its name in manifest and lock file.
fn live(files: &mut Vec<File>, template: &Template, request: &Request, member: bool) -> Result<()> {
    let package = package_name(template)?;
    let name = request.name.as_str();
    if member {
        files.retain(|file| file.path != "Cargo.lock");
    }
    rewrite(files, "Cargo.toml", |text| manifest(text, request, member))?;
    rewrite(files, "Cargo.lock", |text| lock(text, &package, name))
}

/// Whether the manifest, which has the service's name, is that of a workspace.
fn is_name(files: &[File], request: &Request) -> Result<bool> {
    let text = template::text(files, "Cargo.toml").map_err(|_| {
        let message = "the template makes no package: it has no Cargo.toml at its top";
        Error::new(Kind::Template, message).help("name the directory it stands in: --subfolder DIR")
    })?;
    let manifest = template::parse("Cargo.toml", text)?;
    let workspace = manifest.get("workspace").is_some();
    let name = manifest.get("package").map(|package| package.get("name"));
    match name {
        Some(name) => {
            let name = name.and_then(Item::as_str).unwrap_or_default();
            if name == request.name.as_str() {
                return Ok(workspace);
            }
            let message = format!(
                "the template names the package `{}`, and the service is `{}`",
                name.escape_debug(),
                request.name
            );
            Err(Error::new(Kind::Template, message).help(
                "a template says `name = \"{{project-name}}\"`, or `{{name}}` in Cargo.toml.hbs",
            ))
        }
        None if workspace => Ok(true),
        None => Err(Error::new(
            Kind::Template,
            "the template makes no package: its Cargo.toml has neither `[package]` nor `[workspace]`",
        )),
    }
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

fn manifest(text: &str, request: &Request, member: bool) -> Result<String> {
    let mut manifest = edit("Cargo.toml", text)?;
    replace(&mut manifest["package"]["name"], request.name.as_str());
    replace(&mut manifest["package"]["description"], request.description);
    Ok(if member {
        as_member(manifest)
    } else {
        manifest.to_string()
    })
}

/// The manifest without what only the root of a workspace may have.
fn as_member(mut manifest: DocumentMut) -> String {
    manifest.remove("workspace");
    manifest.remove("profile");
    manifest.to_string()
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
