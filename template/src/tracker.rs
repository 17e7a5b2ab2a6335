//! Where errors go besides the log: **fill this in** if you have an error tracker.

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Called for every line of level ERROR, panics included, with its fields as
/// `name=value`. It must not wait: hand the text to a task or a thread.
pub fn notify(_error: &str) {}

/// Listens to the log.
pub(crate) struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            let mut text = Text(event.metadata().target().to_owned());
            event.record(&mut text);
            notify(&text.0);
        }
    }
}

/// An event's fields in one line.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        // A string takes all.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
