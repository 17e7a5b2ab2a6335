//! Flags, variables and files, each read into the same table of texts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

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

const KEYS: [Key; 21] = [
    key("name", "NAME", "GENERATE_SERVICE_NAME"),
    key(
        "description",
        "--description",
        "GENERATE_SERVICE_DESCRIPTION",
    ),
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

fn absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let io = Error::io("read the settings file", path, error);
    Error::new(Kind::Settings, io.message)
        .help(format!("ls -l {}", quoted(&path.to_string_lossy())))
}

fn malformed(path: &Path, text: &str, error: &toml_edit::TomlError) -> Error {
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
    let value = match item.as_value() {
        Some(toml_edit::Value::String(text)) => text.value().clone(),
        Some(toml_edit::Value::Integer(number)) => number.value().to_string(),
        Some(toml_edit::Value::Boolean(yes)) => yes.value().to_string(),
        Some(toml_edit::Value::Array(list)) if matches!(key.name, "with" | "without") => {
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
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}
