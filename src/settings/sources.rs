//! Flags, variables and files, each read into the same table of texts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::Wish;
use crate::answers::Given;
use crate::args::Create;
use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};

/// The name of every settings file.
pub const FILE: &str = "generate-service.toml";

/// Where a value came from.
#[derive(Clone, Debug)]
pub enum Source {
    Flag(&'static str),
    Variable(&'static str),
    File {
        path: PathBuf,
        line: usize,
        key: &'static str,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Variable(name) => write!(f, "variable `{name}`"),
            Self::File { path, line, key } => {
                write!(f, "`{key}` in {}, line {line}", path.display())
            }
        }
    }
}

impl Source {
    /// The kind of an error in a value from here.
    pub fn kind(&self) -> Kind {
        match self {
            Self::File { .. } => Kind::Settings,
            Self::Flag(_) | Self::Variable(_) => Kind::Usage,
        }
    }

    /// What a relative path from here is relative to.
    pub fn base<'a>(&'a self, cwd: &'a Path) -> &'a Path {
        match self {
            Self::File { path, .. } => path.parent().unwrap_or(cwd),
            Self::Flag(_) | Self::Variable(_) => cwd,
        }
    }

    /// How a value from here is mended, `good` being one.
    pub fn mend(&self, good: &str) -> String {
        match self {
            Self::Flag(flag) => format!("{flag} {}", word(good)),
            Self::Variable(name) => format!("unset {name}"),
            Self::File { path, line, .. } => edit(path, *line),
        }
    }
}

/// `text` as one word of the shell.
fn word(text: &str) -> String {
    if text.contains(' ') {
        quoted(text)
    } else {
        text.to_owned()
    }
}

/// Opens `path` where something is wrong.
fn edit(path: &Path, line: usize) -> String {
    let path = quoted(&path.to_string_lossy());
    format!("\"${{EDITOR:-vi}}\" +{line} {path}")
}

/// A value, not yet understood.
#[derive(Clone, Debug)]
pub struct Found {
    /// As it stands there.
    pub text: String,
    /// Where that is.
    pub source: Source,
}

/// One setting: its key in a file, its flag and its variable.
struct Key {
    name: &'static str,
    flag: &'static str,
    variable: &'static str,
}

const fn key(name: &'static str, flag: &'static str, variable: &'static str) -> Key {
    Key {
        name,
        flag,
        variable,
    }
}

const KEYS: [Key; 29] = [
    key("name", "NAME", "GENERATE_SERVICE_NAME"),
    key(
        "description",
        "--description",
        "GENERATE_SERVICE_DESCRIPTION",
    ),
    key("template", "--template", "GENERATE_SERVICE_TEMPLATE"),
    key("subfolder", "--subfolder", "GENERATE_SERVICE_SUBFOLDER"),
    key("branch", "--branch", "GENERATE_SERVICE_BRANCH"),
    key("tag", "--tag", "GENERATE_SERVICE_TAG"),
    key("rev", "--rev", "GENERATE_SERVICE_REV"),
    key("offline", "--offline", "GENERATE_SERVICE_OFFLINE"),
    key("trust", "--trust", "GENERATE_SERVICE_TRUST"),
    key("trusted", "trusted", "GENERATE_SERVICE_TRUSTED"),
    key("into", "--into", "GENERATE_SERVICE_INTO"),
    key("with", "--with", "GENERATE_SERVICE_WITH"),
    key("without", "--without", "GENERATE_SERVICE_WITHOUT"),
    key("port", "--port", "GENERATE_SERVICE_PORT"),
    key("port-range", "--port-range", "GENERATE_SERVICE_PORT_RANGE"),
    key("atlas", "--atlas", "ATLAS"),
    key("build", "--build", "GENERATE_SERVICE_BUILD"),
    key("cache", "--no-cache", "GENERATE_SERVICE_CACHE"),
    key("cache-size", "--cache-size", "GENERATE_SERVICE_CACHE_SIZE"),
    key("cache-age", "--cache-age", "GENERATE_SERVICE_CACHE_AGE"),
    key("git", "--no-git", "GENERATE_SERVICE_GIT"),
    key("commit", "--commit", "GENERATE_SERVICE_COMMIT"),
    key("workspace", "--no-workspace", "GENERATE_SERVICE_WORKSPACE"),
    key("yes", "--yes", "GENERATE_SERVICE_YES"),
    key("dry-run", "--dry-run", "GENERATE_SERVICE_DRY_RUN"),
    key(
        "keep-on-failure",
        "--keep-on-failure",
        "GENERATE_SERVICE_KEEP_ON_FAILURE",
    ),
    key("quiet", "--quiet", "GENERATE_SERVICE_QUIET"),
    key("format", "--format", "GENERATE_SERVICE_FORMAT"),
    key("color", "--color", "GENERATE_SERVICE_COLOR"),
];

/// The values found, nearest source only, and what was wrong while they were looked for.
#[derive(Default)]
pub struct Reading {
    /// By key.
    pub found: BTreeMap<&'static str, Found>,
    /// Templates that have a name.
    pub templates: BTreeMap<String, Wish>,
    /// Answers to what templates ask.
    pub given: Given,
    /// Unknown keys, files that cannot be read.
    pub wrong: Vec<Error>,
}

/// Settings files from the nearest to the user's own.
fn files(cwd: &Path) -> Vec<PathBuf> {
    let mut files = cwd
        .ancestors()
        .map(|dir| dir.join(FILE))
        .collect::<Vec<_>>();
    let own = crate::dirs::config().map(|dir| dir.join(FILE));
    // Below the configuration directory the user's own file is met on the way up.
    files.extend(own.filter(|own| !cwd.starts_with(own.with_file_name(""))));
    files
}

impl Reading {
    /// What every source says, nearest first.
    pub fn of(typed: Create, cwd: &Path) -> Self {
        let mut reading = Self::default();
        reading.take_flags(typed);
        reading.take_variables();
        for path in files(cwd) {
            reading.take_file(&path);
        }
        reading
    }

