//! What the service refuses before any of its handlers sees it: too much at once, and
//! heads that are too large. Time and body are limited elsewhere: `request`, `http`.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};

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

    /// A place for this request, until it is dropped, or why there is none. Waiting for a
    /// place would only make a queue.
    pub fn admit(&self, request: &Request) -> Result<SemaphorePermit<'_>, Problem> {
        if head_bytes(request) > self.head_bytes {
            let detail = format!("path and headers exceed {} bytes", self.head_bytes);
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(Problem::new(status, detail));
        }
        self.places.try_acquire().map_err(|_| {
            let detail = "too many requests at once, try again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(COME_AGAIN)
        })
    }
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
