//! Spans, as a collector would get them: see `tests/it/otel.rs` for their way to one.

use axum::http::{HeaderMap, HeaderValue};

use crate::otel::Span;

#[test]
fn without_an_endpoint_nothing_is_recorded() {
    let value = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let headers = HeaderMap::from_iter([("traceparent".parse().expect("a name"), value)]);
    assert!(!Span::begin(&headers).is_recorded());
}
