//! A log line as one JSON object, written field by field.
//!
//! `tracing-subscriber` has such a format, which takes four times as long: every request
//! waits for its line.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::Context;

/// Time, level, the event's fields, target, the id of the request it belongs to, and the
/// span it happened in.
pub struct Json;

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        line.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut line)?;
        line.write_str(r#"","level":""#)?;
        line.write_str(metadata.level().as_str())?;
        line.write_char('"')?;
        let mut fields = Fields {
            line: line.by_ref(),
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        line.write_str(r#","target":"#)?;
        string(&mut line, metadata.target())?;
        if metadata.fields().field("request_id").is_none()
            && let Some(id) = Context::request_id()
        {
            line.write_str(r#","request_id":"#)?;
            string(&mut line, id.as_str())?;
        }
        if let Some(span) = context.lookup_current() {
            write_span(&mut line, &span)?;
        }
        line.write_str("}\n")
    }
}

fn write_span<S>(line: &mut Writer<'_>, span: &SpanRef<'_, S>) -> fmt::Result
where
    S: for<'a> LookupSpan<'a>,
{
    line.write_str(r#","span":{"name":"#)?;
    string(line, span.name())?;
    let extensions = span.extensions();
    // An object.
    let fields = extensions.get::<FormattedFields<JsonFields>>();
    let fields = fields.and_then(|fields| fields.fields.strip_prefix('{'));
    let fields = fields.unwrap_or("}");
    line.write_str(if fields == "}" { "" } else { "," })?;
    line.write_str(fields)
}

/// Writes each field that it visits as `,"name":value`.
struct Fields<'a> {
    line: Writer<'a>,
    result: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let write = || {
            self.line.write_char(',')?;
            // Names such as `r#type` are written as they are meant.
            let name = field.name();
            string(&mut self.line, name.strip_prefix("r#").unwrap_or(name))?;
            self.line.write_char(':')?;
            value(&mut self.line)
        };
        if self.result.is_ok() {
            self.result = write();
        }
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |line| string(line, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, |line| {
            if value.is_finite() {
                write!(line, "{value:?}")
            } else {
                line.write_str("null")
            }
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |line| write!(line, "{value}"));
    }
}

fn string(line: &mut Writer<'_>, text: &str) -> fmt::Result {
    line.write_char('"')?;
    Escaped(line).write_str(text)?;
    line.write_char('"')
}

/// What is written into a string.
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        // Such bytes are characters of their own.
        while let Some(at) = text.bytes().position(special) {
            self.0.write_str(&text[..at])?;
            match text.as_bytes()[at] {
                b'\n' => self.0.write_str(r"\n")?,
                b'\r' => self.0.write_str(r"\r")?,
                b'\t' => self.0.write_str(r"\t")?,
                byte @ (b'"' | b'\\') => write!(self.0, r"\{}", char::from(byte))?,
                byte => write!(self.0, r"\u{byte:04x}")?,
            }
            text = &text[at + 1..];
        }
        self.0.write_str(text)
    }
}

#[cfg(test)]
pub(super) mod tests;
