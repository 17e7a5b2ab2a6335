//! What the request being served hands to the calls that are made for it: its id, its
//! place in a trace, and how much time is left.
//!
//! It travels with the task. A handler that spawns a task of its own takes it along:
//! `tokio::spawn(Context::current().scope(future))`.

use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::http::RequestId;
use crate::trace::Trace;

/// The header that says how many milliseconds the caller will still wait.
pub const DEADLINE: &str = "x-deadline-ms";

tokio::task_local! {
    static CURRENT: Context;
}

/// The request being served.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its id.
    pub request_id: RequestId,
    /// Its step on a journey.
    pub trace: Trace,
    /// When nobody waits for the answer any more. Outside of requests there is no end.
    pub deadline: Option<Instant>,
}

impl Context {
    /// That of a request with these headers, which may take `limit`.
    pub fn of(headers: &HeaderMap, request_id: RequestId, limit: Duration) -> Self {
        Self {
            request_id,
            trace: Trace::of(headers),
            deadline: Some(Instant::now() + limit),
        }
    }

    /// That of the request this task serves; a new one outside of requests.
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_else(|_| Self {
            request_id: RequestId::fresh(),
            trace: Trace::fresh(),
            deadline: None,
        })
    }

    /// The id of the request this task serves.
    pub fn request_id() -> Option<RequestId> {
        let id = CURRENT.try_with(|context| context.request_id.clone());
        id.ok()
    }

    /// Makes it the current one for `future`.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// The next step of its journey. Outside of requests there is none before it.
    pub fn next_step(&self) -> Trace {
        match self.deadline {
            Some(_) => self.trace.child(),
            None => self.trace.sibling(),
        }
    }

    /// How much time is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }
}

/// How long a request with these headers may take: `own`, or less if its caller says so.
/// A caller that says nothing, or nonsense, has all the patience there is.
pub fn limit(headers: &HeaderMap, own: Duration) -> Duration {
    let text = headers.get(DEADLINE).and_then(|value| value.to_str().ok());
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let patience = digits.and_then(|text| text.parse().ok());
    patience.map_or(own, |patience| own.min(Duration::from_millis(patience)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_patience_counts() {
        let own = Duration::from_secs(30);
        let limit = |given: &str| {
            let line = (DEADLINE.parse().unwrap(), given.parse().unwrap());
            limit(&HeaderMap::from_iter([line]), own)
        };
        assert_eq!(limit("0"), Duration::ZERO);
        assert_eq!(limit("5000"), Duration::from_secs(5));
        for given in [
            "31000",
            "",
            "-1",
            "+1",
            "1.5",
            "soon",
            "99999999999999999999",
        ] {
            assert_eq!(limit(given), own, "{given}");
        }
    }

    #[tokio::test]
    async fn it_travels_with_the_task() {
        assert_eq!(Context::current().deadline, None);
        let context = Context::of(&HeaderMap::new(), RequestId::fresh(), Duration::ZERO);
        let id = context.request_id.clone();
        let seen = context.scope(async { Context::current().request_id }).await;
        assert_eq!(seen, id);
    }
}
