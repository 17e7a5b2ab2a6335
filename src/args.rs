//! Clap's view of the command line: what was typed, and nothing of what it means.
//!
//! Values stay text here. `settings.rs` reads them together with the variables and the settings
//! files, so that everything that is wrong is reported at once and with its source.

mod update;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};

use crate::error::{Error, Kind};
use crate::report::{self, Report};
use crate::settings::Format;
use crate::template::Template;
pub use update::{Diff, Update};

/// From a name to a checked, committed, built micro-service.
#[derive(Debug, Parser)]
#[command(
    name = "generate-service",
    version = version(),
    after_help = "The exit codes, the variables and the settings file: generate-service --help",
    after_long_help = after_long_help(),
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Anything but the main job.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The main job.
    #[command(flatten)]
    pub create: Create,
}

/// The small jobs beside the main one.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show, verify or empty the cache of compiled crates
    Cache {
        /// What to do with it [default: show]
        #[command(subcommand)]
        job: Option<CacheJob>,
    },
    /// Write a typed client of another service into a service
    Client(Client),
    /// Show how far a service has drifted from its template
    Diff(Diff),
    /// Print completions for a shell
    Completions {
        /// The shell: bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Print the JSON schema of the events of `--format json`
    Schema,
    /// Write, check, test and describe templates
    Template {
        /// What to do
        #[command(subcommand)]
        job: TemplateJob,
    },
    /// Say which templates may run code here
    Trust {
        /// What to do [default: list]
        #[command(subcommand)]
        job: Option<TrustJob>,
    },
    /// Bring a service to the newest version of its template
    Update(Box<Update>),
    /// Compile ahead what services are built, tested and linted with
    Warm(Warm),
}

/// What to do with the cache.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CacheJob {
    /// Print what it holds
    Show,
    /// Look at every byte, and remove what is damaged
    Verify,
    /// Remove everything in it
    Clean,
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum TemplateJob {
    /// Look for mistakes in the template in DIR
    Check(TemplateCheck),
    /// Say what a template asks, runs and holds
    Describe(FromWhere),
    /// Write a small template to start from into DIR
    New {
        /// The template's directory, which is not there yet
        #[arg(value_hint = ValueHint::DirPath)]
        dir: OsString,
    },
    /// Print the JSON schema of template.toml
    Schema,
    /// Render, compare, build and test every sample of the template in DIR
    Test(TemplateTest),
}

/// Words of `template check`.
#[derive(Debug, Args)]
pub struct TemplateCheck {
    /// The template's directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: OsString,
    /// `json`: one event a line on standard output [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
}

impl From<TemplateCheck> for Create {
    /// A service of that template.
    fn from(wish: TemplateCheck) -> Self {
        Self {
            template: Some(wish.dir),
            format: wish.format,
            ..Self::default()
        }
    }
}

/// Words of `template test`.
#[derive(Debug, Args)]
pub struct TemplateTest {
    /// The template's directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: OsString,
    /// Take what is rendered now for right, and write the golden trees
    #[arg(long)]
    pub review: bool,
    /// How far cargo goes with each sample [default: test]
    #[arg(long, value_name = "HOW", value_parser = words(&["none", "check", "build", "test", "release"]))]
    pub build: Option<String>,
    /// Only this sample
    #[arg(long, value_name = "NAME")]
    pub sample: Vec<String>,
    /// Let the template run its hooks and its build, without asking
    #[arg(long)]
    pub trust: bool,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// `json`: one event a line on standard output [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
}

/// What to do with consent.
#[derive(Debug, Subcommand)]
pub enum TrustJob {
    /// Agree to all that a template runs now
    Add(FromWhere),
    /// Print what was agreed to
    List,
    /// Forget all that was agreed to for a template
    Remove(FromWhere),
}

/// Where in its source a template stands, and which version of it is meant.
#[derive(Debug, Default, Args)]
pub struct Place {
    /// The template stands in this directory of its source
    #[arg(long, value_name = "DIR")]
    pub subfolder: Option<OsString>,
    /// Take the template from this branch
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["tag", "rev"])]
    pub branch: Option<OsString>,
    /// Take the template at this tag
    #[arg(long, value_name = "TAG", conflicts_with = "rev")]
    pub tag: Option<OsString>,
    /// Take the template at this commit
    #[arg(long, value_name = "COMMIT")]
    pub rev: Option<OsString>,
}

