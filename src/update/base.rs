//! What a service was made from, byte for byte: the base of the merge.
//!
//! The record says which tree that was. Whatever leads to that very tree will do, so that two
//! machines always merge from the same base; what leads to another one is no base, and nothing is
//! merged from a guess.

use std::path::Path;

use super::again::{Order, tree_of};
use super::kept;
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::repo::checkout::Checkout;
use crate::repo::history;
use crate::settings::{Settings, Wish};
use crate::source::Ways;
use crate::stamp::record::{self, Place, Record};
use crate::template::{File, Template, releases};
use crate::trust;
use crate::workspace;

/// How many commits of the service are looked at.
const COMMITS: usize = 20_000;

/// The render a service was made from.
#[derive(Debug)]
pub struct Base {
    /// Its files; the record is among them, unless they are from the service's own history.
    pub files: Vec<File>,
    /// The record that leads to them: that of today, or an older one if that was edited.
    pub record: Record,
}

/// Finds it by the first way that leads there.
pub fn find(
    checkout: &Checkout,
    record: &Record,
    settings: &Settings,
) -> Result<(Base, Option<Template>)> {
    let template = template(record, settings);
    let tried = match &template {
        Ok(template) => rendered(template, record, settings, &checkout.dir),
        Err(error) => Err(error.clone()),
    };
    let mut why = match tried {
        Ok(base) => return Ok((base, template.ok())),
        Err(why) => why,
    };
    if let Some(files) = kept::find(&record.tree)
        && tree_of(&files)? == record.tree
    {
        return Ok((Base::of(files, record), template.ok()));
    }
    let (found, shallow) = in_history(checkout, record)?;
    if let Some(files) = found {
        let mut base = Base::of(files, record);
        base.record.member = base.looks_like_a_member(&checkout.dir);
        return Ok((base, template.ok()));
    }
    if let Ok(template) = &template
        && let Some(base) = before_edits(checkout, record, (template, settings))?
    {
        return Ok((base, Some(template.clone())));
    }
    if shallow {
        let dir = in_shell(&tilde(&checkout.root));
        why = why.help(format!("git -C {dir} fetch --unshallow"));
    }
    Err(why)
}

impl Base {
    fn of(files: Vec<File>, record: &Record) -> Self {
        Self {
            files,
            record: record.clone(),
        }
    }

    /// What older records do not say: a member has neither a workspace nor a lock file of its own,
    /// and has one around it. A service of a template of others may have neither and stand alone.
    fn looks_like_a_member(&self, dir: &Path) -> bool {
        let is_inside = matches!(workspace::find(dir), Ok(Some(_)));
        let manifest = self.files.iter().find(|file| file.path == "Cargo.toml");
        let manifest = manifest.map(|file| String::from_utf8_lossy(&file.bytes));
        let is_root = manifest.is_some_and(|text| text.lines().any(|line| line == "[workspace]"));
        let has_lock = self.files.iter().any(|file| file.path == "Cargo.lock");
        self.record.member || (is_inside && !is_root && !has_lock)
    }
}

/// The template of the record, as it was.
pub fn template(record: &Record, settings: &Settings) -> Result<Template> {
    let Some(place) = &record.source else {
        let found = Template::released(&record.version);
        return found.ok_or_else(|| unknown_release(record));
    };
    let wish = match (&place.commit, &place.from) {
        (Some(commit), _) => Wish {
            rev: Some(commit.clone()),
            ..wish(place)
        },
        (None, Some(from)) => at_tree(place, from).unwrap_or_else(|| wish(place)),
        (None, None) => wish(place),
    };
    Template::obtain(&wish, ways(settings))
}

/// The place of a template, whichever version of it.
#[must_use]
pub fn wish(place: &Place) -> Wish {
    Wish {
        source: place.id.clone(),
        base: Path::new("/").to_owned(),
        subfolder: place.subfolder.clone(),
        ..Wish::default()
    }
}

/// How a template may be reached.
#[must_use]
pub fn ways(settings: &Settings) -> Ways {
    Ways {
        offline: settings.flags.offline,
        human: settings.human,
    }
}

