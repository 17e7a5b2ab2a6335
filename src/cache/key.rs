//! What decides the bits of a compiled crate beside its own sources, features and profile, which
//! cargo hashes into the name of the unit.
//!
//! A shelf holds what was compiled under one key. A key that says too much costs a cold build; one
//! that says too little costs the time in which cargo, by its fingerprints, finds a unit stale.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml_edit::{Document, Item};

use super::unit::sum;
use crate::{process, wrap};

/// Raised when what lies in the cache is written in another way.
const FORMAT: u32 = 1;

/// Variables that cargo, rustc and build scripts take their orders from.
const VARIABLES: [&str; 14] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_BOOTSTRAP",
    "CARGO_INCREMENTAL",
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "PKG_CONFIG_PATH",
];

/// Beginnings of the names of others.
const FAMILIES: [&str; 4] = [
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_UNSTABLE_",
];

/// Tables of cargo's configuration that decide bits.
const TABLES: [&str; 5] = ["build", "env", "profile", "target", "unstable"];

/// The key of a shelf, and what people call it.
#[derive(Debug)]
pub struct Key {
    /// A hash, and the name of the shelf's directory.
    pub hash: String,
    /// `rustc 1.95.0 (59807616e 2026-04-14)`
    pub rustc: String,
}

/// The key for a build in `dir`, if rustc answers there.
pub fn of(dir: &Path) -> Option<Key> {
    let rustc = env::var_os("RUSTC").filter(|rustc| !rustc.is_empty());
    let mut command = Command::new(rustc.unwrap_or_else(|| OsString::from("rustc")));
    let outcome = process::run(command.arg("-vV").current_dir(dir), |_| {}).ok()?;
    if !outcome.success {
        return None;
    }
    let mut text = format!("{FORMAT}\n{}", outcome.stdout);
    for (name, value) in variables() {
        text.push_str(&format!("{name}={}\n", value.to_string_lossy()));
    }
    for (path, item) in configuration(dir) {
        text.push_str(&format!("{}: {item}\n", path.display()));
    }
    Some(Key {
        hash: sum(text.as_bytes())[..16].to_owned(),
        rustc: outcome.stdout.lines().next()?.to_owned(),
    })
}

/// What the user has set to have target directories where they want them, if they have.
pub fn own_target(dir: &Path) -> Option<String> {
    let variables = [
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_BUILD_BUILD_DIR",
    ];
    let set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(name) = variables.iter().find(set) {
        return Some(format!("{name} is set"));
    }
    let tables = configuration(dir).into_iter();
    let found = tables.filter_map(|(path, item)| {
        let keys = ["target-dir", "build-dir"];
        let key = keys.iter().find(|key| item.get(key).is_some())?;
        Some(format!("`build.{key}` is set in `{}`", path.display()))
    });
    found.into_iter().next()
}

fn variables() -> Vec<(String, OsString)> {
    let matters = |name: &str| {
        VARIABLES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
    };
    let idle = ["CARGO_BUILD_JOBS", "CARGO_TARGET_TMPDIR"];
    let all = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut found = all
        .filter(|(name, _)| matters(name) && !idle.contains(&name.as_str()))
        .collect::<Vec<_>>();
    found.sort();
    found
}

/// The tables that matter, each with the file it stands in: a path in a table is relative to
/// that.
fn configuration(dir: &Path) -> Vec<(PathBuf, Item)> {
    let mut found = Vec::new();
    for path in wrap::config_files(dir) {
        let text = fs::read_to_string(&path).ok();
        let Some(config) = text.and_then(|text| Document::parse(text).ok()) else {
            continue;
        };
        let tables = TABLES.iter().filter_map(|table| config.get(table));
        found.extend(tables.map(|table| (path.clone(), table.clone())));
    }
    found
}
