//! The way of one call: limited, attempted, repeated where that is safe and worth it,
//! and never beyond its deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::budget::Ticket;
use super::call::Call;
use super::error::{Error, Reason};
use super::report::{self, Ended};
use super::response::Response;
use super::service::Service;
use super::transport::Message;
use super::url::Target;
use super::{Api, backoff, headers};
use crate::Context;
#[cfg(feature = "otel")]
use crate::otel;

/// Makes the call, and tells of its end.
pub async fn send(call: Call) -> Result<Response, Error> {
    let target: Target = match call.url.parse() {
        Ok(target) => target,
        Err(problem) => return Err(refused(&call, Reason::Url(problem))),
    };
    let context = Context::current();
    let started = Instant::now();
    let mut way = Way::new(&call, &target, &context);
    let result = way.walk().await;
    let result = result.map_err(|reason| way.error(reason));
    report::ended(&Ended {
        method: call.method.as_str(),
        target: &target,
        context: &context,
        took: started.elapsed(),
        attempts: way.attempt,
        result: &result,
    });
    result
}

/// An error before anything is known of the target. The query is nobody's business.
fn refused(call: &Call, reason: Reason) -> Error {
    let shown = call.url.split(['?', '#']).next().unwrap_or_default();
    let error = Error {
        service: shown.chars().take(100).collect::<String>().into(),
        attempt: 0,
        reason,
    };
    report::unmade(&error);
    error
}

/// A call on its way.
struct Way<'a> {
    api: &'a Api,
    target: &'a Target,
    context: &'a Context,
    message: Message,
    service: Arc<Service>,
    key: Arc<str>,
    repeatable: bool,
    begun: Instant,
    deadline: Instant,
    fair: bool,
    attempt: u32,
    waits: u32,
    ticket: Option<Ticket>,
    invalid: Option<String>,
}

impl<'a> Way<'a> {
    fn new(call: &'a Call, target: &'a Target, context: &'a Context) -> Self {
        let key = target.key();
        let begun = call.begun.unwrap_or_else(Instant::now);
        // An absurd time-out is as good as one of a year.
        let year = Duration::from_hours(24 * 365);
        let own = begun + call.timeout.min(year);
        let deadline = context.deadline.map_or(own, |theirs| own.min(theirs));
        let api = &call.api;
        Self {
            target,
            context,
            message: Message {
                method: call.method.clone(),
                headers: headers::of_call(call.headers.clone(), target, &api.inner.realm, context),
                body: call.body.clone(),
            },
            service: api.inner.services.get(&key),
            key,
            repeatable: call.repeatable,
            begun,
            deadline,
            // Less is the caller's haste, which says nothing about the service.
            fair: deadline.saturating_duration_since(begun) * 2 >= call.timeout.min(year),
            attempt: 0,
            waits: 0,
            ticket: None,
            invalid: call.invalid.clone(),
            api,
        }
    }

    async fn walk(&mut self) -> Result<Response, Reason> {
        if let Some(problem) = self.invalid.take() {
            return Err(Reason::Request(problem.into()));
        }
        if Instant::now() >= self.deadline {
            return Err(Reason::Deadline);
        }
        let service = self.service.clone();
        let (_place, leave) = service.enter(self.deadline).await?;
        let result = self.attempts().await;
        if let Some(failed) = self.verdict(&result) {
            service.report(leave, failed);
        }
        result
    }

    async fn attempts(&mut self) -> Result<Response, Reason> {
        loop {
            self.attempt += 1;
            let result = self.once().await;
            self.settle(&result);
            if !self.another(&result).await {
                return result;
            }
        }
    }

    /// Waits for the next attempt; false if there is none. Where the budget is spent the
    /// call waits once more, for less than a second in all: answers of others may come in
    /// and refill it.
    async fn another(&mut self, result: &Result<Response, Reason>) -> bool {
        while let Some(wait) = self.wait(result) {
            self.waits += 1;
            sleep(wait).await;
            // Nobody's load: a refused connection is the business of the system alone.
            if matches!(result, Err(Reason::Refused)) {
                return true;
            }
            self.ticket = self.service.retry();
            if self.ticket.is_some() {
                return true;
            }
        }
        false
    }

    async fn once(&self) -> Result<Response, Reason> {
        let now = Instant::now();
        let remaining = self.deadline.saturating_duration_since(now);
        let end = self.deadline.min(now + self.share());
        let step = self.context.next_step();
        let given = &self.message.headers;
        let message = Message {
            headers: headers::of_attempt(given, &step, self.attempt, remaining),
            ..self.message.clone()
        };
        #[cfg(feature = "otel")]
        let mut span =
            otel::Attempt::begin(&step, message.method.as_str(), &self.key, self.attempt);
        let attempt = self.api.inner.transport.attempt(self.target, message);
        let outcome = timeout_at(end, attempt).await;
        #[cfg(feature = "otel")]
        if let Ok(Ok(answer)) = &outcome {
            span.answered(answer.status);
        }
        match outcome {
            Ok(answer) => answer.map(|answer| Response {
                service: self.key.clone(),
                attempt: self.attempt,
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
            }),
            Err(_) if end < self.deadline => Err(Reason::Timeout),
            Err(_) => Err(Reason::Deadline),
        }
    }

    /// Half of the time for one attempt, if there may be another one.
    fn share(&self) -> Duration {
        let total = self.deadline.saturating_duration_since(self.begun);
        if self.repeatable && self.api.inner.retries > 0 {
            total / 2
        } else {
            total
        }
    }

    /// A retry that brought an answer was not in vain.
    fn settle(&mut self, result: &Result<Response, Reason>) {
        let ticket = self.ticket.take();
        let answered = matches!(result, Ok(answer) if !report::failed(answer));
        if let Some(ticket) = ticket.filter(|_| answered) {
            self.service.refund(ticket);
        }
    }

    /// How long to wait for the next attempt, if one is safe, allowed, and in time.
    fn wait(&self, result: &Result<Response, Reason>) -> Option<Duration> {
        let safe = match result {
            Err(Reason::Refused | Reason::Connect(_)) => true,
            Err(Reason::Broken(_) | Reason::Timeout) => self.repeatable,
            Ok(answer) => self.repeatable && report::failed(answer),
            Err(_) => false,
        };
        let asked = result
            .as_ref()
            .map(|answer| backoff::asked_for(answer.headers()));
        let wait = backoff::jittered(self.waits + 1).max(asked.unwrap_or_default());
        let in_time = self.deadline.saturating_duration_since(Instant::now()) > wait;
        (safe && in_time && self.waits < self.api.inner.retries).then_some(wait)
    }

    fn error(&self, reason: Reason) -> Error {
        Error {
            service: self.key.clone(),
            attempt: self.attempt,
            reason,
        }
    }

    /// Whether the service failed; nothing if the call says nothing about the service,
    /// such as a connection that was refused here.
    fn verdict(&self, result: &Result<Response, Reason>) -> Option<bool> {
        match result {
            Ok(answer) => Some(report::failed(answer)),
            Err(Reason::Deadline) => self.fair.then_some(true),
            Err(Reason::Timeout | Reason::Connect(_) | Reason::Broken(_) | Reason::Garbage(_)) => {
                Some(true)
            }
            Err(_) => None,
        }
    }
}
