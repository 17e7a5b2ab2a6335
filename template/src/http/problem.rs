//! Errors as clients see them: problem details, RFC 9457.

use axum::Json;
use axum::body::to_bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Nobody reads a longer one to its end, and it must fit into memory.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// An error answer: a status, and a sentence for whoever reads it. Handlers may return
/// it as their error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// `detail` is for the client: no internals.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            title: self.status.canonical_reason().unwrap_or("Unknown"),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, Json(body)).into_response()
    }
}

/// Without a `type`, which the RFC reads as "no more than the status says".
#[derive(Serialize)]
struct Body {
    title: &'static str,
    status: u16,
    detail: String,
}

/// The answer to a path that no route has.
pub async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

/// The answer to a method that the path's route has not.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not answer {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// The plain text with which axum's extractors refuse a request, such as a body that is
/// too large, in the form of all other errors: the text becomes the detail.
pub async fn of_refusal(response: Response) -> Response {
    let status = response.status();
    let plain = response.headers().get(CONTENT_TYPE);
    let plain = plain.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain || !status.is_client_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let text = to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
    let problem = Problem::new(status, String::from_utf8_lossy(&text));
    (parts.headers, problem).into_response()
}
