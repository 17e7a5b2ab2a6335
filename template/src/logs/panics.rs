//! Panics belong into the log, wherever they happen.

use std::any::Any;
use std::panic::{self, PanicHookInfo};

use tracing::error;

/// In place of the standard library's text on stderr. Within a request, the line names the
/// request's id.
pub fn log_them() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    error!(panic = message(panic.payload()), location, "panicked");
}

/// `panic!` carries a `&str` or a `String`; other payloads have no text.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::{fmt, registry};

    use super::super::json::{Json, tests::Written};
    use super::*;
    use crate::Context;

    #[test]
    fn a_panic_is_an_error_with_the_requests_id() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer().json().event_format(Json);
        let lines = registry().with(lines.with_writer(move || writer.clone()));
        let before = panic::take_hook();
        log_them();
        let context = Context::current();
        let id = context.request_id.clone();
        let request = context.scope(async { panic::catch_unwind(|| panic!("on purpose")) });
        let result = tracing::subscriber::with_default(lines, || request.now_or_never());
        panic::set_hook(before);
        assert!(result.is_some_and(|result| result.is_err()));
        let text = written.text();
        for part in [r#""level":"ERROR""#, "on purpose", id.as_str(), file!()] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn the_text_of_a_panic_is_found_in_both_shapes() {
        assert_eq!(message(&"static"), "static");
        assert_eq!(message(&"made".to_owned()), "made");
        assert_eq!(message(&7), "no message");
    }
}
