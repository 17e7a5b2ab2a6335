//! Membership in a surrounding cargo workspace.
//!
//! A member must be proven inside its workspace, with its lock file, patches and settings, before
//! anybody sees it. So the stage holds a *mirror* of the workspace: its manifest with the new
//! member, a copy of its lock file, links to everything else, and the service in its place. What
//! cargo accepts there is then put into the real workspace: the directory, the lock file, the
//! manifest, each by one rename.

use std::fs;
use std::path::{Component, Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Value};

use crate::error::{Error, Kind, Result};
use crate::swap::{Undo, write};

/// The workspace a service at some place would belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its root directory.
    pub root: PathBuf,
    /// The root's manifest as it is.
    pub manifest: String,
    /// The manifest with the service as a member, if it has to be changed for that.
    pub edited: Option<String>,
    /// Names of the packages that are members already.
    pub members: Vec<String>,
    /// The service's directory, relative to the root.
    pub place: PathBuf,
    /// Where a stage can stand without being taken for a member.
    pub staging: PathBuf,
}

/// The workspace that would take the service at `destination`: the nearest one above it, unless
/// that one excludes it.
pub fn find(destination: &Path) -> Result<Option<Workspace>> {
    for root in destination.ancestors().skip(1) {
        let path = root.join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let manifest = text
            .parse::<DocumentMut>()
            .map_err(|error| broken(&path, &error))?;
        let Some(table) = manifest.get("workspace") else {
            continue;
        };
        let place = destination
            .strip_prefix(root)
            .unwrap_or(destination)
            .to_owned();
        if covers(table, "exclude", &place) && !covers(table, "members", &place) {
            return Ok(None);
        }
        let edited = if covers(table, "members", &place) {
            None
        } else {
            Some(with_member(manifest.clone(), &place).ok_or_else(|| odd(&path))?)
        };
        let members = packages(root, &manifest);
        let staging = staging(root, table, destination);
        let root = root.to_owned();
        return Ok(Some(Workspace {
            root,
            manifest: text,
            edited,
            members,
            place,
            staging,
        }));
    }
    Ok(None)
}

impl Workspace {
    /// Lays the mirror out in `mirror`, around the service that stands there already. Returns
    /// what the lock file says at this moment.
    pub fn mirror(&self, mirror: &Path) -> Result<Option<String>> {
        let mut here = PathBuf::new();
        for part in self.place.components() {
            link_all(&self.root.join(&here), &mirror.join(&here), part)?;
            here.push(part);
        }
        // Dependencies beside the workspace, such as `path = "../shared"`.
        if let (Some(above), Some(around), Some(own)) = (
            self.root.parent(),
            mirror.parent(),
            self.root.components().next_back(),
        ) {
            link_all(above, around, own)?;
        }
        write(
            &mirror.join("Cargo.toml"),
            self.edited.as_ref().unwrap_or(&self.manifest),
        )?;
        let lock = fs::read_to_string(self.root.join("Cargo.lock")).ok();
        if let Some(lock) = &lock {
            write(&mirror.join("Cargo.lock"), lock)?;
        }
        Ok(lock)
    }

    /// Puts the lock file of `mirror` and the edited manifest into the workspace, or neither.
    /// `lock` is what the lock file said when the mirror was made.
    pub fn adopt(&self, mirror: &Path, lock: Option<&str>) -> Result<Undo> {
        let mut undo = Undo::new(Kind::Workspace);
        let proven = fs::read_to_string(mirror.join("Cargo.lock")).ok();
        if let Some(proven) = proven.filter(|proven| Some(proven.as_str()) != lock) {
            undo.swap(&self.root.join("Cargo.lock"), lock, &proven)?;
        }
        if let Some(edited) = &self.edited {
            undo.swap(&self.root.join("Cargo.toml"), Some(&self.manifest), edited)?;
        }
        Ok(undo)
    }
}

