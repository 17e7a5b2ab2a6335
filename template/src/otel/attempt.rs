//! The span of one attempt to call another service, whose own span hangs on it.

use axum::http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::{Begun, Ended};
use crate::trace::Trace;

/// An attempt under way; nothing if nobody wants its span. It ends when it is dropped, so
/// also when nobody waits for the answer any more.
#[derive(Debug)]
pub struct Attempt(Option<Pending>);

#[derive(Debug)]
struct Pending {
    begun: Begun,
    method: String,
    service: String,
    number: u32,
    status: Option<StatusCode>,
}

impl Attempt {
    /// Attempt `number`, from 1, begins now. `trace` is its own step.
    pub fn begin(trace: &Trace, method: &str, service: &str, number: u32) -> Self {
        Self(Begun::now(trace).map(|begun| Pending {
            begun,
            method: method.to_owned(),
            service: service.to_owned(),
            number,
            status: None,
        }))
    }

    /// It was answered.
    pub fn answered(&mut self, status: StatusCode) {
        if let Some(pending) = &mut self.0 {
            pending.status = Some(status);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(pending) = self.0.take() {
            pending.end();
        }
    }
}

impl Pending {
    fn end(self) {
        let name = format!("{} {}", self.method, self.service);
        let mut attributes = vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("http.request.resend_count", i64::from(self.number) - 1),
            KeyValue::new("peer.service", self.service),
        ];
        if let Some(status) = self.status {
            let status = i64::from(status.as_u16());
            attributes.push(KeyValue::new("http.response.status_code", status));
        }
        self.begun.end(Ended {
            kind: SpanKind::Client,
            parent_is_remote: false,
            name,
            failed: self.status.is_none_or(|status| status.as_u16() >= 400),
            attributes,
        });
    }
}
