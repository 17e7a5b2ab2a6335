//! The way of one request: identified, bounded in time, guarded against panics, observed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::{Instrument, info_span, warn};

use super::observation::Observation;
use super::{Problem, RequestId};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::{App, Context, context};

/// Middleware around all routes. Whatever happens inside, one answer leaves with the
/// request's id on it, and one line stands in the log.
pub async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let limit = context::limit(request.headers(), app.config.http.timeout);
    let context = Context::of(request.headers(), id.clone(), limit);
    let mut observation = Observation::begin(&request, &context);
    #[cfg(feature = "metrics")]
    metrics::requests().begin(&observation);
    request.extensions_mut().insert(id.clone());

    let span = info_span!("request", id = id.as_str());
    let answer = answer(next.run(request), limit);
    let mut response = context.scope(answer).instrument(span).await;

    id.mark(response.headers_mut());
    observation.end(response.status());
    response
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
