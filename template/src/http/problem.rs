//! Errors as clients see them: problem details, RFC 9457.

use std::error::Error;

use axum::Json;
use axum::body::to_bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;

/// Nobody reads a longer one to its end, and it must fit into memory.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// All that callers learn of what is our fault.
const FAILED: &str = "the service failed on this request";

/// The error of every handler: a status, and a sentence for whoever reads it.
///
/// Errors of the service's own means become one by `?` where the module that knows them
/// says how, and by [`Problem::internal`] anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Invalid>,
    retry_after: Option<u32>,
}

/// One thing that is wrong with a request's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invalid {
    /// Where it stands: a JSON pointer, RFC 6901.
    pub pointer: String,
    /// What is wrong, for a human.
    pub detail: String,
}

impl Invalid {
    /// `pointer` begins with `/`: `/name`, `/members/0`.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

impl Problem {
    /// `detail` is for the client: no internals.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// 404: what was asked for is not there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 422: a body that can be read and makes no sense. Tell all that is wrong at once.
    pub fn invalid(errors: Vec<Invalid>) -> Self {
        let detail = "the request's body is not valid";
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// 500: our fault. The log gets the error, the client gets its request's id.
    pub fn internal(error: &dyn Error) -> Self {
        error!(error = chain(error), "a request failed");
        Self::failed()
    }

    /// 503: something that this service needs is away. The log gets the error.
    pub fn unavailable(error: &dyn Error) -> Self {
        warn!(error = chain(error), "something is away");
        let detail = "something that this service needs is away, try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
    }

    /// What is said of a failure that stands in the log already.
    pub(super) fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, FAILED)
    }

    /// With the advice to try again so many seconds later.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// The error and what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            title: self
                .status
                .canonical_reason()
                .unwrap_or("Unknown")
                .to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        let retry_after = self
            .retry_after
            .map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
        match retry_after {
            Some(header) => (self.status, content_type, header, Json(body)).into_response(),
            None => (self.status, content_type, Json(body)).into_response(),
        }
    }
}

/// Problem details, RFC 9457. There is no `type`, which the RFC reads as "no more than the
/// status says".
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    title: String,
    status: u16,
    detail: String,
    /// All that is wrong with the request's body, if that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Invalid>,
}

/// The answer to a path that no route has.
pub async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::not_found(detail)
}

/// The answer to a method that the path's route has not.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not answer {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// The plain text with which axum's extractors refuse a request, such as a body that is
/// too large, in the form of all other errors: the text becomes the detail. What axum says
/// of failures of ours, such as an answer that is no JSON, is for the log.
pub async fn of_refusal(response: Response) -> Response {
    let status = response.status();
    let plain = response.headers().get(CONTENT_TYPE);
    let plain = plain.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let text = to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let problem = if status.is_client_error() {
        Problem::new(status, text)
    } else {
        error!(error = %text, "a request failed");
        Problem::new(status, FAILED)
    };
    (parts.headers, problem).into_response()
}

#[cfg(test)]
mod tests;
