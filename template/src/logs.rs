//! Where log lines go and what they look like: stdout, for humans on a terminal, JSON
//! for everything that collects.

use std::env;
use std::io::{IsTerminal, stdout};

use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::{Format, Log};

/// Sends the process's log lines to stdout, as `log` says. Only the first call counts.
pub fn init(log: &Log) {
    let terminal = stdout().is_terminal();
    let json = match log.format {
        Format::Auto => !terminal,
        Format::Human => false,
        Format::Json => true,
    };
    let layer = if json {
        let lines = fmt::layer().json().flatten_event(true);
        lines.with_span_list(false).boxed()
    } else {
        fmt::layer().with_ansi(terminal && colour_wanted()).boxed()
    };
    let layer = layer.with_filter(log.filter.clone());
    // It fails only if a subscriber is there already, which then keeps its place.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// The convention of no-color.org.
fn colour_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
