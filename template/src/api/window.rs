//! What happened in the last ten seconds, in constant space.

use std::time::Duration;

use tokio::time::Instant;

/// How far back it remembers.
pub const SPAN: Duration = Duration::from_secs(10);

/// A span of whole buckets, and the one in which the span begins.
const BUCKETS: usize = 21;

/// One bucket's share of the span, in milliseconds: 500.
const BUCKET: u128 = SPAN.as_millis() / (BUCKETS as u128 - 1);

/// Two counters over the last ten seconds, to within half a second.
#[derive(Debug)]
pub struct Window {
    start: Instant,
    newest: u64,
    buckets: [[u32; 2]; BUCKETS],
}

/// A bucket, for whoever wants to take something out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket(u64);

/// One of a window's two counters.
#[derive(Clone, Copy, Debug)]
pub enum Counter {
    /// Everything.
    All,
    /// What is to stay below a share of everything.
    Some,
}

impl Window {
    /// Empty.
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            newest: 0,
            buckets: [[0; 2]; BUCKETS],
        }
    }

    /// Counts one.
    pub fn add(&mut self, now: Instant, counter: Counter) -> Bucket {
        self.advance(now);
        *self.at(self.newest, counter) += 1;
        Bucket(self.newest)
    }

    /// Takes one out again, if it is not forgotten already.
    pub fn take_back(&mut self, now: Instant, counter: Counter, bucket: Bucket) {
        self.advance(now);
        if self.newest - bucket.0 < BUCKETS as u64 {
            let count = self.at(bucket.0, counter);
            *count = count.saturating_sub(1);
        }
    }

    /// At most what was counted in the last ten seconds.
    pub fn at_most(&mut self, now: Instant, counter: Counter) -> u32 {
        self.sum(now, counter, BUCKETS)
    }

    /// At least what was counted in the last ten seconds.
    pub fn at_least(&mut self, now: Instant, counter: Counter) -> u32 {
        self.sum(now, counter, BUCKETS - 1)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets = [[0; 2]; BUCKETS];
    }

    fn sum(&mut self, now: Instant, counter: Counter, buckets: usize) -> u32 {
        self.advance(now);
        let oldest = (self.newest + 1).saturating_sub(buckets as u64);
        (oldest..=self.newest)
            .map(|bucket| *self.at(bucket, counter))
            .sum()
    }

    /// Empties what has become too old. Time that seems to run backwards stands still.
    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.start).as_millis() / BUCKET;
        let present = u64::try_from(passed).unwrap_or(u64::MAX).max(self.newest);
        let gone = (present - self.newest).min(BUCKETS as u64);
        for bucket in present + 1 - gone..=present {
            *self.at(bucket, Counter::All) = 0;
            *self.at(bucket, Counter::Some) = 0;
        }
        self.newest = present;
    }

    fn at(&mut self, bucket: u64, counter: Counter) -> &mut u32 {
        let place = usize::try_from(bucket % BUCKETS as u64).expect("less than the buckets");
        &mut self.buckets[place][counter as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_after_ten_seconds_and_not_before() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut window = Window::new(start);
        window.add(at(400), Counter::All);
        window.add(at(600), Counter::All);
        for (time, least, most) in [
            (600, 2, 2),
            (9_999, 2, 2),
            (10_399, 1, 2),
            (10_500, 0, 1),
            (11_000, 0, 0),
            (1_000_000, 0, 0),
        ] {
            let least_found = window.at_least(at(time), Counter::All);
            let most_found = window.at_most(at(time), Counter::All);
            assert_eq!((least_found, most_found), (least, most), "{time}");
        }
        assert_eq!(window.at_most(at(0), Counter::Some), 0);
    }

    #[test]
    fn what_is_taken_back_is_gone_and_nothing_else() {
        let start = Instant::now();
        let late = start + SPAN * 2;
        let mut window = Window::new(start);
        let early = window.add(start, Counter::Some);
        window.add(late, Counter::Some);
        window.take_back(late, Counter::Some, early);
        assert_eq!(window.at_most(late, Counter::Some), 1);
        let bucket = window.add(late, Counter::Some);
        window.take_back(late, Counter::Some, bucket);
        assert_eq!(window.at_most(late, Counter::Some), 1);
    }
}