/// Links every entry of `from` into `to`, save `except`, which is there for real, and what a
/// mirror must have for itself.
fn link_all(from: &Path, to: &Path, except: Component) -> Result<()> {
    const OWN: [&str; 4] = ["Cargo.toml", "Cargo.lock", "target", ".git"];
    // Above the mirror `.cargo` is found for real; twice it would double its flags.
    let found = to.starts_with(from);
    fs::create_dir_all(to).map_err(|error| Error::io("create", to, &error))?;
    let entries = fs::read_dir(from).map_err(|error| Error::io("read", from, &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let own = OWN.iter().any(|own| name == *own) || name == except.as_os_str();
        let own = own || (found && name == ".cargo") || crate::stage::is_one(&name);
        let target = to.join(&name);
        if !own && target.symlink_metadata().is_err() {
            std::os::unix::fs::symlink(entry.path(), &target)
                .map_err(|error| Error::io("link", &target, &error))?;
        }
    }
    Ok(())
}

/// As near to the destination as no glob among the members reaches: in a workspace with the
/// member `crates/*`, cargo refuses to work while `crates` has a directory without a manifest.
fn staging(root: &Path, table: &Item, destination: &Path) -> PathBuf {
    let unseen = |dir: &&Path| {
        let place = dir.strip_prefix(root).map(|dir| dir.join(".stage"));
        place.is_ok_and(|place| !reaches(table, &place))
    };
    let inside = destination.ancestors().skip(1);
    let mut inside = inside.take_while(|dir| dir.starts_with(root));
    let found = inside.find(unseen).or(root.parent());
    found.unwrap_or(root).to_owned()
}

/// Whether the list `key` of `[workspace]` names `place`. Cargo reads `members` as globs and
/// `exclude` as plain directories, together with all they hold.
fn covers(table: &Item, key: &str, place: &Path) -> bool {
    entries(table, key).any(|entry| match key {
        "exclude" => place.starts_with(entry),
        _ => matches(entry, place),
    })
}

/// Whether cargo, looking for members, looks at `place` or below it.
fn reaches(table: &Item, place: &Path) -> bool {
    let depth = place.components().count();
    entries(table, "members").any(|entry| {
        let parts = entry.split('/').collect::<Vec<_>>();
        let above = parts.get(..depth).map(|parts| parts.join("/"));
        parts.contains(&"**") || above.is_some_and(|above| matches(&above, place))
    })
}

/// The paths in the list `key` of `[workspace]`.
fn entries<'a>(table: &'a Item, key: &str) -> impl Iterator<Item = &'a str> {
    let list = table.get(key).and_then(Item::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(|entry| entry.trim_start_matches("./").trim_end_matches('/'))
}

fn matches(pattern: &str, place: &Path) -> bool {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        ..glob::MatchOptions::new()
    };
    glob::Pattern::new(pattern).is_ok_and(|glob| glob.matches_path_with(place, options))
}

/// The manifest with `place` among the members, in the style the list has.
fn with_member(mut manifest: DocumentMut, place: &Path) -> Option<String> {
    let table = manifest.get_mut("workspace")?.as_table_like_mut()?;
    let list = table
        .entry("members")
        .or_insert_with(|| Item::Value(Array::new().into()));
    let list = list.as_array_mut()?;
    let mut member = Value::from(place.to_str()?);
    let was_empty = list.is_empty();
    let end = take_end(list);
    if let Some((comments, last_line)) = end.rsplit_once('\n') {
        let indent = list.iter().last().map_or("    ", indent);
        member
            .decor_mut()
            .set_prefix(format!("{comments}\n{indent}"));
        list.push_formatted(member);
        list.set_trailing(format!("\n{last_line}"));
        list.set_trailing_comma(true);
    } else {
        list.push(member);
        if let Some(last) = list.iter_mut().last().filter(|_| !was_empty) {
            last.decor_mut().set_suffix(end);
        }
    }
    Some(manifest.to_string())
}

/// What stands between the last member and the bracket, taken out: a comment behind the last
/// member belongs to that one, with or without a comma between them.
fn take_end(list: &mut Array) -> String {
    let mut end = String::new();
    if let Some(last) = list.iter_mut().last() {
        end.extend(last.decor().suffix().and_then(|suffix| suffix.as_str()));
        last.decor_mut().set_suffix("");
    }
    end.extend(list.trailing().as_str());
    list.set_trailing("");
    end
}

/// The white space a member starts its line with.
fn indent(member: &Value) -> &str {
    let prefix = member.decor().prefix().and_then(|prefix| prefix.as_str());
    prefix
        .and_then(|prefix| prefix.rsplit('\n').next())
        .unwrap_or_default()
}

/// The names of the packages of the workspace at `root`, as far as they can be read.
fn packages(root: &Path, manifest: &DocumentMut) -> Vec<String> {
    let list = manifest["workspace"]
        .get("members")
        .and_then(Item::as_array);
    let patterns = list.into_iter().flatten().filter_map(Value::as_str);
    let dirs = patterns.filter_map(|pattern| {
        let escaped = glob::Pattern::escape(root.to_str()?);
        glob::glob(&format!("{escaped}/{pattern}")).ok()
    });
    let manifests = dirs.flatten().flatten().map(|dir| dir.join("Cargo.toml"));
    std::iter::once(root.join("Cargo.toml"))
        .chain(manifests)
        .filter_map(|path| fs::read_to_string(path).ok()?.parse::<DocumentMut>().ok())
        .filter_map(|manifest| Some(manifest.get("package")?.get("name")?.as_str()?.to_owned()))
        .collect()
}

fn broken(path: &Path, error: &toml_edit::TomlError) -> Error {
    let what = error.message().replace('\n', ", ");
    Error::new(
        Kind::Workspace,
        format!("`{}` is not valid TOML: {what}", path.display()),
    )
    .help("stand alone: --no-workspace")
}

fn odd(path: &Path) -> Error {
    let message = format!(
        "`{}` has a `workspace.members` that is no list of paths",
        path.display()
    );
    Error::new(Kind::Workspace, message).help("stand alone: --no-workspace")
}
