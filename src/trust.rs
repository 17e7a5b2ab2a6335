//! Consent: what a template of others would run here, and whether somebody has agreed to that.
//!
//! Consent is bound to the source and to a hash of every single thing that would run, as it was
//! shown. What changes is asked about anew; what is new is asked about alone.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::dirs::{self, in_shell};
use crate::error::{Error, Kind, Result};
use crate::manifest::Migration;
use crate::report::trust::harmless;
use crate::settings::{Build, Settings};
use crate::template::{Origin, Shape, Template};

/// One thing a template would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What kind of thing.
    pub what: What,
    /// The whole text of it: a script, a command line.
    pub text: String,
    /// SHA-256 of kind, text and what else could change what runs, in hex.
    pub hash: String,
}

/// What kind of thing would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A script that decides while the template is rendered.
    Script(String),
    /// A command of the system.
    Command,
    /// What cargo runs while it builds: build scripts, procedural macros, the tests.
    Build,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Script(path) => write!(f, "script `{}`", path.escape_debug()),
            What::Command => write!(f, "command `{}`", harmless(&self.text)),
            What::Build => f.write_str("its build (build scripts, procedural macros)"),
        }
    }
}

/// One consent, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Where the template comes from.
    pub source: String,
    /// What may run, in words.
    pub what: String,
    /// SHA-256 of what may run, in hex.
    pub hash: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    #[serde(default)]
    consent: Vec<Consent>,
}

/// Everything `template` would run in a run with these settings; nothing for the embedded one. A
/// dry run runs only what decides which files there are.
#[must_use]
pub fn items(template: &Template, settings: &Settings) -> Vec<Item> {
    let Some(origin) = &template.origin else {
        return Vec::new();
    };
    // Any file may be part of what a command or a build runs.
    let tree = format!("tree {}", origin.tree);
    let mut items = match &template.shape {
        Shape::Native(manifest) => {
            let hooks = manifest.hooks.iter();
            let hooks = hooks.filter(|_| !settings.flags.dry_run);
            hooks
                .map(|hook| item(What::Command, line(&hook.run), &tree))
                .collect()
        }
        Shape::Foreign(foreign) => {
            // A script that may call commands can read them from any file, too.
            let bound = match foreign.commands.as_slice() {
                [] => "",
                _ => &tree,
            };
            let scripts = foreign.hooks.iter();
            let scripts = scripts.map(|hook| {
                let what = What::Script(hook.path.clone());
                item(what, hook.text.clone(), bound)
            });
            let commands = foreign.commands.iter();
            let commands = commands.map(|line| item(What::Command, line.clone(), &tree));
            scripts.chain(commands).collect::<Vec<_>>()
        }
    };
    if settings.build != Build::None && !settings.flags.dry_run {
        items.push(item(What::Build, String::new(), &tree));
    }
    items
}

/// Everything that `migrations` of `template` would run in a service that is updated; nothing for
/// the embedded one.
#[must_use]
pub fn migration_items(template: &Template, migrations: &[&Migration]) -> Vec<Item> {
    let Some(origin) = &template.origin else {
        return Vec::new();
    };
    let tree = format!("tree {}", origin.tree);
    let commands = migrations.iter().flat_map(|migration| &migration.run);
    let items = commands.map(|run| item(What::Command, line(run), &tree));
    items.collect()
}

