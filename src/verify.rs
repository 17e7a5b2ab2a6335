//! Cargo on a stage: fetches, builds, tests, and repeats cargo's own words when it fails.
//!
//! The first build is given what other services have compiled (`loan`). Only this file makes a `Verified`, and only a `Verified` can be published.

mod loan;

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use crate::error::{Error, Kind, Result};
use crate::plan::Plan;
use crate::process::{self, Limits, Outcome};
use crate::report::{Report, Step};
use crate::settings::Build;
use crate::stage::Stage;
use crate::wrap;
use loan::Loan;

/// No build of a service takes longer.
const BUILD: Limits = Limits {
    time: Duration::from_mins(30),
    bytes: 1 << 20,
};

/// A stage whose tree was found good, or of which nobody wanted to know.
#[derive(Debug)]
pub struct Verified {
    /// The stage.
    pub stage: Stage,
}

/// Runs as much of cargo as the plan says.
pub fn verify(stage: Stage, plan: &Plan, report: &Report) -> Result<Verified> {
    if plan.build == Build::None {
        return Ok(Verified { stage });
    }
    let started = SystemTime::now();
    let cargo = Cargo::on(&stage, plan, report);
    if !plan.settles_lock {
        report.step(Step::Fetch, plan, || cargo.fetch(plan))?;
    }
    report.step(Step::Build, plan, || {
        cargo.compile(plan, compilations(plan.build))
    })?;
    if plan.build == Build::Test {
        report.step(Step::Test, plan, || cargo.run(&["test", "--locked"]))?;
    }
    cargo.forget_stage(started);
    Ok(Verified { stage })
}

/// Fetches ahead where cargo may change the lock file, which is part of the commit: a template of
/// others may have none, and one that was merged may not fit the manifest.
pub fn fetch(stage: &Stage, plan: &Plan, report: &Report) -> Result<()> {
    if plan.build == Build::None {
        return Ok(());
    }
    let cargo = Cargo::on(stage, plan, report);
    report.step(Step::Fetch, plan, || cargo.fetch(plan))
}

/// Lets cargo bring the lock file in `dir` in line with its manifest, without asking anybody; says
/// whether it could.
#[must_use]
pub fn settle_lock(dir: &Path) -> bool {
    let words = ["metadata", "--offline", "--format-version", "1"];
    let done = process::run(&mut cargo_in(dir, &words), |_| {});
    done.is_ok_and(|outcome| outcome.success)
}

/// Compiles, on a stage that nobody keeps, all that a service is built, tested and linted with,
/// for the cache of compiled crates.
pub fn warm(stage: &Stage, plan: &Plan, report: &Report) -> Result<()> {
    let cargo = Cargo::on(stage, plan, report);
    report.step(Step::Fetch, plan, || cargo.fetch(plan))?;
    let mut all = vec![BUILD_WORDS, TEST_WORDS, CHECK_WORDS, CHECK_ALL_WORDS];
    if plan.build == Build::Release {
        all.push(RELEASE_WORDS);
    }
    report.step(Step::Warm, plan, || cargo.compile(plan, &all))
}

const BUILD_WORDS: &[&str] = &["build", "--locked", "--offline"];
const CHECK_WORDS: &[&str] = &["check", "--locked", "--offline"];
/// Clippy takes from the dependencies what `cargo check` takes.
const CHECK_ALL_WORDS: &[&str] = &["check", "--all-targets", "--locked", "--offline"];
const RELEASE_WORDS: &[&str] = &["build", "--locked", "--offline", "--release"];
const TEST_WORDS: &[&str] = &["test", "--no-run", "--locked", "--offline"];

/// What cargo compiles before a service is published.
const fn compilations(how: Build) -> &'static [&'static [&'static str]] {
    match how {
        Build::None => &[],
        Build::Check => &[CHECK_WORDS],
        Build::Build => &[BUILD_WORDS],
        Build::Test => &[BUILD_WORDS, TEST_WORDS],
        Build::Release => &[RELEASE_WORDS],
    }
}

