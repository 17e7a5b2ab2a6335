//! How long to wait before the next attempt.

use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;

use crate::http::request_id::random;

/// The longest first wait, doubled at each further attempt.
const BASE: Duration = Duration::from_millis(10);

/// The longest wait of all.
const CAP: Duration = Duration::from_millis(250);

/// Exponential with full jitter: anything from nothing to the most, so that callers who
/// failed together do not come back together.
pub fn jittered(attempt: u32) -> Duration {
    let share = u32::try_from(random() >> 32).expect("the upper half");
    most(attempt).mul_f64(f64::from(share) / f64::from(u32::MAX))
}

fn most(attempt: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    BASE.saturating_mul(doubled).min(CAP)
}

/// What `Retry-After` asks for, in seconds or as a date; nothing if it is unreadable.
pub fn asked_for(headers: &HeaderMap) -> Duration {
    let text = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let text = text.unwrap_or_default().trim();
    if let Ok(seconds) = text.parse() {
        return Duration::from_secs(seconds);
    }
    let date = httpdate::parse_http_date(text).ok();
    date.and_then(|date| date.duration_since(SystemTime::now()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_cap() {
        let most = [1, 2, 3, 4, 5, 6, 7, u32::MAX].map(|attempt| most(attempt).as_millis());
        assert_eq!(most, [10, 20, 40, 80, 160, 250, 250, 250]);
    }

    #[test]
    fn waits_are_spread_over_all_that_is_allowed() {
        let waits: Vec<_> = (0..10_000).map(|_| jittered(6)).collect();
        let below = |limit: u64| {
            let limit = Duration::from_millis(limit);
            waits.iter().filter(|&&wait| wait < limit).count()
        };
        assert!(waits.iter().all(|&wait| wait <= CAP));
        assert!((800..1200).contains(&below(25)), "{}", below(25));
        assert!((4700..5300).contains(&below(125)), "{}", below(125));
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let of = |text: &str| {
            let value = text.parse().unwrap();
            asked_for(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
        };
        assert_eq!(of("2"), Duration::from_secs(2));
        assert_eq!(of("0"), Duration::ZERO);
        assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT"), Duration::ZERO);
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(of(nonsense), Duration::ZERO);
        }
        let later = SystemTime::now() + Duration::from_secs(100);
        let wait = of(&httpdate::fmt_http_date(later));
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100));
        assert_eq!(asked_for(&HeaderMap::new()), Duration::ZERO);
    }
}
