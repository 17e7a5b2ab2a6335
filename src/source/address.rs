//! Addresses of repositories, as `git clone` takes them and nothing beyond: no helper programs,
//! no options in disguise, and no password where it could be seen.

use crate::error::{Error, Kind, Result};

use super::archive;
use super::limits::{check_path, is_unseen};

/// A repository somewhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// As git is to be told it.
    pub url: String,
    /// The same for all to see, however it was written.
    pub id: String,
    /// What must not be seen.
    pub secret: Option<String>,
}

/// Forges with a name of two letters: where they are.
const FORGES: [(&str, &str, &str); 4] = [
    ("gh", "https://github.com/", ".git"),
    ("gl", "https://gitlab.com/", ".git"),
    ("bb", "https://bitbucket.org/", ".git"),
    ("sr", "https://git.sr.ht/", ""),
];

const SCHEMES: [(&str, &str); 5] = [
    ("https", ":443"),
    ("http", ":80"),
    ("ssh", ":22"),
    ("git", ":9418"),
    ("file", ""),
];

/// The address that `text` is, with a folder below it; `None` if it is a path.
pub fn parse(text: &str) -> Result<Option<(Address, Option<String>)>> {
    refuse_tricks(text)?;
    if let Some((scheme, rest)) = text.split_once("://") {
        return Ok(Some((url(text, scheme, rest)?, None)));
    }
    let Some((before, after)) = text.split_once(':') else {
        return Ok(None);
    };
    if before.contains('/') {
        return Ok(None);
    }
    if let Some((_, host, suffix)) = FORGES.iter().find(|(name, ..)| *name == before) {
        let (repository, folder) = on_forge(text, after)?;
        let address = url(
            text,
            "https",
            &format!("{}{repository}{suffix}", &host[8..]),
        )?;
        return Ok(Some((address, folder)));
    }
    Ok(Some((scp_like(text, before, after)?, None)))
}

/// `text` without what may be a password in it, for messages.
#[must_use]
pub fn redacted(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.escape_debug().to_string();
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let odd = port.is_some_and(|port| port.parse::<u16>().is_err());
    // A password may hold anything, a slash for instance, if nobody has escaped it.
    let end = match authority.rfind('@') {
        None if odd => rest.rfind('@'),
        end => end,
    };
    let shown = match end {
        Some(end) => format!("{scheme}://***{}", &rest[end..]),
        None => text.to_owned(),
    };
    let query = shown.find(['?', '#']).unwrap_or(shown.len());
    shown[..query].escape_debug().to_string()
}

/// What no address and no path has, or git would take for something else.
fn refuse_tricks(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::new(Kind::Usage, "a template's source is empty"));
    }
    if text.starts_with('-') {
        return Err(unusable(text, "begins with `-`, as an option does"));
    }
    if text.chars().any(is_unseen) {
        return Err(unusable(text, "has a character that nobody can see"));
    }
    let helper = text.split_once("::").map(|(helper, _)| helper);
    let word = |letter: char| letter.is_ascii_alphanumeric() || "+-._".contains(letter);
    if helper.is_some_and(|helper| !helper.is_empty() && helper.chars().all(word)) {
        return Err(unusable(text, "names a helper program of git's"));
    }
    Ok(())
}

