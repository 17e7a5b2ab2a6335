//! A small template to start from: a live crate, questions of every type, samples with their
//! golden trees. What is written passes `template check` and `template test` as it stands.
//!
//! The files lie in `start/` with `.in` at their ends: a directory with a `Cargo.toml` would be
//! left out of our own package, and git would obey a `.gitignore`.

use std::borrow::Cow;
use std::fs::{self, File as Lock};
use std::path::{Path, PathBuf};

use super::golden::write_all;
use super::samples;
use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::report::Report;
use crate::settings::Settings;
use crate::stage;
use crate::template::File;

macro_rules! files {
    ($($path:literal = $source:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("start/", $source, ".in")))),*]
    };
}

const FILES: &[(&str, &str)] = files! {
    ".gitignore" = "gitignore",
    "Cargo.lock" = "Cargo.lock",
    "Cargo.toml" = "Cargo.toml",
    "Dockerfile.hbs" = "Dockerfile.hbs",
    "README.md.hbs" = "README.md.hbs",
    "service.toml" = "service.toml",
    "settings.conf.hbs" = "settings.conf.hbs",
    "src/http.rs" = "http.rs",
    "src/main.rs" = "main.rs",
    "src/settings.rs" = "settings.rs",
    "template.toml" = "template.toml",
};

/// The name in the files above.
const NAME: &str = "my-template";

/// Writes the template into `dir`, whole or not at all.
pub fn new(settings: &Settings, dir: &Path, report: &Report) -> Result<()> {
    Error::all(settings.wrong.clone())?;
    interrupt::listen()?;
    let place = free(dir)?;
    let parent = place.parent().unwrap_or(&place);
    let name = name_of(&place);
    let hidden = Hidden::beside(parent, &name)?;
    let tree = hidden.dir.join(&name);
    let files = FILES.iter().map(|(path, text)| File {
        path: (*path).to_owned(),
        executable: false,
        bytes: Cow::Owned(text.replace(NAME, &name).into_bytes()),
    });
    write_all(&tree, &files.collect::<Vec<_>>())?;
    samples::accept(&tree, settings, report)?;
    interrupt::check()?;
    // Onto an empty directory, too; onto anything else it fails.
    fs::rename(&tree, &place).map_err(|error| Error::io("create", &place, &error))?;
    report.started(&place);
    Ok(())
}

/// The path of `dir` without links, if nothing stands there.
fn free(dir: &Path) -> Result<PathBuf> {
    let refuse = |message: String| Error::new(Kind::Destination, message);
    let another = "choose another directory";
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        let message = format!("`{}` is no place for a template", dir.display());
        return Err(refuse(message).help(another));
    };
    let parent = parent.canonicalize().map_err(|_| {
        let message = format!("the directory `{}` does not exist", parent.display());
        refuse(message).help(format!("mkdir -p {}", quoted(&parent.to_string_lossy())))
    })?;
    let place = parent.join(name);
    let Ok(meta) = place.symlink_metadata() else {
        return Ok(place);
    };
    let empty = || fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_none());
    let what = if !meta.is_dir() {
        "is not a directory"
    } else if empty() {
        return Ok(place);
    } else {
        "is not empty"
    };
    let message = format!("`{}` exists and {what}", place.display());
    Err(refuse(message).help(another))
}

/// A name for the template in `place`.
fn name_of(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let name = name.to_lowercase();
    let name = name.chars().map(|c| if good(c) { c } else { '-' });
    let name = name.collect::<String>();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    match name.trim_end_matches('-') {
        "" => NAME.to_owned(),
        name => name.chars().take(64).collect(),
    }
}

/// A hidden directory that goes with everything in it.
struct Hidden {
    dir: PathBuf,
    _lock: Lock,
}

impl Hidden {
    fn beside(parent: &Path, name: &str) -> Result<Self> {
        let (dir, lock) = stage::create(parent, name)
            .map_err(|error| Error::io("create a directory in", parent, &error))?;
        Ok(Self { dir, _lock: lock })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The error that brought us here, if one did, is the one to tell.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
