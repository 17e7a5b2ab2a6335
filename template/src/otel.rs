//! Spans for OpenTelemetry: one for each request, by OTLP over HTTP, if an endpoint is set.
//! Their ids are those of `trace`, which the log and the calls of others have, too.
//!
//! They are built when the request has ended, and sent in batches by a thread of the SDK's.

#[cfg(feature = "api")]
mod attempt;
mod transport;

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use tokio::task::spawn_blocking;
use tracing::warn;

#[cfg(feature = "api")]
pub use attempt::Attempt;

use crate::http::Observation;
use crate::trace::Trace;
use crate::{App, NAME, VERSION};

/// How long the last spans may take at the end.
const PATIENCE: Duration = Duration::from_secs(2);

static PROCESSOR: OnceLock<BatchSpanProcessor> = OnceLock::new();

/// Begins to export, if there is an endpoint. Only the first call counts.
///
/// # Panics
/// Outside a tokio runtime.
pub fn start(app: &App) {
    let Some(endpoint) = &app.config.otel.endpoint else {
        return;
    };
    match processor(endpoint, app) {
        Ok(processor) => drop(PROCESSOR.set(processor)),
        Err(error) => warn!(%error, "no spans will be exported"),
    }
}

/// Sends what is left.
pub async fn stop() {
    let sent = spawn_blocking(|| {
        PROCESSOR
            .get()
            .map(|all| all.shutdown_with_timeout(PATIENCE))
    });
    if let Ok(Some(Err(error))) = sent.await {
        warn!(%error, "the last spans are lost");
    }
}

fn processor(endpoint: &str, app: &App) -> Result<BatchSpanProcessor, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(transport::Client::here())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()?;
    let resource = Resource::builder()
        .with_service_name(NAME)
        .with_attribute(KeyValue::new("service.version", VERSION))
        .with_attribute(KeyValue::new(
            "deployment.environment.name",
            app.realm.to_string(),
        ))
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).build();
    processor.set_resource(&resource);
    Ok(processor)
}

/// The span of one request; nothing if nobody wants it.
#[derive(Debug, Default)]
pub struct Span(Option<Begun>);

impl Span {
    /// It begins now, as the request's step on its journey.
    pub fn begin(trace: &Trace) -> Self {
        Self(Begun::now(trace))
    }

    /// Whether anybody wants it.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// It has ended like this.
    pub fn end(self, request: &Observation) {
        let Some(begun) = self.0 else {
            return;
        };
        begun.end(Ended {
            kind: SpanKind::Server,
            parent_is_remote: true,
            name: format!("{} {}", request.method, request.route),
            failed: request.status >= 500,
            attributes: vec![
                KeyValue::new("http.request.method", request.method.to_string()),
                KeyValue::new("http.route", request.route.to_string()),
                KeyValue::new("url.path", request.path.clone()),
                KeyValue::new("http.response.status_code", i64::from(request.status)),
            ],
        });
    }
}

/// What is known of a span from the beginning.
#[derive(Debug)]
struct Begun {
    context: SpanContext,
    parent: SpanId,
    at: SystemTime,
    clock: Instant,
}

/// What is known of it at the end.
struct Ended {
    kind: SpanKind,
    parent_is_remote: bool,
    name: String,
    failed: bool,
    attributes: Vec<KeyValue>,
}

impl Begun {
    /// Nothing without an endpoint, or if this journey's first step has decided that it is
    /// not recorded.
    fn now(trace: &Trace) -> Option<Self> {
        PROCESSOR.get().filter(|_| trace.is_sampled())?;
        let journey = trace.trace_id().0.into();
        let (step, flags) = (trace.span_id().into(), TraceFlags::SAMPLED);
        Some(Self {
            context: SpanContext::new(journey, step, flags, false, TraceState::default()),
            parent: trace.parent_id().map_or(SpanId::INVALID, SpanId::from),
            at: SystemTime::now(),
            clock: Instant::now(),
        })
    }

    fn end(self, ended: Ended) {
        let span = SpanData {
            span_context: self.context,
            parent_span_is_remote: ended.parent_is_remote && self.parent != SpanId::INVALID,
            parent_span_id: self.parent,
            span_kind: ended.kind,
            name: ended.name.into(),
            start_time: self.at,
            end_time: self.at + self.clock.elapsed(),
            attributes: ended.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if ended.failed {
                Status::error("")
            } else {
                Status::Unset
            },
            instrumentation_scope: InstrumentationScope::builder(NAME).build(),
        };
        if let Some(processor) = PROCESSOR.get() {
            processor.on_end(span);
        }
    }
}
