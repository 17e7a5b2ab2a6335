//! The one mouth: results on standard output, all else on standard error.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use atlas::Bad;
use serde::Serialize;

use super::args::Format;
use super::failure::{Failure, Kind};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// More bad entries are counted, not named.
const NAMED: usize = 3;

/// How results are told.
pub struct Report {
    format: Format,
    on_terminal: bool,
}

/// A result with its two readings.
pub trait Line: Serialize {
    /// The cells of its row.
    fn cells(&self) -> Vec<String>;
}

impl Report {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            on_terminal: stdout().is_terminal(),
        }
    }

    /// A table with its header on a terminal, words between tabs in a pipe.
    pub fn table(&self, header: &[&str], rows: &[impl Line]) -> Result<(), Failure> {
        if self.format == Format::Json {
            return rows.iter().try_for_each(|row| out(&json(row)));
        }
        let cells = rows.iter().map(Line::cells).collect::<Vec<_>>();
        if self.on_terminal && !rows.is_empty() {
            return out(&aligned(header, &cells));
        }
        out(&cells
            .iter()
            .map(|row| row.join("\t") + "\n")
            .collect::<String>())
    }

    /// One result: its JSON, or its words as they are.
    pub fn line(&self, line: &impl Serialize, words: &str) -> Result<(), Failure> {
        match self.format {
            Format::Json => out(&json(line)),
            Format::Human => out(words),
        }
    }

    /// What counts for nothing.
    pub fn bad(&self, bad: &[Bad]) {
        for Bad { place, reason, .. } in bad.iter().take(NAMED) {
            self.warn(&format!("`{place}`: {reason}"));
        }
        if bad.len() > NAMED {
            self.warn(&format!("{} more bad entries", bad.len() - NAMED));
        }
    }

    pub fn warn(&self, warning: &str) {
        let word = painted(YELLOW, "warning");
        say(&format!("{word}: {warning}\n"));
        let _ = self;
    }

    pub fn failed(&self, failure: &Failure) -> ExitCode {
        let Some(kind) = failure.kind else {
            return ExitCode::SUCCESS;
        };
        let _ = self;
        say(&format!("{}: {}\n", painted(RED, "error"), failure.message));
        if let Some(help) = &failure.help {
            say(&format!("help: {help}\n"));
        }
        ExitCode::from(kind.exit().0)
    }
}

/// What clap has to say: help and version go to standard output, and are no error.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() {
        Kind::Usage.exit().0
    } else {
        0
    })
}

fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let length = |cell: &str| cell.chars().count();
        cells
            .map(|cell| length(cell))
            .chain([length(header[column])])
            .max()
            .unwrap_or(0)
    };
    let widths = (0..header.len()).map(longest).collect::<Vec<_>>();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let header = header
        .iter()
        .map(|&cell| cell.to_owned())
        .collect::<Vec<_>>();
    let head = format!("{BOLD}{}{BOLD:#}\n", line(&header));
    let body = rows.iter().map(|row| line(row) + "\n").collect::<String>();
    head + &body
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("texts, numbers and flags are JSON") + "\n"
}

/// A reader that went away is no failure: `atlas ls | head -1`.
fn out(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure {
            kind: None,
            message: String::new(),
            help: None,
        }),
        Err(error) => Err(Failure::system("write to standard output", &error)),
    }
}

fn say(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}

fn painted(style: Style, word: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !stderr().is_terminal() {
        return word.to_owned();
    }
    format!("{style}{word}{style:#}")
}