    fn take_flags(&mut self, typed: Create) {
        let yes = |set: bool| set.then(|| OsString::from("true"));
        let either = |on: bool, off: bool| yes(on).or_else(|| off.then(|| OsString::from("false")));
        let values = [
            typed.name,
            typed.description,
            typed.template,
            typed.place.subfolder,
            typed.place.branch,
            typed.place.tag,
            typed.place.rev,
            yes(typed.offline),
            yes(typed.trust),
            None,
            typed.into,
            joined(&typed.with),
            joined(&typed.without),
            typed.port,
            typed.port_range,
            typed.atlas,
            typed.build.map(OsString::from),
            either(typed.cache, typed.no_cache),
            typed.cache_size,
            typed.cache_age,
            either(typed.git, typed.no_git),
            yes(typed.commit),
            either(typed.workspace, typed.no_workspace),
            yes(typed.yes),
            yes(typed.dry_run),
            yes(typed.keep_on_failure),
            yes(typed.quiet),
            typed.format.map(OsString::from),
            typed.color.map(OsString::from),
        ];
        for (key, value) in KEYS.iter().zip(values) {
            self.take_os(key.name, value, Source::Flag(key.flag));
        }
    }

    /// An empty variable is an unset one: that is how CI systems pass what nobody gave.
    fn take_variables(&mut self) {
        for key in &KEYS {
            let value = std::env::var_os(key.variable).filter(|value| !value.is_empty());
            self.take_os(key.name, value, Source::Variable(key.variable));
        }
    }

    fn take_os(&mut self, name: &'static str, value: Option<OsString>, source: Source) {
        let Some(value) = value else { return };
        match value.into_string() {
            Ok(text) => self.take(name, text, source),
            // The parser of names refuses what stands for the bytes, and has an offer.
            Err(raw) if name == "name" => {
                self.take(name, raw.to_string_lossy().into_owned(), source);
            }
            Err(raw) => self.wrong.push(not_utf8(name, &raw, &source)),
        }
    }

    /// Sources come nearest first, so the first value stays.
    fn take(&mut self, name: &'static str, text: String, source: Source) {
        self.found.entry(name).or_insert(Found { text, source });
    }

