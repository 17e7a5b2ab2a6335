//! Which version of the template a service is brought to.

use semver::Version;

use super::base::{self, ways};
use crate::error::{Error, Kind, Result};
use crate::repo::history;
use crate::settings::{Settings, Wish};
use crate::source;
use crate::stamp::record::{Place, Record};
use crate::template::{Template, releases};

/// The newest, or the one that is wished for; `moved` is where the template is now.
pub fn find(
    record: &Record,
    to: Option<&str>,
    moved: Option<Wish>,
    settings: &Settings,
) -> Result<Template> {
    let template = match (&record.source, moved) {
        (None, None) => embedded(record, to)?,
        (Some(place), None) => elsewhere(place, base::wish(place), to, settings)?,
        (place, Some(moved)) => {
            let nowhere = Place {
                id: moved.source.clone(),
                subfolder: None,
                wanted: None,
                commit: Some(String::new()),
                from: None,
            };
            let place = place.as_ref().unwrap_or(&nowhere);
            elsewhere(place, moved, to, settings)?
        }
    };
    is_no_downgrade(record, &template)?;
    Ok(template)
}

fn embedded(record: &Record, to: Option<&str>) -> Result<Template> {
    let ours = Template::embedded();
    if record.template != ours.name {
        let message = format!(
            "the service was made from the template `{}`, and this generate-service has `{}`",
            record.template, ours.name
        );
        return Err(
            Error::new(Kind::Record, message).help("generate-service update --template SOURCE")
        );
    }
    let Some(to) = to else { return Ok(ours) };
    let version = to.trim_start_matches('v');
    Template::released(version).ok_or_else(|| {
        let message = format!("the embedded template has no version `{to}`");
        let known = releases().join(", ");
        Error::new(Kind::Usage, message).help(format!("it has {known}"))
    })
}

fn elsewhere(
    place: &Place,
    mut wish: Wish,
    to: Option<&str>,
    settings: &Settings,
) -> Result<Template> {
    let named = match (to, &place.wanted) {
        (None, Some(("branch", name))) => Some(("branch", name.clone())),
        (None, Some(("tag", name))) => Some(("tag", newest_tag(&wish, name, settings)?)),
        (None, _) => None,
        (Some(to), _) => Some(understood(&wish, to, settings)?),
    };
    match named {
        Some(("branch", name)) => wish.branch = Some(name),
        Some(("tag", name)) => wish.tag = Some(name),
        Some((_, name)) => wish.rev = Some(name),
        None => {}
    }
    Template::obtain(&wish, ways(settings))
}

/// The highest version among the tags that are named like this one; this one, if none is higher.
fn newest_tag(wish: &Wish, tag: &str, settings: &Settings) -> Result<String> {
    let Some((prefix, current)) = version_in(tag) else {
        return Ok(tag.to_owned());
    };
    if settings.flags.offline && !source::is_here(wish) {
        return Ok(tag.to_owned());
    }
    let names = source::names(wish, ways(settings))?;
    let tags = names.iter().filter(|(kind, _)| *kind == "tag");
    let versions = tags.filter_map(|(_, name)| {
        let (other, version) = version_in(name)?;
        let wanted = other == prefix && (version.pre.is_empty() || !current.pre.is_empty());
        wanted.then_some((version, name))
    });
    let newest = versions.max_by(|one, other| one.0.cmp(&other.0));
    Ok(match newest {
        Some((version, name)) if version > current => name.clone(),
        _ => tag.to_owned(),
    })
}

