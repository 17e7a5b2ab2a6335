//! The one mouth: results on standard output, all else on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::failure::{Failure, Kind};

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

/// What was asked for. Nobody reading it any more is no failure.
pub fn result(text: &str) -> Result<(), Failure> {
    let written = stdout()
        .write_all(text.as_bytes())
        .and_then(|()| stdout().flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::system("write to standard output", &error))
        }
        _ => Ok(()),
    }
}

/// Something happened that is as it should be.
pub fn note(text: &str) {
    let _ = say(&format!("{text}\n"));
}

/// Something happened that is not, and the Sidecar goes on.
pub fn warn(text: &str) {
    let _ = say(&format!("{} {text}\n", painted(YELLOW, "warning:")));
}

/// A failure that the Sidecar goes on after.
pub fn survived(failure: &Failure) {
    warn(&told(failure));
}

/// The end.
pub fn failed(failure: &Failure) -> ExitCode {
    let _ = say(&format!("{} {}\n", painted(RED, "error:"), told(failure)));
    ExitCode::from(failure.kind.exit().0)
}

/// Words that clap did not understand, or `--help`.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        return ExitCode::from(Kind::Usage.exit().0);
    }
    ExitCode::SUCCESS
}

fn told(failure: &Failure) -> String {
    let help = failure.help.as_ref();
    let help = help.map(|help| format!("\n  {} {help}", painted(BOLD, "help:")));
    failure.message.clone() + &help.unwrap_or_default()
}

fn say(text: &str) -> io::Result<()> {
    stderr().write_all(text.as_bytes())
}

fn painted(style: Style, word: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !stderr().is_terminal() {
        return word.to_owned();
    }
    format!("{style}{word}{style:#}")
}
