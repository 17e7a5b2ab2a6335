//! How many retries a service is worth: so few that one that fails altogether gets no
//! more than a fifth on top of its calls.
//!
//! A retry takes from the budget; a retry that brings the answer gives it back, since it
//! was no load in vain. So a service of which every third attempt fails is retried until
//! it answers, and a dead one is left in peace.

use tokio::time::Instant;

use super::window::{Bucket, Counter, Window};

/// One retry in vain for so many calls.
const CALLS_PER_RETRY: u32 = 5;

/// What is granted even when there are few calls: no more than at five calls a second.
pub const FLOOR: u32 = 10;

/// The budget of one service.
#[derive(Debug)]
pub struct Budget(Window);

/// A retry that was granted.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(Bucket);

impl Budget {
    /// Of a service that was never called.
    pub fn new(now: Instant) -> Self {
        Self(Window::new(now))
    }

    /// One more call: a fifth of a retry more.
    pub fn call(&mut self, now: Instant) {
        self.0.add(now, Counter::All);
    }

    /// A retry, if one is left.
    pub fn retry(&mut self, now: Instant) -> Option<Ticket> {
        let calls = self.0.at_least(now, Counter::All);
        let limit = (calls / CALLS_PER_RETRY).max(FLOOR);
        let granted = self.0.at_most(now, Counter::Some) < limit;
        granted.then(|| Ticket(self.0.add(now, Counter::Some)))
    }

    /// The retry brought the answer.
    pub fn refund(&mut self, now: Instant, ticket: Ticket) {
        self.0.take_back(now, Counter::Some, ticket.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::window::SPAN;

    /// Calls at `every` for a minute, each of which would be retried twice.
    fn retries_of_a_dead_service(every: Duration) -> (Vec<Instant>, Vec<Instant>) {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        let (mut calls, mut retries) = (Vec::new(), Vec::new());
        let mut now = start;
        while now < start + Duration::from_mins(1) {
            budget.call(now);
            calls.push(now);
            let granted = (0..2).filter(|_| budget.retry(now).is_some()).count();
            retries.extend(std::iter::repeat_n(now, granted));
            now += every;
        }
        (calls, retries)
    }

    #[test]
    fn in_no_ten_seconds_is_there_more_than_a_fifth_on_top() {
        for every in [2, 7, 50, 190, 1000, 20_000].map(Duration::from_millis) {
            let (calls, retries) = retries_of_a_dead_service(every);
            assert!(!retries.is_empty());
            for end in &retries {
                let within = |time: &&Instant| *time <= end && *end - **time < SPAN;
                let calls = calls.iter().filter(within).count();
                let retries = retries.iter().filter(within).count();
                let limit = (calls / 5).max(FLOOR as usize);
                assert!(retries <= limit, "{retries} of {limit} at {every:?}");
            }
        }
    }

    #[test]
    fn nearly_all_of_the_fifth_can_be_used() {
        let (calls, retries) = retries_of_a_dead_service(Duration::from_millis(7));
        assert!(retries.len() * 100 > calls.len() * 17);
    }

    #[test]
    fn retries_that_bring_the_answer_cost_nothing() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        for _ in 0..1000 {
            let ticket = budget.retry(now).expect("a retry");
            budget.refund(now, ticket);
        }
    }
}
