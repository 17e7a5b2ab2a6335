//! Where log lines go and what they look like: to stdout or to the files of a directory,
//! for humans on a terminal, JSON for everything that collects.
//!
//! Nobody waits for a disk or a pipe: threads write. What they still hold is written by
//! [`flush`], which has to be called before the process ends.

mod background;
mod file;
mod human;
mod json;
mod panics;

use std::env;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tracing::Metadata;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Format, Log};
use crate::http::ACCESS;
use crate::{Error, NAME, tracker};
use background::Background;
use file::File;
use human::Human;
use json::Json;

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

/// All writers there are.
static WRITERS: Mutex<Vec<Background>> = Mutex::new(Vec::new());

/// Sends the process's log lines to where `log` says. Only the first call counts.
///
/// # Errors
/// [`Error::Logs`] if the directory cannot be written to.
pub fn init(log: &Log) -> Result<(), Error> {
    let lines = match &log.directory {
        None => to_stdout(log),
        Some(directory) => to_files(log, directory)?,
    };
    let subscriber = tracing_subscriber::registry().with(lines);
    // Without a filter of its own the tracker would have every line of every level made.
    let tracker = tracker::Errors.with_filter(LevelFilter::ERROR);
    // It fails only if a subscriber is there already, which then keeps its place.
    let _ = subscriber.with(tracker).try_init();
    panics::log_them();
    Ok(())
}

/// Waits until everything that was logged is written.
pub fn flush() {
    let writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    for writer in writers.iter() {
        writer.flush();
    }
}

fn to_stdout(log: &Log) -> Lines {
    let terminal = stdout().is_terminal();
    let writer = registered(Background::new(stdout()));
    lines(log, move || writer.clone(), terminal)
}

/// The requests in one file, all other lines in another.
fn to_files(log: &Log, directory: &Path) -> Result<Lines, Error> {
    let open = |kind| -> Result<Background, Error> {
        let path = directory.join(format!("{NAME}.{kind}.log"));
        let file = File::open(&path, log).map_err(|error| Error::Logs(path, error))?;
        Ok(registered(Background::new(file)))
    };
    let (access, others) = (open("access")?, open("error")?);
    Ok(lines(log, Files { access, others }, false))
}

/// Chooses the file of a line.
struct Files {
    access: Background,
    others: Background,
}

impl MakeWriter<'_> for Files {
    type Writer = Background;

    fn make_writer(&self) -> Background {
        self.others.clone()
    }

    fn make_writer_for(&self, line: &Metadata<'_>) -> Background {
        if line.target() == ACCESS {
            self.access.clone()
        } else {
            self.make_writer()
        }
    }
}

fn registered(writer: Background) -> Background {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.push(writer.clone());
    writer
}

fn lines<W>(log: &Log, writer: W, terminal: bool) -> Lines
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = match log.format {
        Format::Auto => !terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let filter = log.filter.clone();
    if json {
        let lines = fmt::layer().json().event_format(Json);
        lines.with_writer(writer).with_filter(filter).boxed()
    } else {
        let colour = terminal && colour_wanted();
        let lines = fmt::layer().with_ansi(colour);
        let lines = lines.event_format(Human(fmt::format().with_ansi(colour)));
        lines.with_writer(writer).with_filter(filter).boxed()
    }
}

/// The convention of no-color.org.
fn colour_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
