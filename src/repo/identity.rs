//! Who commits, when, and what else git is configured to do.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, Signature, Time};

use crate::error::{Error, Kind, Result};
use crate::foreign::Author;

/// The author where neither configuration nor environment names one, as in bare containers.
const FALLBACK: (&str, &str) = ("generate-service", "generate-service@localhost");

/// Author and committer: `GIT_AUTHOR_*` and `GIT_COMMITTER_*`, else `user.*` of the
/// configuration, that of `repository` first, else `EMAIL`, else the documented fallback.
pub fn signatures(
    repository: &Repository,
) -> Result<(Signature<'static>, Signature<'static>), git2::Error> {
    let of = |role| signature(role, repository);
    Ok((of("AUTHOR")?, of("COMMITTER")?))
}

fn signature(role: &str, repository: &Repository) -> Result<Signature<'static>, git2::Error> {
    let variable = |what: &str| variable(&format!("GIT_{role}_{what}"));
    let key = |what: &str| {
        let key = format!("user.{what}");
        match local(repository, &key) {
            Some(value) if set_by_variables(&key).is_none() => Ok(Some(value)),
            _ => read_setting(&key),
        }
    };
    let name = variable("NAME")
        .or(key("name")?)
        .unwrap_or_else(|| FALLBACK.0.to_owned());
    let email = variable("EMAIL")
        .or(key("email")?)
        .or_else(|| self::variable("EMAIL"));
    let email = email.unwrap_or_else(|| FALLBACK.1.to_owned());
    match variable("DATE") {
        None => Signature::now(&name, &email),
        Some(text) => {
            let time = date(&text).ok_or_else(|| {
                git2::Error::from_str(&format!("invalid date `{text}` in GIT_{role}_DATE"))
            })?;
            Signature::new(&name, &email, &time)
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

/// Whom cargo, and cargo-generate after it, would name as the author of a package made in `dir`:
/// a name, and an e-mail address if there is one. An empty variable counts, as it does there.
/// Where cargo-generate gives up for want of a name, the documented fallback stands.
pub fn author(dir: &Path) -> Result<Author> {
    let first = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
    let known = |key: &str| -> Result<Option<String>> {
        match local_setting(dir, key) {
            Some(value) if set_by_variables(key).is_none() => Ok(Some(value)),
            _ => setting(key),
        }
    };
    let name = match first(&["CARGO_NAME", "GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]) {
        Some(name) => Some(name),
        None => known("user.name")?.or_else(|| first(&["USER", "USERNAME", "NAME"])),
    };
    let email = match first(&["CARGO_EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"]) {
        Some(email) => Some(email),
        None => known("user.email")?.or_else(|| first(&["EMAIL"])),
    };
    Ok(Author {
        name: name.unwrap_or_else(|| FALLBACK.0.to_owned()),
        email,
    })
}

/// A setting of the repository around `dir`, if there is one that says it.
fn local_setting(dir: &Path, key: &str) -> Option<String> {
    local(&Repository::discover(dir).ok()?, key)
}

fn local(repository: &Repository, key: &str) -> Option<String> {
    let config = repository.config().ok()?;
    let local = config.open_level(git2::ConfigLevel::Local).ok()?;
    let value = local.get_string(key).ok()?;
    Some(value).filter(|value| !value.trim().is_empty())
}

/// Git's internal format (`1700000000 +0100`, also with `@`), ISO 8601, RFC 2822, and what
/// `git log` prints: `2023-11-14 22:13:20 +0000`, `Tue Nov 14 22:13:20 2023 +0000`.
fn date(text: &str) -> Option<Time> {
    let text = text.trim();
    if let Some((seconds, zone)) = text.trim_start_matches('@').split_once(' ')
        && let (Ok(seconds), Some(minutes)) = (seconds.parse(), offset(zone))
    {
        return Some(Time::new(seconds, minutes));
    }
    if let Ok(seconds) = text.trim_start_matches('@').parse() {
        return Some(Time::new(seconds, 0));
    }
    let iso = jiff::fmt::temporal::Pieces::parse(text)
        .ok()
        .and_then(|pieces| {
            let offset = pieces.to_numeric_offset().unwrap_or(jiff::tz::Offset::UTC);
            let time = pieces.date().to_datetime(pieces.time().unwrap_or_default());
            Some((
                offset.to_timestamp(time).ok()?.as_second(),
                offset.seconds(),
            ))
        });
    let (seconds, offset) = iso.or_else(|| {
        let zoned = jiff::fmt::rfc2822::parse(text)
            .or_else(|_| jiff::Zoned::strptime("%Y-%m-%d %H:%M:%S %z", text))
            .or_else(|_| jiff::Zoned::strptime("%a %b %d %H:%M:%S %Y %z", text));
        let zoned = zoned.ok()?;
        Some((zoned.timestamp().as_second(), zoned.offset().seconds()))
    })?;
    Some(Time::new(seconds, offset / 60))
}

/// `+0130` in minutes.
fn offset(zone: &str) -> Option<i32> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    Some(sign * (number / 100 * 60 + number % 100))
}

/// A setting of the user's configuration.
pub fn setting(key: &str) -> Result<Option<String>> {
    read_setting(key).map_err(|error| {
        Error::new(
            Kind::Git,
            format!("cannot read git's configuration: {}", error.message()),
        )
        .help("git config --list --show-origin")
    })
}

/// libgit2 knows nothing of git's variables for configuration, which CI systems live by:
/// `GIT_CONFIG_COUNT` outranks the files, and `GIT_CONFIG_GLOBAL`, `GIT_CONFIG_SYSTEM` and
/// `GIT_CONFIG_NOSYSTEM` say which files (git-config(1)).
fn read_setting(key: &str) -> Result<Option<String>, git2::Error> {
    if let Some(value) = set_by_variables(key) {
        return Ok(Some(value));
    }
    let mut config = git2::Config::new()?;
    for (path, level) in config_files() {
        if path.is_file() {
            config.add_file(&path, level, true)?;
        }
    }
    match config.get_string(key) {
        Ok(value) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn config_files() -> Vec<(PathBuf, git2::ConfigLevel)> {
    use git2::ConfigLevel::{Global, System, XDG};
    let mut files = Vec::new();
    let system = std::env::var_os("GIT_CONFIG_SYSTEM").map(PathBuf::from);
    if std::env::var_os("GIT_CONFIG_NOSYSTEM").is_none() {
        files.push((
            system.unwrap_or_else(|| PathBuf::from("/etc/gitconfig")),
            System,
        ));
    }
    if let Some(path) = std::env::var_os("GIT_CONFIG_GLOBAL") {
        files.push((PathBuf::from(path), Global));
    } else {
        files.extend(crate::dirs::config().map(|dir| (dir.join("git/config"), XDG)));
        files.extend(crate::dirs::home().map(|dir| (dir.join(".gitconfig"), Global)));
    }
    files
}

fn set_by_variables(key: &str) -> Option<String> {
    let count: usize = variable("GIT_CONFIG_COUNT")?.parse().ok()?;
    (0..count)
        .rev()
        .find(|i| {
            variable(&format!("GIT_CONFIG_KEY_{i}")).is_some_and(|k| k.eq_ignore_ascii_case(key))
        })
        .and_then(|i| variable(&format!("GIT_CONFIG_VALUE_{i}")))
}