/// A directory in a repository may have had the tree `from` in one of its commits.
fn at_tree(place: &Place, from: &str) -> Option<Wish> {
    let (root, dir, commit) = history::commit_with(Path::new(&place.id), from)?;
    let within = [dir.as_str(), place.subfolder.as_deref().unwrap_or_default()];
    let within = within.iter().filter(|part| !part.is_empty());
    let within = within.copied().collect::<Vec<_>>().join("/");
    Some(Wish {
        source: root.to_str()?.to_owned(),
        subfolder: Some(within).filter(|dir| !dir.is_empty()),
        rev: Some(commit),
        ..wish(place)
    })
}

/// The tree of the record, made once more.
fn rendered(template: &Template, record: &Record, settings: &Settings, dir: &Path) -> Result<Base> {
    let mut looking = settings.clone();
    looking.flags.dry_run = true;
    looking.human = false;
    let open = trust::open(template, &looking, trust::items(template, &looking))?;
    if !open.is_empty() {
        return Err(trust::refusal(template, &open));
    }
    // Older records do not say whether the service was made as a member of a workspace.
    for member in [record.member, !record.member] {
        let mut order = Order::old(record, template, &looking, dir);
        order.member = member;
        let files = order.render(template)?.files;
        if tree_of(&files)? == record.tree {
            let mut base = Base::of(files, record);
            base.record.member = member;
            return Ok(base);
        }
    }
    Err(edited(record, template))
}

/// The first commit of a service holds what was rendered, and nothing else.
fn in_history(checkout: &Checkout, record: &Record) -> Result<(Option<Vec<File>>, bool)> {
    // A template of others may have left its lock file to cargo.
    let without = [&[record::FILE][..], &[record::FILE, "Cargo.lock"]];
    let mut found = None;
    let shallow = checkout.in_history(COMMITS, &mut |checkout, tree| {
        for names in without {
            let gone = names.iter().map(|name| ((*name).to_owned(), None));
            let bare = checkout.with(tree, &gone.collect())?;
            if bare.to_string() == record.tree {
                // The record in that commit may have been edited: nobody knows what it was.
                let mut files = checkout.files(tree)?;
                files.retain(|file| !names.contains(&&*file.path));
                found = Some(files);
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    Ok((found, shallow))
}

/// A record that was edited may be whole in an older commit.
fn before_edits(
    checkout: &Checkout,
    record: &Record,
    (template, settings): (&Template, &Settings),
) -> Result<Option<Base>> {
    let mut known = vec![record.clone()];
    let mut base = None;
    checkout.in_history(COMMITS, &mut |checkout, tree| {
        let file = checkout.file(tree, record::FILE)?;
        let text = file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
        let Some(Ok(old)) = text.as_deref().map(Record::read) else {
            return Ok(false);
        };
        if old.tree != record.tree || known.contains(&old) {
            return Ok(false);
        }
        base = rendered(template, &old, settings, &checkout.dir).ok();
        known.push(old);
        Ok(base.is_some())
    })?;
    Ok(base)
}

fn unknown_release(record: &Record) -> Error {
    let (name, version) = (&record.template, &record.version);
    let ours = Template::embedded();
    let message = if ours.name == *name {
        format!(
            "this generate-service does not know version {version} of its template; it has {}",
            releases().join(", ")
        )
    } else {
        format!(
            "the service was made from the template `{name}`, which this generate-service does not have"
        )
    };
    Error::new(Kind::Record, message).help("install a newer generate-service")
}

fn edited(record: &Record, template: &Template) -> Error {
    let file = record::FILE;
    let version = match template.version.as_str() {
        "" => String::new(),
        version => format!(" {version}"),
    };
    let message = format!(
        "{file} does not say what the service was made from: with these values {}{version} makes another tree than {}",
        record.template,
        record.tree.get(..12).unwrap_or(&record.tree),
    );
    Error::new(Kind::Record, message).help(format!(
        "see who edited it: git log -p -- {file}; what [service], [template] and [answers] said then is what counts"
    ))
}