/// A template, for jobs that make no service of it.
#[derive(Debug, Args)]
pub struct FromWhere {
    /// A directory, a Git URL (gh:owner/repo), a .tar.gz or .zip, a name from the settings
    #[arg(value_hint = ValueHint::AnyPath)]
    pub source: OsString,
    /// Where in it, and which version.
    #[command(flatten)]
    pub place: Place,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// `json`: for programs [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
}

impl From<FromWhere> for Create {
    /// A service of that template.
    fn from(wish: FromWhere) -> Self {
        Self {
            template: Some(wish.source),
            place: wish.place,
            offline: wish.offline,
            format: wish.format,
            ..Self::default()
        }
    }
}

impl From<TemplateTest> for Create {
    /// A service of that template.
    fn from(wish: TemplateTest) -> Self {
        Self {
            template: Some(wish.dir),
            build: wish.build.or_else(|| Some("test".to_owned())),
            trust: wish.trust,
            offline: wish.offline,
            format: wish.format,
            ..Self::default()
        }
    }
}

/// Words of `warm`.
#[derive(Debug, Args)]
pub struct Warm {
    /// Add parts: names between commas
    #[arg(long, value_name = "PARTS")]
    pub with: Vec<OsString>,
    /// Leave usual parts out: names between commas
    #[arg(long, value_name = "PARTS")]
    pub without: Vec<OsString>,
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// `json`: one event a line on standard output [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
}

impl From<Warm> for Create {
    /// A service of these words.
    fn from(warm: Warm) -> Self {
        Self {
            with: warm.with,
            without: warm.without,
            quiet: warm.quiet,
            format: warm.format,
            ..Self::default()
        }
    }
}

/// Words of `client`.
#[derive(Debug, Args)]
pub struct Client {
    /// What to make a client of: a service's directory, an http:// URL, or a JSON file
    pub source: OsString,
    /// The service that calls [default: the working directory]
    #[arg(long, value_name = "SERVICE_DIR", value_hint = ValueHint::DirPath)]
    pub into: Option<OsString>,
    /// The name of the service that is called [default: what SOURCE says]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Replace a client file that was edited by hand
    #[arg(long)]
    pub force: bool,
}

/// Words of the main job.
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is one flag")]
pub struct Create {
    /// Name of the service: lower-case words joined by `-`
    #[arg(allow_hyphen_values = false)]
    pub name: Option<OsString>,
    /// One line that says what the service is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<OsString>,
    /// Make it from this template: a directory, a Git URL (gh:owner/repo), a .tar.gz or .zip, a
    /// name from the settings [default: service, the embedded one]
    #[arg(long, short, value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub template: Option<OsString>,
    /// Where in it, and which version.
    #[command(flatten)]
    pub place: Place,
    /// Answer a question of the template
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub define: Vec<OsString>,
    /// Answer questions of the template from a file, TOML or JSON; `-`: standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub answers: Vec<OsString>,
    /// Use no network: only templates and crates that are there
    #[arg(long)]
    pub offline: bool,
    /// Let the template run its hooks and its build, without asking
    #[arg(long)]
    pub trust: bool,
    /// Create the service's directory in DIR [default: the working directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub into: Option<OsString>,
    /// Add parts: names between commas
    #[arg(long, value_name = "PARTS")]
    pub with: Vec<OsString>,
    /// Leave usual parts out: names between commas
    #[arg(long, value_name = "PARTS")]
    pub without: Vec<OsString>,
    /// Take exactly this HTTP port
    #[arg(long, value_name = "PORT", allow_negative_numbers = true)]
    pub port: Option<OsString>,
    /// Take the first free HTTP port of this range [default: 5000-5999]
    #[arg(long, value_name = "FIRST-LAST")]
    pub port_range: Option<OsString>,
    /// Directory of Atlas, which keeps the ports, or etcd of a cluster: http://a:2379,http://b:2379
    /// [default: the user's data directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub atlas: Option<OsString>,
    /// How far cargo goes before the service is published [default: build]
    #[arg(long, value_name = "HOW", value_parser = words(&["none", "check", "build", "test", "release"]))]
    pub build: Option<String>,
    /// Share no compiled crates with other services
    #[arg(long, overrides_with = "cache")]
    pub no_cache: bool,
    /// Share compiled crates with other services (the default)
    #[arg(long, hide = true)]
    pub cache: bool,
    /// Keep at most SIZE of compiled crates [default: 4GiB]
    #[arg(long, value_name = "SIZE")]
    pub cache_size: Option<OsString>,
    /// Keep compiled crates for DAYS after their last use [default: 60]
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub cache_age: Option<OsString>,
    /// Make no Git repository and no commit
    #[arg(long, overrides_with = "git")]
    pub no_git: bool,
    /// Make a Git repository (the default)
    #[arg(long, hide = true)]
    pub git: bool,
    /// Inside an existing repository, commit the service there
    #[arg(long)]
    pub commit: bool,
    /// Stand alone, even inside a cargo workspace
    #[arg(long, overrides_with = "workspace")]
    pub no_workspace: bool,
    /// Join a surrounding cargo workspace (the default)
    #[arg(long, hide = true)]
    pub workspace: bool,
    /// Ask nothing
    #[arg(long, short)]
    pub yes: bool,
    /// Print the plan and its files; touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Keep what a failed run has made, and say where
    #[arg(long)]
    pub keep_on_failure: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// `json`: one event a line on standard output [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
    /// When to colour the narrative [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = words(&["auto", "always", "never"]))]
    pub color: Option<String>,
}

