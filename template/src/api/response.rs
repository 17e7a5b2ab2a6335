//! An answer, whole and in memory.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::error::{Error, ProblemDetails, Reason};

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) service: Arc<str>,
    pub(super) attempt: u32,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Response {
    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// How many attempts it took.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Its body.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// Its body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Its body as JSON, whatever the status.
    ///
    /// # Errors
    /// [`Reason::Body`] if it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.error(Reason::Body(error.into())))
    }

    /// This answer, if it is a success.
    ///
    /// # Errors
    /// [`Reason::Status`] if it is not 2xx, with its problem details.
    pub fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(self.error(Reason::Status(self.status, self.problem().map(Box::new))))
    }

    fn problem(&self) -> Option<ProblemDetails> {
        let kind = self.headers.get(CONTENT_TYPE)?.as_bytes();
        let problem = kind.starts_with(b"application/problem+json");
        serde_json::from_slice(&self.body).ok().filter(|_| problem)
    }

    fn error(&self, reason: Reason) -> Error {
        Error {
            service: self.service.clone(),
            attempt: self.attempt,
            reason,
        }
    }
}
