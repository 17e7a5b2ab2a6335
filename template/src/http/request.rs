//! The way of one request: identified, bounded in time, guarded against panics, logged.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::{Instrument, error, info, info_span, warn};

use super::{Problem, RequestId};
use crate::{App, Context, context};

/// Middleware around all routes. Whatever happens inside, one answer leaves with the
/// request's id on it, and one line stands in the log.
pub async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(id.clone());

    let limit = context::limit(request.headers(), app.config.http.timeout);
    let context = Context::of(request.headers(), id.clone(), limit);
    let span = info_span!("request", id = id.as_str());
    let answer = answer(next.run(request), limit);
    let mut response = context.scope(answer).instrument(span).await;

    id.mark(response.headers_mut());
    info!(
        %method,
        path,
        status = response.status().as_u16(),
        ms = milliseconds(started.elapsed()),
        request_id = id.as_str(),
        "request"
    );
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
        Ok(Err(panic)) => {
            error!(panic = message(&*panic), "the handler panicked");
            let detail = "the service failed on this request";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
        }
        Err(_) => {
            warn!("the handler ran out of time");
            let detail = format!("no answer within {} s", limit.as_secs_f64());
            Problem::new(StatusCode::GATEWAY_TIMEOUT, detail).into_response()
        }
    }
}

/// `panic!` carries a `&str` or a `String`; other payloads have no text.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// To the microsecond: more digits are noise in a log.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_microseconds() {
        let elapsed = Duration::from_nanos(1_234_567);
        assert_eq!(milliseconds(elapsed).to_string(), "1.235");
    }

    #[test]
    fn the_text_of_a_panic_is_found_in_both_shapes() {
        assert_eq!(message(&"static"), "static");
        assert_eq!(message(&"made".to_owned()), "made");
        assert_eq!(message(&7), "no message");
    }
}
