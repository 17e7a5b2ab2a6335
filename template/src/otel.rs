//! Spans for OpenTelemetry: one for each request, by OTLP over HTTP, if an endpoint is set.
//!
//! They are built when the request has ended, and sent in batches by a thread of the SDK's.

mod transport;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks,
    SpanProcessor,
};
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::http::Observation;
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

#[derive(Debug)]
struct Begun {
    context: SpanContext,
    parent: SpanId,
    at: SystemTime,
}

impl Span {
    /// It begins now, as a child of the span that `traceparent` names, if it does.
    pub fn begin(headers: &HeaderMap) -> Self {
        let begun = PROCESSOR.get().and_then(|_| Begun::of(headers));
        Self(begun)
    }

    /// Whether anybody wants it.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// It has ended like this.
    pub fn end(self, request: &Observation) {
        if let (Some(begun), Some(processor)) = (self.0, PROCESSOR.get()) {
            processor.on_end(begun.data(request));
        }
    }
}

impl Begun {
    /// Nothing if the caller has decided that this trace is not recorded.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        let caller = caller.span().span_context().clone();
        if caller.is_valid() && !caller.is_sampled() {
            return None;
        }
        let ids = RandomIdGenerator::default();
        let trace = if caller.is_valid() {
            caller.trace_id()
        } else {
            ids.new_trace_id()
        };
        let state = TraceState::default();
        let span = ids.new_span_id();
        Some(Self {
            context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, state),
            parent: caller.span_id(),
            at: SystemTime::now(),
        })
    }

    fn data(self, request: &Observation) -> SpanData {
        let status = i64::from(request.status);
        SpanData {
            span_context: self.context,
            parent_span_is_remote: self.parent != SpanId::INVALID,
            parent_span_id: self.parent,
            span_kind: SpanKind::Server,
            name: format!("{} {}", request.method, request.route).into(),
            start_time: self.at,
            end_time: self.at + request.elapsed(),
            attributes: vec![
                KeyValue::new("http.request.method", request.method.to_string()),
                KeyValue::new("http.route", request.route.to_string()),
                KeyValue::new("url.path", request.path.clone()),
                KeyValue::new("http.response.status_code", status),
            ],
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if request.status >= 500 {
                Status::error("")
            } else {
                Status::Unset
            },
            instrumentation_scope: InstrumentationScope::builder(NAME).build(),
        }
    }
}
