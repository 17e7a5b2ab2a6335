//! Spares a service that fails, and its callers the waiting: when half of the calls of
//! ten seconds fail, calls fail at once, but for one a second that looks whether it is
//! over.

use std::time::Duration;

use tokio::time::Instant;

use super::window::{Counter, Window};

/// How long it waits before it looks.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// The breaker of one service.
#[derive(Debug)]
pub struct Breaker {
    window: Window,
    calls_needed: u32,
    next_probe: Option<Instant>,
}

/// The leave to make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// All is well.
    Usual,
    /// The breaker is open, and this call decides whether it closes.
    Probe,
}

impl Breaker {
    /// Closed; it opens at half of `calls_needed` or more.
    pub fn new(now: Instant, calls_needed: u32) -> Self {
        Self {
            window: Window::new(now),
            calls_needed,
            next_probe: None,
        }
    }

    /// May a call be made? A probe that never reports back costs one period.
    pub fn ask(&mut self, now: Instant) -> Option<Leave> {
        match self.next_probe {
            None => Some(Leave::Usual),
            Some(time) if now >= time => {
                self.next_probe = Some(now + PROBE_EVERY);
                Some(Leave::Probe)
            }
            Some(_) => None,
        }
    }

    /// A call has ended. Those that began before it opened no longer count.
    pub fn report(&mut self, now: Instant, leave: Leave, failed: bool) {
        match (self.next_probe, leave) {
            (Some(_), Leave::Probe) if !failed => {
                self.next_probe = None;
                self.window.clear();
            }
            (None, _) => self.count(now, failed),
            (Some(_), _) => (),
        }
    }

    fn count(&mut self, now: Instant, failed: bool) {
        self.window.add(now, Counter::All);
        if failed {
            self.window.add(now, Counter::Some);
        }
        let calls = self.window.at_most(now, Counter::All);
        let failures = self.window.at_most(now, Counter::Some);
        if failed && calls >= self.calls_needed && u64::from(failures) * 2 >= u64::from(calls) {
            self.next_probe = Some(now + PROBE_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(breaker: &mut Breaker, now: Instant, outcomes: &[(bool, u32)]) {
        for &(failed, count) in outcomes {
            for _ in 0..count {
                breaker.report(now, Leave::Usual, failed);
            }
        }
    }

    #[test]
    fn it_opens_at_half_of_enough_calls() {
        let now = Instant::now();
        for (outcomes, leave) in [
            (&[(true, 19)][..], Some(Leave::Usual)),
            (&[(true, 20)], None),
            (&[(false, 11), (true, 10)], Some(Leave::Usual)),
            (&[(false, 10), (true, 10)], None),
            (&[(true, 10), (false, 10)], Some(Leave::Usual)),
        ] {
            let mut breaker = Breaker::new(now, 20);
            reported(&mut breaker, now, outcomes);
            assert_eq!(breaker.ask(now), leave, "{outcomes:?}");
        }
    }

    #[test]
    fn failures_are_forgotten() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start, 20);
        reported(&mut breaker, start, &[(true, 19)]);
        reported(&mut breaker, start + Duration::from_secs(11), &[(true, 19)]);
        assert_eq!(breaker.ask(start), Some(Leave::Usual));
    }

    #[test]
    fn one_probe_a_second_until_one_succeeds() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut breaker = Breaker::new(start, 20);
        reported(&mut breaker, start, &[(true, 20)]);
        assert_eq!(breaker.ask(at(999)), None);
        assert_eq!(breaker.ask(at(1000)), Some(Leave::Probe));
        assert_eq!(breaker.ask(at(1001)), None);
        breaker.report(at(1500), Leave::Probe, true);
        // One that began before it opened says nothing about now.
        breaker.report(at(1600), Leave::Usual, false);
        assert_eq!(breaker.ask(at(1999)), None);
        assert_eq!(breaker.ask(at(2000)), Some(Leave::Probe));
        breaker.report(at(2001), Leave::Probe, false);
        assert_eq!(breaker.ask(at(2001)), Some(Leave::Usual));
        // It starts anew, with no memory of the failures.
        reported(&mut breaker, at(2002), &[(true, 19)]);
        assert_eq!(breaker.ask(at(2002)), Some(Leave::Usual));
    }
}
