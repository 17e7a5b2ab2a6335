//! What was typed, set or written down, as settings: flag > variable > nearest file > default.
//!
//! Every source is read into the same small table of texts, each with the place it came from; one
//! pass then gives every text its meaning and reports all that is wrong at once.

mod given;
mod sources;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::answers::Given;
use crate::args::Create;
use crate::cache::Bounds;
use crate::error::{Error, Result};
pub use sources::nearest;
use sources::{Found, Reading, Source};

/// How far cargo goes before the service is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Build {
    /// Cargo is not run at all.
    None,
    /// `cargo check`
    Check,
    /// `cargo build`
    #[default]
    Build,
    /// `cargo build`, then `cargo test`
    Test,
    /// `cargo build --release`
    Release,
}

/// How the run is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A narrative on standard error, the final path on standard output.
    #[default]
    Human,
    /// One JSON event a line on standard output.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where a template is wished from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// As it was written.
    pub source: String,
    /// What a relative path in it is relative to.
    pub base: PathBuf,
    /// The directory the template stands in.
    pub subfolder: Option<String>,
    /// The version wanted, if it comes from a repository.
    pub branch: Option<String>,
    /// The version wanted, if it comes from a repository.
    pub tag: Option<String>,
    /// The version wanted, if it comes from a repository.
    pub rev: Option<String>,
}

/// Everything a run is told from outside, typed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name as given: its parser is `name.rs`, which offers another.
    pub name: Option<String>,
    /// One line for the manifest.
    pub description: Option<String>,
    /// The template, if it is not the embedded one.
    pub template: Option<Wish>,
    /// Templates that have a name.
    pub templates: BTreeMap<String, Wish>,
    /// Sources of templates whose code may run, as globs.
    pub trusted: Vec<glob::Pattern>,
    /// Answers to what the template asks.
    pub given: Given,
    /// The directory the service's own directory is created in.
    pub into: Option<PathBuf>,
    /// Parts beside the usual ones.
    pub with: Vec<String>,
    /// Usual parts that are not wanted.
    pub without: Vec<String>,
    /// Exactly this port.
    pub port: Option<u16>,
    /// The first free port of this range.
    pub port_range: RangeInclusive<u16>,
    /// Atlas's directory.
    pub atlas: Option<PathBuf>,
    /// The end points of a cluster's Atlas.
    pub cluster: Option<String>,
    /// How far cargo goes.
    pub build: Build,
    /// How much the cache of compiled crates keeps.
    pub bounds: Bounds,
    /// Yes-or-no settings.
    pub flags: Flags,
    /// How the run is told.
    pub format: Format,
    /// When to colour.
    pub color: Color,
    /// Whether somebody sits at a terminal and may be asked; `ask` knows.
    pub human: bool,
    /// What could not be understood; a default stands in its place.
    pub wrong: Vec<Error>,
}

/// Yes-or-no settings.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub struct Flags {
    /// Share compiled crates with other services.
    pub cache: bool,
    /// Make a Git repository.
    pub git: bool,
    /// Commit inside an existing repository.
    pub commit: bool,
    /// Join a surrounding workspace.
    pub workspace: bool,
    /// Ask nothing.
    pub yes: bool,
    /// Touch nothing.
    pub dry_run: bool,
    /// Keep the wreck.
    pub keep_on_failure: bool,
    /// Say nothing but errors.
    pub quiet: bool,
    /// Use no network.
    pub offline: bool,
    /// Let the template run its code.
    pub trust: bool,
}

impl Settings {
    /// Reads every source. What is wrong is kept for the plan, which reports it beside all that
    /// it finds itself. `cwd` is where the run was started, an absolute path.
    #[must_use]
    pub fn read(typed: Create, cwd: &Path) -> Self {
        let (defines, files) = (typed.define.clone(), typed.answers.clone());
        let mut reading = Reading::of(typed, cwd);
        reading.take_answers(&defines, &files, cwd);
        let settings = reading.mean(cwd);
        Self {
            wrong: reading.wrong,
            ..settings
        }
    }
}

impl Reading {
    /// Gives every text its meaning; defaults stand for what is absent or wrong.
    fn mean(&mut self, cwd: &Path) -> Settings {
        Settings {
            name: self.text("name"),
            description: self.parse("description", "One line of text", one_line),
            template: self.wish(cwd),
            templates: std::mem::take(&mut self.templates),
            trusted: self.trusted(),
            given: std::mem::take(&mut self.given),
            into: self.path("into", cwd),
            with: self
                .parse("with", "database,redis", words)
                .unwrap_or_default(),
            without: self.parse("without", "metrics", words).unwrap_or_default(),
            port: self.parse("port", "5004", port),
            port_range: self
                .parse("port-range", "5000-5999", port_range)
                .unwrap_or(5000..=5999),
            atlas: self.path("atlas", cwd).filter(|_| !self.is_url("atlas")),
            cluster: self.text("atlas").filter(|_| self.is_url("atlas")),
            build: self.parse("build", "build", build).unwrap_or_default(),
            bounds: self.bounds(),
            flags: self.flags(),
            format: self.parse("format", "human", format).unwrap_or_default(),
            color: self.parse("color", "auto", color).unwrap_or_default(),
            human: false,
            wrong: Vec::new(),
        }
    }

