//! `HAProxy` looks at a configuration itself: nobody else knows what it takes.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::command::failure::{Failure, Kind};

/// Whether `HAProxy` takes this file; what it says against it is the failure.
pub fn accepts(program: &Path, config: &Path) -> Result<(), Failure> {
    let words = ["-c", "-q", "-f"].map(AsRef::as_ref);
    let words = words.into_iter().chain([config.as_os_str()]);
    let output = output(program, Command::new(program).args(words))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let alert = said.lines().find(|line| line.starts_with("[ALERT]"));
    let why = format!(
        "HAProxy refuses the configuration: {}",
        alert.unwrap_or("it does not say why").escape_debug()
    );
    Err(Failure::new(Kind::Refused, why).help("sidecar check"))
}

/// The first line of its version; a failure of its own kind where there is no `HAProxy`.
pub fn version(program: &Path) -> Result<String, Failure> {
    let output = output(program, Command::new(program).arg("-v"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

fn output(program: &Path, command: &mut Command) -> Result<Output, Failure> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(program, &error))
}

/// A program that cannot be started.
pub fn missing(program: &Path, error: &std::io::Error) -> Failure {
    let name = program.display();
    if error.kind() == ErrorKind::NotFound {
        return Failure::new(Kind::Missing, format!("there is no `{name}`"))
            .help("apt-get install --no-install-recommends haproxy");
    }
    Failure::system(&format!("start `{name}`"), error)
}
