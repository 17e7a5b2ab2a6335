//! Where log lines go and what they look like: to stdout or to the files of a directory,
//! for humans on a terminal, JSON for everything that collects.
//!
//! Nobody waits for a disk or a pipe: threads write. What they still hold is written by
//! [`flush`], which has to be called before the process ends.

mod background;
mod file;
mod panics;

use std::env;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{Format, Log};
use crate::http::ACCESS;
use crate::{Error, NAME, tracker};
use background::Background;
use file::File;

type Lines = Box<dyn Layer<Registry> + Send + Sync>;

/// All writers there are.
static WRITERS: Mutex<Vec<Background>> = Mutex::new(Vec::new());

/// Sends the process's log lines to where `log` says. Only the first call counts.
///
/// # Errors
/// [`Error::Logs`] if the directory cannot be written to.
pub fn init(log: &Log) -> Result<(), Error> {
    let layers = match &log.directory {
        None => vec![to_stdout(log)],
        Some(directory) => to_files(log, directory)?,
    };
    let subscriber = tracing_subscriber::registry().with(layers);
    // It fails only if a subscriber is there already, which then keeps its place.
    let _ = subscriber.with(tracker::Errors).try_init();
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
    let layer = lines(log, writer, terminal);
    layer.with_filter(log.filter.clone()).boxed()
}

/// The requests in one file, all other lines in another.
fn to_files(log: &Log, directory: &Path) -> Result<Vec<Lines>, Error> {
    let open = |kind| -> Result<Background, Error> {
        let path = directory.join(format!("{NAME}.{kind}.log"));
        let file = File::open(&path, log).map_err(|error| Error::Logs(path, error))?;
        Ok(registered(Background::new(file)))
    };
    let access = filter_fn(|line: &Metadata<'_>| line.target() == ACCESS);
    let others = filter_fn(|line: &Metadata<'_>| line.target() != ACCESS);
    let access = lines(log, open("access")?, false).with_filter(log.filter.clone().and(access));
    let others = lines(log, open("error")?, false).with_filter(log.filter.clone().and(others));
    Ok(vec![access.boxed(), others.boxed()])
}

fn registered(writer: Background) -> Background {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.push(writer.clone());
    writer
}

fn lines(log: &Log, writer: Background, terminal: bool) -> Lines {
    let json = match log.format {
        Format::Auto => !terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let writer = move || writer.clone();
    if json {
        let lines = fmt::layer().json().flatten_event(true);
        lines.with_span_list(false).with_writer(writer).boxed()
    } else {
        let lines = fmt::layer().with_ansi(terminal && colour_wanted());
        lines.with_writer(writer).boxed()
    }
}

/// The convention of no-color.org.
fn colour_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
