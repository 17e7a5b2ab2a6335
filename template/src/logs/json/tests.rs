//! The lines, read back.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::{info, info_span, warn};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

use super::*;

/// What was written to any of its clones.
#[derive(Clone, Default)]
pub(in crate::logs) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(in crate::logs) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Written {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one line that `log` leaves, without its time.
fn line(log: impl FnOnce()) -> Value {
    let written = Written::default();
    let writer = written.clone();
    let lines = layer().json().event_format(Json);
    let lines = lines.with_writer(move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
    let text = written.text();
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    let mut line: Value = serde_json::from_str(&text).expect(&text);
    let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
    let time = time.as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    line
}

#[test]
fn fields_have_their_types() {
    let ms = f64::NAN;
    let line =
        line(|| warn!(target: "t", a = 1, b = -1, c = 0.5, d = true, ms, r#type = ?'x', "m"));
    let expected = json!({
        "level": "WARN", "message": "m", "target": "t",
        "a": 1, "b": -1, "c": 0.5, "d": true, "ms": null, "type": "'x'",
    });
    assert_eq!(line, expected);
}

#[test]
fn whatever_a_string_has_in_it_is_read_back() {
    let odd = "\"\\\n\r\t\u{0}\u{1f}\u{7f}ä\u{2028}😀";
    let line = line(|| info!(target: "t", odd, shown = %odd, "{odd}"));
    for field in ["odd", "shown", "message"] {
        assert_eq!(line[field], odd);
    }
}

#[test]
fn the_span_has_its_fields() {
    assert_eq!(
        line(|| info_span!("request", id = "a\"b").in_scope(|| info!("m")))["span"],
        json!({"name": "request", "id": "a\"b"})
    );
    let bare = line(|| info_span!("bare").in_scope(|| info!("m")));
    assert_eq!(bare["span"], json!({"name": "bare"}));
}
