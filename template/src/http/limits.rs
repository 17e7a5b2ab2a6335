//! What the service refuses before any of its handlers sees it: too much at once, and
//! heads that are too large. Time and body are limited elsewhere: `request`, `http`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::Problem;
use crate::config;

/// When those who were refused may come again, in seconds.
const COME_AGAIN: u32 = 1;

/// The limits, and how much of them is in use.
#[derive(Clone, Debug)]
pub struct Limits {
    head_bytes: usize,
    places: Arc<Semaphore>,
}

impl Limits {
    /// Nothing is in use.
    pub fn new(settings: &config::Http) -> Self {
        Self {
            head_bytes: settings.head_limit_bytes,
            places: Arc::new(Semaphore::new(settings.concurrency_limit.get())),
        }
    }
}

/// Middleware around the service's own routes.
pub async fn guard(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if head_bytes(&request) > limits.head_bytes {
        let detail = format!("path and headers exceed {} bytes", limits.head_bytes);
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Problem::new(status, detail).into_response();
    }
    // Held until the handler is done. Waiting for a place would only make a queue.
    let Ok(_place) = limits.places.try_acquire() else {
        let detail = "too many requests at once, try again";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        return problem.retry_after(COME_AGAIN).into_response();
    };
    next.run(request).await
}

fn head_bytes(request: &Request) -> usize {
    let path = request.uri().path_and_query();
    let path = path.map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter();
    // `name: value\r\n`
    path + headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
}
