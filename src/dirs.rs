//! The user's directories, by the XDG base directory specification.

use std::path::{Path, PathBuf};

/// `$HOME`, if it is an absolute path.
#[must_use]
pub fn home() -> Option<PathBuf> {
    absolute("HOME")
}

/// Where settings live: `$XDG_CONFIG_HOME`, else `~/.config`.
#[must_use]
pub fn config() -> Option<PathBuf> {
    absolute("XDG_CONFIG_HOME").or_else(|| Some(home()?.join(".config")))
}

/// Where what can be made anew lives: `$XDG_CACHE_HOME`, else `~/.cache`.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    absolute("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache")))
}

/// `path` as people write it: `~/services/orders`.
#[must_use]
pub fn tilde(path: &Path) -> String {
    match home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// `text` as one word of the shell, for commands that can be pasted.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The specification says to ignore relative paths.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// `~/services` as a path; what a shell does with an argument nobody does with an answer.
#[must_use]
pub fn expand(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// A path as one word of the shell; `~/` has to stay outside the quotes.
#[must_use]
pub fn in_shell(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    let (home, rest) = path
        .strip_prefix("~/")
        .map_or(("", path), |rest| ("~/", rest));
    if rest.chars().all(plain) {
        return path.to_owned();
    }
    format!("{home}{}", quoted(rest))
}
