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
    use super::*;

    #[test]
    fn the_text_of_a_panic_is_found_in_both_shapes() {
        assert_eq!(message(&"static"), "static");
        assert_eq!(message(&"made".to_owned()), "made");
        assert_eq!(message(&7), "no message");
    }
}