/// A tag, a branch or a commit, in this order.
fn understood(wish: &Wish, to: &str, settings: &Settings) -> Result<(&'static str, String)> {
    let names = if settings.flags.offline && !source::is_here(wish) {
        Vec::new()
    } else {
        source::names(wish, ways(settings))?
    };
    let has = |kind: &str, name: &str| names.iter().any(|(k, n)| *k == kind && n == name);
    let with_v = format!("v{to}");
    for (kind, name) in [("tag", to), ("tag", &with_v), ("branch", to)] {
        if has(kind, name) {
            return Ok((
                if kind == "tag" { "tag" } else { "branch" },
                name.to_owned(),
            ));
        }
    }
    let is_commit = (4..=40).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit {
        return Ok(("rev", to.to_owned()));
    }
    if names.is_empty() && Version::parse(to.trim_start_matches('v')).is_ok() {
        return Ok((
            "tag",
            if to.starts_with('v') {
                to.to_owned()
            } else {
                with_v
            },
        ));
    }
    let message = format!(
        "the template has no tag, branch or commit `{}`",
        to.escape_debug()
    );
    let tags = names.iter().filter(|(kind, _)| *kind == "tag");
    let tags = tags.map(|(_, name)| name.as_str()).collect::<Vec<_>>();
    let near = crate::settings::nearest(to, names.iter().map(|(_, name)| name.as_str()));
    let error = Error::new(Kind::Usage, message);
    Err(match (near, tags.last()) {
        (Some(near), _) => error.help(format!("did you mean --to {near}?")),
        (None, Some(last)) => error.help(format!("for instance --to {last}")),
        (None, None) => error.help("leave --to out: what is there now is the newest"),
    })
}

/// The version in the name of a tag, and what stands before it.
#[must_use]
pub fn version_in(tag: &str) -> Option<(&str, Version)> {
    let at = tag.find(|letter: char| letter.is_ascii_digit())?;
    let (prefix, version) = tag.split_at(at);
    Some((prefix, Version::parse(version).ok()?))
}

/// Back to an older version is for git, not for a merge.
fn is_no_downgrade(record: &Record, template: &Template) -> Result<()> {
    let versions = (
        Version::parse(&record.version),
        Version::parse(&template.version),
    );
    let by_version = matches!(versions, (Ok(old), Ok(new)) if new < old);
    let origin = template.origin.as_ref();
    let new = origin.and_then(|origin| origin.commit.as_deref());
    let place = record.source.as_ref();
    let old = place.and_then(|place| place.commit.as_deref());
    let tags = (
        place.and_then(|place| place.wanted.as_ref()),
        origin.and_then(|origin| origin.wanted.as_ref()),
    );
    let by_tag = match tags {
        (Some(("tag", old)), Some(("tag", new))) => {
            matches!((version_in(old), version_in(new)), (Some(old), Some(new)) if old.0 == new.0 && new.1 < old.1)
        }
        _ => false,
    };
    let by_history = match (place, old, new) {
        (Some(place), Some(old), Some(new)) if old != new => {
            history::is_before(&place.id, new, old)
        }
        _ => false,
    };
    if !by_version && !by_tag && !by_history {
        return Ok(());
    }
    let message = format!(
        "the service is at {} already, and {} is older",
        of_record(record),
        of(template),
    );
    let help = if template.is_embedded() {
        "install a newer generate-service; to go back: git revert of the commit of the update"
    } else {
        "to go back: git revert of the commit of the update"
    };
    Err(Error::new(Kind::Usage, message).help(help))
}

/// A template and its version, for humans.
#[must_use]
pub fn of(template: &Template) -> String {
    named(&template.name, &version_of(template))
}

/// The template of a record and its version, for humans.
#[must_use]
pub fn of_record(record: &Record) -> String {
    named(&record.template, &version_of_record(record))
}

fn named(name: &str, version: &str) -> String {
    format!("{name} {version}").trim_end().to_owned()
}

/// The version of a template, in one word.
#[must_use]
pub fn version_of(template: &Template) -> String {
    let origin = template.origin.as_ref();
    version(
        &template.version,
        origin.and_then(|origin| origin.wanted.as_ref()),
        origin.and_then(|origin| origin.commit.as_deref()),
    )
}

/// The version in a record, in one word.
#[must_use]
pub fn version_of_record(record: &Record) -> String {
    let place = record.source.as_ref();
    version(
        &record.version,
        place.and_then(|place| place.wanted.as_ref()),
        place.and_then(|place| place.commit.as_deref()),
    )
}

/// The shortest word that tells one version from another.
#[must_use]
pub fn version(
    version: &str,
    wanted: Option<&(&'static str, String)>,
    commit: Option<&str>,
) -> String {
    let tag = wanted.filter(|(kind, _)| *kind == "tag");
    match (version, tag, commit) {
        ("", Some((_, tag)), _) => tag.clone(),
        ("", None, Some(commit)) => commit.get(..12).unwrap_or(commit).to_owned(),
        (version, ..) => version.to_owned(),
    }
}
