//! Commands a native template runs in the new service, before it is committed. Consent to them
//! was given before anything was written.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::plan::Plan;
use crate::process::{self, Limits};
use crate::report::Report;
use crate::trust;

/// No hook takes longer, or says more.
const LIMITS: Limits = Limits {
    time: Duration::from_mins(10),
    bytes: 1 << 20,
};

/// Runs the hooks of the plan in `dir`, one after the other.
pub fn run(dir: &Path, plan: &Plan, report: &Report) -> Result<()> {
    plan.hooks
        .iter()
        .try_for_each(|words| one(words, dir, plan, report))
}

fn one(words: &[String], dir: &Path, plan: &Plan, report: &Report) -> Result<()> {
    let line = trust::line(words);
    let (program, rest) = words.split_first().ok_or_else(|| empty(&line))?;
    // A path is one in the service, wherever we stand ourselves.
    let program = if program.contains('/') {
        dir.join(program)
    } else {
        program.into()
    };
    let mut command = Command::new(program);
    command.args(rest).current_dir(dir);
    command.env("SERVICE_NAME", plan.name.as_str());
    command.env("SERVICE_PORT", plan.port.to_string());
    let mut said = Vec::new();
    let outcome = process::run_within(LIMITS, &mut command, |line| said.push(line.to_owned()))?;
    if outcome.success {
        return Ok(());
    }
    report.cargo_words(&said, &outcome.stdout);
    let how = if outcome.late {
        "took too long"
    } else {
        "failed"
    };
    Err(Error::new(
        Kind::Template,
        format!("the template's hook `{line}` {how}"),
    )
    .help("look at what was made: --keep-on-failure"))
}

fn empty(line: &str) -> Error {
    Error::new(
        Kind::Template,
        format!("there is nothing to run in `{line}`"),
    )
}
