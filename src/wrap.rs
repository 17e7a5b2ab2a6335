//! Keeps the stage out of what rustc writes.
//!
//! Debug information and panic messages name the directory that was built in, and the service is
//! built in a stage. Flags for rustc would make the user's next `cargo build` start from nothing,
//! since cargo hashes them; a wrapper it does not hash. So cargo runs this very program in the
//! place of rustc, which adds one `--remap-path-prefix` and becomes rustc.
//!
//! Code of dependencies names no service at all, so that all services compile the same bits of it
//! and can share them (`cache`).
//!
//! By the same way the first build of a service goes without rustc's incremental notes: cargo,
//! which would otherwise take the user's next build for another one, does not see it. Measured: a
//! quarter of the time of the service's own crate, which the first edit pays back.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

const FROM: &str = "GENERATE_SERVICE_REMAP_FROM";
const TO: &str = "GENERATE_SERVICE_REMAP_TO";
/// Set where rustc is to take no notes for a next time.
const ONCE: &str = "GENERATE_SERVICE_ONCE";
/// Where a dependency believes to be built.
const ANYWHERE: &str = "/service";
/// The wrapper the user has, sccache for example.
const THEIRS: &str = "GENERATE_SERVICE_RUSTC_WRAPPER";

/// Lets `cargo` say `to` wherever it would say `from`.
pub fn remap(cargo: &mut Command, from: &Path, to: &Path) {
    let Ok(own) = env::current_exe() else { return };
    cargo.env("RUSTC_WRAPPER", own).env(FROM, from).env(TO, to);
    if let Some(theirs) = configured_wrapper(from) {
        cargo.env(THEIRS, theirs);
    }
}

/// Lets `cargo` compile as if there were no next time.
pub fn once(cargo: &mut Command) {
    cargo.env(ONCE, "1");
}

/// If cargo runs us as its wrapper: becomes rustc, and returns only what went wrong with that.
#[must_use]
pub fn become_rustc() -> Option<std::io::Error> {
    let (from, to) = (env::var_os(FROM)?, env::var_os(TO)?);
    process::die_with_parent();
    let mut words = env::args_os().skip(1);
    let mut rustc = match env::var_os(THEIRS) {
        Some(theirs) => Command::new(theirs),
        None => Command::new(words.next()?),
    };
    let dir = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let to = if dir.is_none_or(|dir| dir.starts_with(&from)) {
        to
    } else {
        ANYWHERE.into()
    };
    let words = words.collect::<Vec<_>>();
    let words = match env::var_os(ONCE) {
        Some(_) => without_incremental(words),
        None => words,
    };
    Some(rustc.args(words).arg(flag(&from, &to)).exec())
}

/// `words` without `-C incremental=…`.
fn without_incremental(words: Vec<OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    for word in words {
        let behind_c = kept.last().is_some_and(|last: &OsString| last == "-C");
        if behind_c && word.to_string_lossy().starts_with("incremental=") {
            kept.pop();
        } else {
            kept.push(word);
        }
    }
    kept
}

fn flag(from: &OsStr, to: &OsStr) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// The wrapper cargo would use in `dir` without us: environment, then the nearest configuration
/// (the Cargo book, "Hierarchical structure").
fn configured_wrapper(dir: &Path) -> Option<OsString> {
    let variable = ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"]
        .iter()
        .find_map(env::var_os);
    let wrapper = variable.or_else(|| config_files(dir).iter().find_map(|path| in_config(path)));
    wrapper.filter(|wrapper| !wrapper.is_empty())
}

/// Cargo's configuration files for `dir`, the nearest first; some may not be there.
pub fn config_files(dir: &Path) -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(crate::dirs::home()?.join(".cargo")));
    let dirs = dir
        .ancestors()
        .map(|above| above.join(".cargo"))
        .chain(home);
    dirs.flat_map(|dir| [dir.join("config"), dir.join("config.toml")])
        .collect()
}

fn in_config(path: &Path) -> Option<OsString> {
    let text = std::fs::read_to_string(path).ok()?;
    let config = toml_edit::Document::parse(text).ok()?;
    let wrapper = config.get("build")?.get("rustc-wrapper")?.as_str()?;
    // A value with a slash is relative to the directory that holds `.cargo`.
    let base = path.parent().and_then(Path::parent);
    match (wrapper.contains('/'), base) {
        (true, Some(base)) => Some(base.join(wrapper).into_os_string()),
        _ => Some(wrapper.into()),
    }
}
