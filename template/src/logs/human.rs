//! A log line for humans: that of `tracing-subscriber`, and which request it belongs to.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::Context;

/// What `tracing-subscriber` writes, and the request's id behind it.
pub struct Human(pub Format);

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(id) = Context::request_id() else {
            return self.0.format_event(context, line, event);
        };
        let mut text = String::new();
        self.0
            .format_event(context, Writer::new(&mut text), event)?;
        line.write_str(text.trim_end_matches('\n'))?;
        writeln!(line, " request_id={}", id.as_str())
    }
}
