//! The words of `update` and `diff`.

use std::ffi::OsString;

use clap::{Args, ValueHint};

use super::{Create, words};

/// Words of `update`.
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is one flag")]
#[command(
    after_help = "Conflicts are ordinary conflicts of git: git mergetool, git checkout --theirs, \
    git commit; back: --abort. Exit codes: 17 conflicts, 18 outdated (--check), 19 the record."
)]
pub struct Update {
    /// The service; with --all, a directory above many [default: the working directory]
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: Option<OsString>,
    /// Not to the newest but to this version: a release, a tag, a branch or a commit
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    /// The template has moved, and is there now
    #[arg(long, short, value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub template: Option<OsString>,
    /// Answer a new question of the template, or an old one in another way
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub define: Vec<OsString>,
    /// Answer questions of the template from a file, TOML or JSON; `-`: standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub answers: Vec<OsString>,
    /// Add parts: names between commas
    #[arg(long, value_name = "PARTS")]
    pub with: Vec<String>,
    /// Remove parts: names between commas
    #[arg(long, value_name = "PARTS")]
    pub without: Vec<String>,
    /// Say whether a newer version is there; exit code 18 if so
    #[arg(long, conflicts_with_all = ["dry_run", "abort", "branch"])]
    pub check: bool,
    /// Print what would change, as a patch; touch nothing
    #[arg(long, conflicts_with = "abort")]
    pub dry_run: bool,
    /// Take back an update that ended in conflicts
    #[arg(long, conflicts_with_all = ["to", "all", "branch"])]
    pub abort: bool,
    /// Commit on a branch of its own, and leave what is checked out alone
    /// [default: update/SERVICE-VERSION]
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub branch: Option<String>,
    /// Update every service below DIR, each on a branch of its own, in parallel
    #[arg(long)]
    pub all: bool,
    /// With --all: commit on the branches that are checked out
    #[arg(long, requires = "all", conflicts_with = "branch")]
    pub in_place: bool,
    /// With --all: so many at once [default: one for each processor]
    #[arg(long, requires = "all", value_name = "NUMBER")]
    pub jobs: Option<usize>,
    /// How far cargo goes with the merged service before it lands [default: test]
    #[arg(long, value_name = "HOW", value_parser = words(&["none", "check", "build", "test", "release"]))]
    pub build: Option<String>,
    /// Neither build nor test (--build none)
    #[arg(long, conflicts_with = "build")]
    pub no_verify: bool,
    /// Use no network: only templates and crates that are there
    #[arg(long)]
    pub offline: bool,
    /// Let the template run its scripts and its build, without asking
    #[arg(long)]
    pub trust: bool,
    /// Ask nothing
    #[arg(long, short)]
    pub yes: bool,
    /// Keep what a failed build was made of, and say where
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

impl From<&Update> for Create {
    /// What an update has in common with the first run.
    fn from(wish: &Update) -> Self {
        let how = wish.build.clone().unwrap_or_else(|| "test".to_owned());
        Self {
            define: wish.define.clone(),
            answers: wish.answers.clone(),
            build: Some(if wish.no_verify {
                "none".to_owned()
            } else {
                how
            }),
            dry_run: wish.dry_run || wish.check,
            offline: wish.offline,
            trust: wish.trust,
            yes: wish.yes,
            keep_on_failure: wish.keep_on_failure,
            quiet: wish.quiet,
            format: wish.format.clone(),
            color: wish.color.clone(),
            ..Self::default()
        }
    }
}

/// Words of `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The service [default: the working directory]
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: Option<OsString>,
    /// Print numbers of lines instead of lines
    #[arg(long)]
    pub stat: bool,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// Let the template run its scripts, without asking
    #[arg(long)]
    pub trust: bool,
    /// `json`: one event a line on standard output [default: human]
    #[arg(long, value_name = "FORMAT", value_parser = words(&["human", "json"]))]
    pub format: Option<String>,
}

impl From<&Diff> for Create {
    /// A run that only looks.
    fn from(wish: &Diff) -> Self {
        Self {
            dry_run: true,
            build: Some("none".to_owned()),
            offline: wish.offline,
            trust: wish.trust,
            format: wish.format.clone(),
            ..Self::default()
        }
    }
}
