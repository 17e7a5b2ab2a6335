//! The way of one request: identified, bounded in time, guarded against panics, observed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::warn;

use super::limits::Limits;
use super::observation::Observation;
use super::{Problem, RequestId, problem};
use crate::{Context, config, context};

/// What holds for a request, whatever it asks.
#[derive(Clone, Debug)]
pub struct Rules {
    timeout: Duration,
    body: DefaultBodyLimit,
    limits: Option<Limits>,
}

impl Rules {
    /// A request may take some time and bring some bytes.
    pub fn new(settings: &config::Http) -> Self {
        Self {
            timeout: settings.timeout,
            body: DefaultBodyLimit::max(settings.body_limit_bytes),
            limits: None,
        }
    }

    /// And there is a limit to how many are at work, and to their heads.
    #[must_use]
    pub fn guarded(self, settings: &config::Http) -> Self {
        let limits = Some(Limits::new(settings));
        Self { limits, ..self }
    }
}

/// Middleware around all routes. Whatever happens inside, one answer leaves with the
/// request's id on it, and one line stands in the log.
pub async fn observe(State(rules): State<Rules>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let limit = context::limit(request.headers(), rules.timeout);
    let context = Context::of(request.headers(), id.clone(), limit);
    let mut observation = Observation::begin(&request, &context);
    request.extensions_mut().insert(id.clone());
    rules.body.apply(&mut request);

    let answer = answer(handle(&rules, request, next), limit);
    let mut response = context.scope(answer).await;

    id.mark(response.headers_mut());
    observation.end(response.status());
    response
}

/// What the handler says, if there is room for it.
async fn handle(rules: &Rules, request: Request, next: Next) -> Response {
    // Held until the handler is done.
    let _place = match rules.limits.as_ref().map(|limits| limits.admit(&request)) {
        Some(Err(problem)) => return problem.into_response(),
        place => place,
    };
    problem::of_refusal(next.run(request).await).await
}

/// What the handler says, or what to say in its place.
async fn answer(handler: impl Future<Output = Response>, limit: Duration) -> Response {
    if limit.is_zero() {
        let detail = "the caller's deadline had passed before the work began";
        return Problem::new(StatusCode::GATEWAY_TIMEOUT, detail).into_response();
    }
    // Unwind safe: the handler's future is dropped after a panic, never polled again.
    let guarded = AssertUnwindSafe(handler).catch_unwind();
    match timeout(limit, guarded).await {
        Ok(Ok(response)) => response,
        // It stands in the log already, by the hook of `logs::panics`.
        Ok(Err(_)) => Problem::failed().into_response(),
        Err(_) => {
            warn!("the handler ran out of time");
            let detail = format!("no answer within {} s", limit.as_secs_f64());
            Problem::new(StatusCode::GATEWAY_TIMEOUT, detail).into_response()
        }
    }
}
