//! Why a call failed: which service, which attempt, what happened.

use std::sync::Arc;
use std::{error, fmt};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::report;
use crate::http::Problem;

/// What the system or the protocol says, for logs.
pub type Source = Box<dyn error::Error + Send + Sync>;

/// A call that failed.
#[derive(Debug)]
pub struct Error {
    pub(super) service: Arc<str>,
    pub(super) attempt: u32,
    pub(super) reason: Reason,
}

/// What happened.
#[derive(Debug)]
pub enum Reason {
    /// The URL is none.
    Url(&'static str),
    /// A header or the body cannot be sent.
    Request(Source),
    /// The circuit breaker is open: the service fails too often.
    Open,
    /// Too many calls to this service were under way for all the time there was.
    Busy,
    /// The time is up.
    Deadline,
    /// One attempt took longer than its share of the time.
    Timeout,
    /// Nobody listens, neither the Sidecar nor an instance.
    Refused,
    /// No connection, for another reason.
    Connect(Source),
    /// The connection broke before the answer was whole.
    Broken(Source),
    /// The answer is no HTTP.
    Garbage(Source),
    /// The answer's body is larger than this many bytes.
    TooLarge(usize),
    /// An answer, but no success, with its problem details if it has any.
    Status(StatusCode, Option<Box<ProblemDetails>>),
    /// The answer's body is not what was expected.
    Body(Source),
}

/// RFC 9457, as a service sends it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ProblemDetails {
    /// A URI that names the kind of problem; nothing means `about:blank`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The kind in words.
    pub title: Option<String>,
    /// The status, as the body has it.
    pub status: Option<u16>,
    /// What happened this time.
    pub detail: Option<String>,
    /// A URI that names this occurrence.
    pub instance: Option<String>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

impl Error {
    /// The service's name, or scheme and host.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// How many attempts were made.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What happened.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The status of the service's answer, if that is what failed.
    pub fn status(&self) -> Option<StatusCode> {
        match self.reason {
            Reason::Status(status, _) => Some(status),
            _ => None,
        }
    }

    /// The service's own words, if it answered with problem details.
    pub fn problem(&self) -> Option<&ProblemDetails> {
        match &self.reason {
            Reason::Status(_, problem) => problem.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            attempt,
            reason,
        } = self;
        match attempt {
            0 => write!(f, "{service}, before any attempt: {reason}"),
            _ => write!(f, "{service}, attempt {attempt}: {reason}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.reason {
            Reason::Request(source)
            | Reason::Connect(source)
            | Reason::Broken(source)
            | Reason::Garbage(source)
            | Reason::Body(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(problem) => write!(f, "invalid url: {problem}"),
            Self::Request(_) => f.write_str("the request cannot be sent"),
            Self::Open => f.write_str("the circuit breaker is open"),
            Self::Busy => f.write_str("too many calls are under way"),
            Self::Deadline => f.write_str("the deadline has passed"),
            Self::Timeout => f.write_str("no answer within this attempt's time"),
            Self::Refused => f.write_str("nobody listens there"),
            Self::Connect(_) => f.write_str("cannot connect"),
            Self::Broken(_) => f.write_str("the connection broke before the answer was whole"),
            Self::Garbage(_) => f.write_str("the answer is no http"),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Self::Status(status, _) => write!(f, "status {}", status.as_u16()),
            Self::Body(_) => f.write_str("the answer's body is not what was expected"),
        }
    }
}

/// What our own caller learns: whose turn it is to wait, and nothing of our neighbours.
/// Handlers that know better, say that a 404 means a 404, look at the error first.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        report::unusable(&error);
        let (status, detail) = match error.reason {
            Reason::Url(_) | Reason::Request(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the service failed on this request",
            ),
            Reason::Open
            | Reason::Busy
            | Reason::Refused
            | Reason::Status(StatusCode::SERVICE_UNAVAILABLE, _) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "a service that is needed for this is not available",
            ),
            Reason::Deadline | Reason::Timeout | Reason::Status(StatusCode::GATEWAY_TIMEOUT, _) => {
                (
                    StatusCode::GATEWAY_TIMEOUT,
                    "a service that is needed for this did not answer in time",
                )
            }
            Reason::Connect(_)
            | Reason::Broken(_)
            | Reason::Garbage(_)
            | Reason::TooLarge(_)
            | Reason::Status(..)
            | Reason::Body(_) => (
                StatusCode::BAD_GATEWAY,
                "a service that is needed for this failed",
            ),
        };
        Self::new(status, detail)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