/// Cargo, about to look at one stage.
struct Cargo<'a> {
    stage: &'a Stage,
    report: &'a Report,
    /// What it takes for the root of the workspace.
    from: PathBuf,
    /// Where that will be in the end.
    to: PathBuf,
    /// The target directory of a workspace that is there already.
    target: Option<PathBuf>,
}

impl<'a> Cargo<'a> {
    fn on(stage: &'a Stage, plan: &Plan, report: &'a Report) -> Self {
        let (from, to) = stage.root(plan);
        let target = match &stage.mirror {
            Some(_) => target_dir(&to),
            None => stage.target.clone(),
        };
        Self {
            stage,
            report,
            from,
            to,
            target,
        }
    }

    /// With a lock file of its own the service is fetched as locked; as a member it brings new
    /// packages into the lock file of its workspace, and a template of others may have none, or
    /// one that says another name.
    fn fetch(&self, plan: &Plan) -> Result<()> {
        let mut words = vec!["fetch", "--target", "host-tuple"];
        if self.stage.mirror.is_none() && !plan.settles_lock {
            words.push("--locked");
        }
        if plan.offline {
            words.push("--offline");
        }
        self.run(&words)
    }

    /// Compiles with what other services have compiled, and keeps what is new for the next.
    fn compile(&self, plan: &Plan, all: &[&[&str]]) -> Result<()> {
        let loan = Loan::take(self, plan)?;
        let build = || -> Compiled {
            let messages = ["--message-format", "json-render-diagnostics"];
            let said = all.iter().map(|words| self.try_run(words, &messages));
            said.collect()
        };
        let messages = loan.spend(build).map_err(|failure| self.told(&failure))?;
        loan.give_back(&messages);
        Ok(())
    }

    fn run(&self, words: &[&str]) -> Result<()> {
        let done = self.try_run(words, &[]);
        done.map(drop).map_err(|failure| self.told(&failure))
    }

    /// Runs cargo with `words`, `and` some more that nobody has to know of. Returns what it
    /// wrote to standard output.
    fn try_run(&self, words: &[&str], and: &[&str]) -> Compiled {
        let mut command = Command::new("cargo");
        command.args(words).args(and).current_dir(&self.stage.tree);
        command
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_QUIET", "false");
        command
            .env("CARGO_TERM_PROGRESS_WHEN", "always")
            .env("CARGO_TERM_PROGRESS_WIDTH", "100");
        // The job server of a cargo we may have been started by is not there for this one.
        command.env_remove("CARGO_MAKEFLAGS");
        if let Some(target) = &self.target {
            command.env("CARGO_TARGET_DIR", target);
        }
        wrap::remap(&mut command, &self.from, &self.to);
        if self.target.is_none() {
            wrap::once(&mut command);
        }
        let mut said = Vec::new();
        let outcome = process::run(&mut command, |line| {
            if !self.report.cargo_progress(line) {
                said.push(line.to_owned());
            }
        });
        let outcome = outcome.map_err(|error| Box::new(Failure::silent(error)))?;
        if outcome.success {
            return Ok(outcome.stdout);
        }
        Err(Box::new(Failure {
            error: failure(words, &said),
            said,
            stdout: outcome.stdout,
        }))
    }

    /// The failure's error, after cargo's own words.
    fn told(&self, failure: &Failure) -> Error {
        let is_message = |line: &&str| line.starts_with("{\"reason\":");
        let lines = failure.stdout.lines();
        let stdout = lines.filter(|line| !is_message(line)).collect::<Vec<_>>();
        if !failure.said.is_empty() {
            self.report.cargo_words(&failure.said, &stdout.join("\n"));
        }
        failure.error.clone()
    }