/// Any text, with `words` known to completions and the manual only: wrong values are reported
/// beside all the others, by `settings.rs`.
fn words(words: &'static [&'static str]) -> Words {
    Words(words)
}

#[derive(Clone)]
struct Words(&'static [&'static str]);

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            self.0.iter().map(|word| PossibleValue::new(*word)),
        ))
    }
}

/// Reads the words of the command line, program first.
pub fn parse(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}

/// The program's version and the template's.
fn version() -> String {
    let template = Template::embedded();
    format!(
        "{} (template {} {})",
        env!("CARGO_PKG_VERSION"),
        template.name,
        template.version
    )
}

fn after_long_help() -> String {
    let mut help = String::from(
        "Settings:\n  \
         Each long flag is also a variable (--port-range: GENERATE_SERVICE_PORT_RANGE; --atlas:\n  \
         ATLAS; --no-git: GENERATE_SERVICE_GIT=false) and a key of generate-service.toml (port-range,\n  \
         atlas, git), looked for in the working directory, in each directory above it and in the\n  \
         user's configuration directory. The nearest wins: flag, variable, nearest file, default.\n\n\
         Questions:\n  \
         Are asked on a terminal when NAME is missing; never with --yes, with CI set or without a\n  \
         terminal on standard input.\n\n\
         Answers to a template's questions:\n  \
         --define NAME=VALUE, --answers FILE, GENERATE_SERVICE_ANSWER_<NAME>, [answers] in\n  \
         generate-service.toml, the template's default: the first that answers wins.\n\n\
         A cluster: ATLAS_ETCD=http://a:2379,http://b:2379 has the port promised there, too.\n\n\
         A service named like a command (`man`): generate-service -- man\n\n\
         Exit codes:\n    0  done\n",
    );
    for kind in Kind::ALL {
        let (code, meaning) = kind.exit();
        help.push_str(&format!("  {code:>3}  {meaning}\n"));
    }
    help
}

/// The format that was asked for, as far as words that clap does not understand can tell.
#[must_use]
pub fn wanted_format(words: &[OsString]) -> Format {
    let variable = std::env::var_os("GENERATE_SERVICE_FORMAT");
    let json = words.iter().any(|word| word == "--format=json")
        || words
            .windows(2)
            .any(|two| two[0] == "--format" && two[1] == "json")
        || variable.is_some_and(|format| format == "json");
    if json { Format::Json } else { Format::Human }
}

/// Clap's own word on a command line: help and version on standard output, else a usage error.
pub fn not_understood(error: &clap::Error, report: &Report) -> ExitCode {
    if !error.use_stderr() {
        let text = error.render();
        report::print(&if report.coloured {
            text.ansi().to_string()
        } else {
            text.to_string()
        });
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n");
    let message = parts
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>();
    let message = match misplaced(error) {
        Some(word) => format!("unexpected argument '{word}' found"),
        None => message.join(" "),
    };
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    let help = tip.unwrap_or("generate-service --help");
    report.failed(&Error::new(Kind::Usage, message).help(help));
    ExitCode::from(Kind::Usage.code())
}

/// The second of two names, which clap takes for a command.
fn misplaced(error: &clap::Error) -> Option<&str> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let is_command = Cli::command().find_subcommand(word).is_some();
    (error.kind() == ErrorKind::ArgumentConflict && !is_command).then_some(word)
}

/// Completions for `shell`.
#[must_use]
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "generate-service", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The manual page, in roff.
#[must_use]
pub fn manual() -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(Cli::command()).render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}