    fn take_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if absent(&error) => return,
            Err(error) => return self.wrong.push(unreadable(path, &error)),
        };
        let document = match toml_edit::Document::parse(text.as_str()) {
            Ok(document) => document,
            Err(error) => return self.wrong.push(malformed(path, &text, &error)),
        };
        for (name, item) in document.iter() {
            let at = document
                .key(name)
                .and_then(toml_edit::Key::span)
                .map_or(0, |span| span.start);
            let line = line_of(&text, at);
            if matches!(name, "templates" | "answers") {
                if let Err(what) = self.take_table(name, item, path) {
                    let message = format!("{}, line {line}: {what}", path.display());
                    let error = Error::new(Kind::Settings, message);
                    self.wrong.push(error.help(edit(path, line)));
                }
                continue;
            }
            match entry(name, item, path, line) {
                Ok((key, value)) => {
                    let source = Source::File {
                        path: path.to_owned(),
                        line,
                        key,
                    };
                    self.take(key, value, source);
                }
                Err(error) => self.wrong.push(error),
            }
        }
    }
}

pub fn absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

pub fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let io = Error::io("read the settings file", path, error);
    Error::new(Kind::Settings, io.message)
        .help(format!("ls -l {}", quoted(&path.to_string_lossy())))
}

pub fn malformed(path: &Path, text: &str, error: &toml_edit::TomlError) -> Error {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    let what = error.message().replace('\n', ", ");
    Error::new(
        Kind::Settings,
        format!("{}, line {line}: {what}", path.display()),
    )
    .help(edit(path, line))
}

fn not_utf8(name: &str, raw: &OsString, source: &Source) -> Error {
    let kind = if name == "into" {
        Kind::Destination
    } else {
        Kind::Usage
    };
    let shown = raw.to_string_lossy();
    Error::new(
        kind,
        format!("{name} `{shown}` ({source}) is not valid UTF-8"),
    )
    .help("choose a path of UTF-8 text: cargo builds nowhere else")
}

/// One `key = value` of a settings file.
fn entry(
    name: &str,
    item: &toml_edit::Item,
    path: &Path,
    line: usize,
) -> Result<(&'static str, String)> {
    let place = format!("{}, line {line}", path.display());
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        let known = KEYS.iter().map(|key| key.name);
        let error = Error::new(Kind::Settings, format!("{place}: unknown key `{name}`"));
        return Err(match nearest(name, known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("the keys: generate-service --help"),
        });
    };
    if let Some(why) = misplaced(key.name, path) {
        let message = format!("{place}: `{name}` has no place here: {why}");
        return Err(Error::new(Kind::Settings, message).help(edit(path, line)));
    }
    let value = match item.as_value() {
        Some(toml_edit::Value::String(text)) => text.value().clone(),
        Some(toml_edit::Value::Integer(number)) => number.value().to_string(),
        Some(toml_edit::Value::Boolean(yes)) => yes.value().to_string(),
        Some(toml_edit::Value::Array(list))
            if matches!(key.name, "with" | "without" | "trusted") =>
        {
            let words = list.iter().filter_map(|word| word.as_str());
            words.collect::<Vec<_>>().join(",")
        }
        _ => {
            let message = format!(
                "{place}: `{name}` takes one value and no {}",
                item.type_name()
            );
            return Err(
                Error::new(Kind::Settings, message).help(format!("write it as {name} = \"…\""))
            );
        }
    };
    Ok((key.name, value))
}

/// Why a key has no place in the file at `path`: whoever writes a file into a directory could
/// else let their own code run there.
fn misplaced(key: &str, path: &Path) -> Option<&'static str> {
    let own = crate::dirs::config().is_some_and(|dir| path == dir.join(FILE));
    match key {
        "trust" => Some("consent is given for one run, or remembered by `trust add`"),
        "trusted" if !own => Some("only your own settings file says whom you trust"),
        _ => None,
    }
}

/// `--with a --with b,c` as `a,b,c`.
fn joined(words: &[OsString]) -> Option<OsString> {
    (!words.is_empty()).then(|| words.join(OsStr::new(",")))
}

/// The known word most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| (strsim::jaro_winkler(name, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// The line, from 1, of the byte at `offset`.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}