/// A command as one would type it.
#[must_use]
pub fn line(words: &[String]) -> String {
    let words = words.iter().map(|word| match word.as_str() {
        "" => "''".to_owned(),
        word => in_shell(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is shown, and what else it stands on.
fn item(what: What, text: String, bound: &str) -> Item {
    let kind = match &what {
        What::Script(path) => format!("script {path}"),
        What::Command => "command".to_owned(),
        What::Build => "build".to_owned(),
    };
    let hash = Sha256::digest(format!("{kind}\0{text}\0{bound}"));
    Item {
        what,
        text,
        hash: format!("{hash:x}"),
    }
}

/// Those of `items` that nobody has agreed to.
pub fn open(template: &Template, settings: &Settings, items: Vec<Item>) -> Result<Vec<Item>> {
    let Some(origin) = &template.origin else {
        return Ok(Vec::new());
    };
    if items.is_empty() || settings.flags.trust || is_listed(origin, settings) {
        return Ok(Vec::new());
    }
    let source = source(origin);
    let known = list()?;
    let is_known = |item: &Item| {
        let mut known = known.iter();
        known.any(|consent| consent.source == source && consent.hash == item.hash)
    };
    Ok(items.into_iter().filter(|item| !is_known(item)).collect())
}

/// The source as it is remembered: a template of its own in each directory.
#[must_use]
pub fn source(origin: &Origin) -> String {
    match &origin.subfolder {
        Some(dir) => format!("{} {dir}", origin.id),
        None => origin.id.clone(),
    }
}

/// Whether the settings trust the source. What climbs out of the directory that is trusted, or
/// seems to stand elsewhere than it does, is not meant.
fn is_listed(origin: &Origin, settings: &Settings) -> bool {
    let odd = origin.id.split('/').any(|part| part == "..") || origin.id.contains(['\\', '%']);
    let mut trusted = settings.trusted.iter();
    !odd && trusted.any(|pattern| pattern.matches(&origin.id))
}

/// The refusal of a run in which nobody can be asked.
#[must_use]
pub fn refusal(template: &Template, open: &[Item]) -> Error {
    let list = open.iter().map(ToString::to_string).collect::<Vec<_>>();
    let source = template.origin.as_ref().map(source).unwrap_or_default();
    let message = format!(
        "the template {source} would run code that nobody agreed to: {}",
        list.join(", ")
    );
    let only_build = open.iter().all(|item| item.what == What::Build);
    let without = if only_build {
        ", or do not build: --build none"
    } else {
        ""
    };
    let look = template.origin.as_ref().map(look).unwrap_or_default();
    Error::new(Kind::Trust, message).help(format!("{look}, then --trust{without}"))
}

/// The command that shows everything there is to know.
fn look(origin: &Origin) -> String {
    let mut line = format!(
        "generate-service template describe {}",
        in_shell(&origin.id)
    );
    let wanted = origin.wanted.iter();
    let wanted = wanted.map(|(flag, name)| (*flag, name));
    let subfolder = origin.subfolder.iter().map(|dir| ("subfolder", dir));
    for (flag, value) in subfolder.chain(wanted) {
        line.push_str(&format!(" --{flag} {}", in_shell(value)));
    }
    line
}

/// Remembers that `items` of `origin` may run.
pub fn remember(origin: &Origin, items: &[Item]) -> Result<()> {
    let source = source(origin);
    change(|consents| {
        for item in items {
            let consent = Consent {
                source: source.clone(),
                what: item.to_string(),
                hash: item.hash.clone(),
            };
            if !consents.contains(&consent) {
                consents.push(consent);
            }
        }
    })
}

/// What the template the settings wish for is remembered as, even if it is no longer to be had.
pub fn known_as(settings: &Settings) -> Result<String> {
    let wish = settings.template.as_ref();
    let typed = wish.map_or("", |wish| wish.source.as_str()).to_owned();
    if list()?.iter().any(|consent| consent.source == typed) {
        return Ok(typed);
    }
    let mut settings = settings.clone();
    settings.flags.offline = true;
    let template = Template::find(&settings);
    let origin = template.ok().and_then(|template| template.origin);
    Ok(origin.as_ref().map_or(typed, source))
}

/// Forgets every consent for `source`; says how many there were.
pub fn forget(source: &str) -> Result<usize> {
    let mut gone = 0;
    change(|consents| {
        let before = consents.len();
        consents.retain(|consent| consent.source != source);
        gone = before - consents.len();
    })?;
    Ok(gone)
}

/// Everything that was agreed to.
pub fn list() -> Result<Vec<Consent>> {
    let path = path()?;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", &path, &error)),
    };
    let remembered = toml::from_str::<Remembered>(&text).map_err(|error| {
        let message = format!("{}: {}", path.display(), error.message());
        let rm = format!("rm {}", dirs::quoted(&path.to_string_lossy()));
        Error::new(Kind::Settings, message).help(rm)
    })?;
    Ok(remembered.consent)
}

/// Changes the file under a lock, so that two runs do not forget what the other has learnt.
fn change(edit: impl FnOnce(&mut Vec<Consent>)) -> Result<()> {
    let path = path()?;
    let dir = path.parent().unwrap_or(&path);
    let write = || -> io::Result<File> {
        fs::create_dir_all(dir)?;
        let lock = File::create(dir.join("trust.lock"))?;
        lock.lock()?;
        Ok(lock)
    };
    let _lock = write().map_err(|error| Error::io("write", &path, &error))?;
    let mut consent = list()?;
    edit(&mut consent);
    let text = toml::to_string(&Remembered { consent }).unwrap_or_default();
    let head = "# What templates may run here: generate-service trust list\n\n";
    crate::swap::write(&path, &format!("{head}{text}"))
}

fn path() -> Result<PathBuf> {
    let dir = dirs::config().ok_or_else(|| {
        Error::new(Kind::Io, "there is no place to remember consent in")
            .help("export HOME=/home/you")
    })?;
    Ok(dir.join("generate-service").join(Path::new("trust.toml")))
}