fn url(text: &str, scheme: &str, rest: &str) -> Result<Address> {
    let scheme = scheme.to_ascii_lowercase();
    let Some((_, port)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
        let schemes = SCHEMES.map(|(known, _)| known).join(", ");
        let error = unusable(text, "is a URL of a scheme that is not known");
        return Err(error.help(format!("known are {schemes}, and paths")));
    };
    if rest.contains(char::is_whitespace) {
        return Err(unusable(text, "has a space in it"));
    }
    if rest.contains(['?', '#']) {
        return Err(unusable(text, "has a `?` or `#` in it"));
    }
    if !is_well_escaped(rest) {
        return Err(unusable(text, "is not well escaped"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if scheme == "file" {
        return file(text, authority, path);
    }
    check_host(text, host, user.unwrap_or_default())?;
    let folder = path.trim_end_matches('/');
    if folder.is_empty() {
        return Err(unusable(text, "names no repository"));
    }
    if scheme.starts_with("http") && archive::packing(folder).is_some() {
        let error = unusable(text, "is an archive on another machine");
        return Err(error.help("fetch it with `curl -LO`, and give its path"));
    }
    let shown = shown_user(&scheme, user);
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(port).unwrap_or(&host);
    Ok(Address {
        url: format!("{scheme}://{rest}"),
        id: format!("{scheme}://{shown}{host}{folder}"),
        secret: secret(&scheme, user),
    })
}

fn file(text: &str, authority: &str, path: &str) -> Result<Address> {
    let folder = path.trim_end_matches('/');
    if !authority.is_empty() || folder.is_empty() {
        return Err(unusable(text, "is not an absolute path").help("file:///home/me/template"));
    }
    let url = format!("file://{folder}");
    Ok(Address {
        id: url.clone(),
        url,
        secret: None,
    })
}

/// In a URL of the web anything before the `@` may be a token; to ssh it is a name, and a
/// password only after a colon.
fn shown_user(scheme: &str, user: Option<&str>) -> String {
    match user {
        Some(user) if scheme == "ssh" => {
            let name = user.split(':').next().unwrap_or(user);
            format!("{name}@")
        }
        _ => String::new(),
    }
}

fn secret(scheme: &str, user: Option<&str>) -> Option<String> {
    let user = user?;
    let secret = match user.split_once(':') {
        Some((_, password)) => password,
        None if scheme == "ssh" => return None,
        None => user,
    };
    (!secret.is_empty()).then(|| secret.to_owned())
}

fn check_host(text: &str, host: &str, user: &str) -> Result<()> {
    if host.starts_with('-') || user.starts_with('-') {
        return Err(unusable(text, "has a host that begins with `-`"));
    }
    let letter = |letter: char| letter.is_alphanumeric() || "-._:[]".contains(letter);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    if name.is_empty() || !host.chars().all(letter) || port.parse::<u16>().is_err() {
        return Err(unusable(text, "has no host that could be one"));
    }
    Ok(())
}

/// Every `%` begins a code, none of them of a character that nobody can see.
fn is_well_escaped(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        let code = text.get(at + 1..at + 3);
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        code.is_some_and(|code| !code.is_ascii_control())
    })
}

/// `owner/repository`, and what comes after it.
fn on_forge(text: &str, path: &str) -> Result<(String, Option<String>)> {
    let mut parts = path.trim_end_matches('/').splitn(3, '/');
    let names = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    let good =
        |name: &str| !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(letter);
    let [owner, repository] = names;
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    if !good(owner) || !good(repository) {
        return Err(unusable(text, "names no repository").help("gh:owner/repository"));
    }
    let folder = parts.next().map(str::to_owned);
    if let Some(folder) = &folder
        && check_path(folder).is_err()
    {
        return Err(unusable(text, "names a folder that no template can have"));
    }
    Ok((format!("{owner}/{repository}"), folder))
}

/// `git@host:path`, as ssh has it.
fn scp_like(text: &str, before: &str, path: &str) -> Result<Address> {
    if before.chars().count() == 1 {
        return Err(unusable(text, "is a path on a drive"));
    }
    if SCHEMES.iter().any(|(scheme, _)| *scheme == before) {
        return Err(unusable(text, "lacks the `//` of a URL"));
    }
    let first = path.split('/').next().unwrap_or(path);
    let later = path.split_once('@').map(|(_, after)| after);
    if first.contains('@') || later.is_some_and(|after| after.contains(':')) {
        let error = Error::new(
            Kind::Usage,
            "a template's source seems to hold a password where it cannot be",
        );
        return Err(error.help("git@example.com:owner/repository.git"));
    }
    let (user, host) = match before.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", before),
    };
    check_host(text, host, user)?;
    let folder = path.trim_end_matches('/');
    if folder.is_empty() || folder.starts_with('-') {
        return Err(unusable(text, "names no repository"));
    }
    if text.contains(char::is_whitespace) {
        return Err(unusable(text, "has a space in it"));
    }
    let at = if user.is_empty() { "" } else { "@" };
    Ok(Address {
        url: text.to_owned(),
        id: format!("{user}{at}{}:{folder}", host.to_ascii_lowercase()),
        secret: None,
    })
}

/// The path that a `file://` URL names.
#[must_use]
pub fn local_path(url: &str) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let Some(path) = url.strip_prefix("file://") else {
        return url.starts_with('/').then(|| url.into());
    };
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    Some(std::ffi::OsString::from_vec(bytes).into())
}

/// A refusal of the source `text`, for `reason`.
pub fn unusable(text: &str, reason: &str) -> Error {
    let text = redacted(text);
    Error::new(
        Kind::Usage,
        format!("the template's source `{text}` {reason}"),
    )
}