    /// What rustc wrote says the final path already. Cargo's own notes are texts (`*.d` for
    /// `make`, where a build script ran and what it said) and are rewritten here, with their
    /// times kept, since cargo compares times.
    fn forget_stage(&self, since: SystemTime) {
        let targets = [self.from.join("target"), self.to.join("target")];
        let (Some(from), Some(to)) = (self.from.to_str(), self.to.to_str()) else {
            return;
        };
        for entry in targets.iter().flat_map(WalkDir::new).flatten() {
            let name = entry.file_name().to_string_lossy();
            let is_note =
                name.ends_with(".d") || matches!(&*name, "output" | "root-output" | "stderr");
            let is_new = entry
                .metadata()
                .is_ok_and(|meta| meta.modified().is_ok_and(|at| at >= since));
            if is_note && is_new && entry.file_type().is_file() {
                // A note that cannot be rewritten misleads nobody: cargo writes it anew.
                let _ = rewrite(entry.path(), from, to);
            }
        }
    }
}

/// What a cargo that did well wrote to standard output.
type Compiled = Result<String, Box<Failure>>;

/// A cargo that failed, and what it said of that.
struct Failure {
    error: Error,
    said: Vec<String>,
    stdout: String,
}

impl Failure {
    /// One of which cargo has no words.
    fn silent(error: Error) -> Self {
        Self {
            error,
            said: Vec::new(),
            stdout: String::new(),
        }
    }
}

/// The service in `dir`, built.
pub fn build_in(dir: &Path, report: &Report) -> Result<()> {
    let words = ["build", "--locked"];
    let mut said = Vec::new();
    let outcome = process::run_within(BUILD, &mut cargo_in(dir, &words), |line| {
        said.push(line.to_owned());
    })?;
    if outcome.success {
        return Ok(());
    }
    report.cargo_words(&said, &outcome.stdout);
    let message = format!("`cargo {}` failed in `{}`", words.join(" "), dir.display());
    Err(Error::new(Kind::Build, message))
}

/// What the service in `dir`, which is built, prints within `limits` when it is run with
/// `word`.
pub fn ask(dir: &Path, word: &str, limits: Limits) -> Result<Outcome> {
    let words = ["run", "--quiet", "--locked", "--", word];
    process::run_within(limits, &mut cargo_in(dir, &words), |_| {})
}

fn cargo_in(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(words).current_dir(dir);
    command.env("CARGO_TERM_COLOR", "never");
    command.env_remove("CARGO_MAKEFLAGS");
    command
}

fn failure(words: &[&str], said: &[String]) -> Error {
    let line = format!("`cargo {}` failed", words.join(" "));
    // Cargo asks rustc about the target before it fetches.
    let asked = ["failed to run `rustc`", "rustc -vV`"];
    let asks = |line: &String| asked.iter().any(|words| line.contains(words));
    let rustc_fails = said.iter().any(asks);
    match words[0] {
        "fetch" if rustc_fails => Error::new(Kind::Build, format!("{line}: rustc does not run"))
            .help("mend RUSTFLAGS or cargo's configuration, or do not build: --build none"),
        "fetch" => Error::new(
            Kind::Fetch,
            format!("{line}: the dependencies are not to be had"),
        )
        .help("connect to the registry, or generate without building: --build none"),
        _ => Error::new(Kind::Build, line)
            .help("look at what was made: --keep-on-failure; or do not build: --build none"),
    }
}

/// The target directory of the workspace at `root`, by cargo's own word.
fn target_dir(root: &Path) -> Option<PathBuf> {
    let mut command = Command::new("cargo");
    command.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let outcome = process::run(command.current_dir(root), |_| {}).ok()?;
    let metadata: serde_json::Value = serde_json::from_str(&outcome.stdout).ok()?;
    Some(PathBuf::from(metadata.get("target_directory")?.as_str()?))
}

fn rewrite(path: &Path, from: &str, to: &str) -> std::io::Result<()> {
    let text = fs::read_to_string(path)?;
    // Notes for `make` have their spaces escaped.
    let escaped = |path: &str| path.replace(' ', "\\ ");
    let new = text.replace(from, to).replace(&escaped(from), &escaped(to));
    if new != text {
        let modified = fs::metadata(path)?.modified()?;
        fs::write(path, new)?;
        File::options()
            .write(true)
            .open(path)?
            .set_times(FileTimes::new().set_modified(modified))?;
    }
    Ok(())
}