    /// The template; what says more about it needs one to say it about.
    fn wish(&mut self, cwd: &Path) -> Option<Wish> {
        let details = ["subfolder", "branch", "tag", "rev"];
        let Some(found) = self.found.get("template") else {
            for name in details {
                if let Some(Found { source, .. }) = self.found.get(name) {
                    let message = format!("{source} says more of a template, but none is named");
                    let error = Error::new(source.kind(), message);
                    self.wrong.push(error.help("--template SOURCE"));
                }
            }
            return None;
        };
        let base = found.source.base(cwd).to_owned();
        let source = found.text.clone();
        let [subfolder, branch, tag, rev] = details.map(|name| self.text(name));
        Some(Wish {
            source,
            base,
            subfolder,
            branch,
            tag,
            rev,
        })
    }

    fn trusted(&mut self) -> Vec<glob::Pattern> {
        self.parse("trusted", "https://git.example.com/platform/*", globs)
            .unwrap_or_default()
    }

    fn bounds(&mut self) -> Bounds {
        let usual = Bounds::default();
        Bounds {
            bytes: self
                .parse("cache-size", "4GiB", size)
                .unwrap_or(usual.bytes),
            age: self.parse("cache-age", "60", days).unwrap_or(usual.age),
        }
    }

    fn flags(&mut self) -> Flags {
        let mut flag = |name, default| self.parse(name, "true", boolean).unwrap_or(default);
        Flags {
            cache: flag("cache", true),
            git: flag("git", true),
            commit: flag("commit", false),
            workspace: flag("workspace", true),
            yes: flag("yes", false),
            dry_run: flag("dry-run", false),
            keep_on_failure: flag("keep-on-failure", false),
            quiet: flag("quiet", false),
            offline: flag("offline", false),
            trust: flag("trust", false),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.found.get(name).map(|found| found.text.clone())
    }

    /// `meaning` answers with what was expected when it meets something else; `good` is a value
    /// it takes.
    fn parse<T>(
        &mut self,
        name: &str,
        good: &str,
        meaning: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Found { text, source } = self.found.get(name)?;
        meaning(text)
            .map_err(|expected| {
                let message = format!("invalid {name} `{text}` ({source}): {expected}");
                self.wrong
                    .push(Error::new(source.kind(), message).help(source.mend(good)));
            })
            .ok()
    }

    /// A path in a file is relative to that file, any other to the working directory; `~/` is
    /// the home directory where no shell has put it in.
    fn is_url(&self, name: &str) -> bool {
        let schemes = ["http://", "https://"];
        let found = self.found.get(name);
        found.is_some_and(|found| schemes.iter().any(|scheme| found.text.starts_with(scheme)))
    }

    fn path(&self, name: &str, cwd: &Path) -> Option<PathBuf> {
        let found = self.found.get(name)?;
        let base = found.source.base(cwd);
        let text = match &found.source {
            Source::File { .. } => crate::dirs::expand(&found.text),
            _ => PathBuf::from(&found.text),
        };
        Some(base.join(text))
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a description is one line of text".to_owned());
    }
    Ok(text.to_owned())
}

/// Names between commas.
#[allow(clippy::unnecessary_wraps, reason = "a meaning like the others")]
fn words(text: &str) -> Result<Vec<String>, String> {
    let words = text.split(',').map(str::trim);
    Ok(words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Globs between commas.
fn globs(text: &str) -> Result<Vec<glob::Pattern>, String> {
    let globs = words(text)?;
    let globs = globs.iter().map(|glob| glob::Pattern::new(glob));
    globs
        .collect::<Result<_, _>>()
        .map_err(|error| format!("no glob: {error}"))
}

fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a port is a number from 1 to 65535".to_owned()),
        Ok(port) => Ok(port),
    }
}

fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some(port(first.trim()).ok()?..=port(last.trim()).ok()?));
    range
        .filter(|range| !range.is_empty())
        .ok_or_else(|| "a range is two ports from low to high, such as 5000-5999".to_owned())
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// `500MiB`, `4 GiB`; a unit has to be there, since a bare number would be taken for megabytes by
/// one and for bytes by another.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text[digits.len()..].trim() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => 64,
    };
    let bytes = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1u64.checked_shl(shift)?));
    bytes.ok_or_else(|| "a size is a number with its unit, such as 4GiB or 500MiB".to_owned())
}

fn days(text: &str) -> Result<Duration, String> {
    let days = text.parse::<u32>();
    let days = days.map_err(|_| "an age is a number of days".to_owned())?;
    Ok(Duration::from_hours(u64::from(days) * 24))
}

fn build(text: &str) -> Result<Build, String> {
    Ok(match text {
        "none" => Build::None,
        "check" => Build::Check,
        "build" => Build::Build,
        "test" => Build::Test,
        "release" => Build::Release,
        _ => return Err("expected none, check, build, test or release".to_owned()),
    })
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "human" => Ok(Format::Human),
        "json" => Ok(Format::Json),
        _ => Err("expected human or json".to_owned()),
    }
}

fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => Err("expected auto, always or never".to_owned()),
    }
}
