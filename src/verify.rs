//! Cargo on a stage: fetches, builds, tests, and repeats cargo's own words when it fails.
//!
//! Only this file makes a `Verified`, and only a `Verified` can be published.

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
    /// Whether cargo has looked at it.
    pub built: bool,
}

/// Runs as much of cargo as the plan says.
pub fn verify(stage: Stage, plan: &Plan, report: &Report) -> Result<Verified> {
    if plan.build == Build::None {
        return Ok(Verified {
            stage,
            built: false,
        });
    }
    let started = SystemTime::now();
    report.step(Step::Fetch, plan, || fetch(&stage, plan, report))?;
    report.step(Step::Build, plan, || build(&stage, plan, report))?;
    if plan.build == Build::Test {
        report.step(Step::Test, plan, || {
            cargo(&stage, plan, report, &["test", "--locked"])
        })?;
    }
    forget_stage(&stage, plan, started);
    Ok(Verified { stage, built: true })
}

/// With a lock file of its own the service is fetched as locked; as a member it brings new
/// packages into the lock file of its workspace.
fn fetch(stage: &Stage, plan: &Plan, report: &Report) -> Result<()> {
    let mut words = vec!["fetch", "--target", "host-tuple"];
    if stage.mirror.is_none() {
        words.push("--locked");
    }
    cargo(stage, plan, report, &words)
}

fn build(stage: &Stage, plan: &Plan, report: &Report) -> Result<()> {
    let words: &[&str] = match plan.build {
        Build::Check => &["check", "--locked", "--offline"],
        Build::Release => &["build", "--locked", "--offline", "--release"],
        _ => &["build", "--locked", "--offline"],
    };
    cargo(stage, plan, report, words)
}

fn cargo(stage: &Stage, plan: &Plan, report: &Report, words: &[&str]) -> Result<()> {
    let (from, to) = stage.root(plan);
    let mut command = Command::new("cargo");
    command.args(words).current_dir(&stage.tree);
    command
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_QUIET", "false");
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100");
    // The job server of a cargo we may have been started by is not there for this one.
    command.env_remove("CARGO_MAKEFLAGS");
    if let (Some(_), Some(target)) = (&stage.mirror, target_dir(&to)) {
        command.env("CARGO_TARGET_DIR", target);
    }
    wrap::remap(&mut command, &from, &to);
    let mut said = Vec::new();
    let outcome = process::run(&mut command, |line| {
        if !report.cargo_progress(line) {
            said.push(line.to_owned());
        }
    })?;
    if outcome.success {
        return Ok(());
    }
    report.cargo_words(&said, &outcome.stdout);
    Err(failure(words, &said))
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

/// What rustc wrote says the final path already. Cargo's own notes are texts (`*.d` for `make`,
/// where a build script ran and what it said) and are rewritten here, with their times kept,
/// since cargo compares times.
fn forget_stage(stage: &Stage, plan: &Plan, since: SystemTime) {
    let (from, to) = stage.root(plan);
    let targets = [from.join("target"), to.join("target")];
    let (Some(from), Some(to)) = (from.to_str(), to.to_str()) else {
        return;
    };
    for entry in targets.iter().flat_map(WalkDir::new).flatten() {
        let name = entry.file_name().to_string_lossy();
        let is_note = name.ends_with(".d") || matches!(&*name, "output" | "root-output" | "stderr");
        let is_new = entry
            .metadata()
            .is_ok_and(|meta| meta.modified().is_ok_and(|at| at >= since));
        if is_note && is_new && entry.file_type().is_file() {
            // A note that cannot be rewritten misleads nobody: cargo writes it anew.
            let _ = rewrite(entry.path(), from, to);
        }
    }
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
