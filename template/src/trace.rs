//! W3C Trace Context: the name of the whole journey that a request is a part of.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};

use crate::http::request_id::random;

/// The header that carries journey and caller.
pub const TRACEPARENT: &str = "traceparent";

/// The header that carries what tracing systems add; passed on as it came.
pub const TRACESTATE: &str = "tracestate";

/// What the specification asks everybody to pass on; longer ones are dropped whole.
const LONGEST_STATE: usize = 512;

/// Sampled, and random: the flags the specification knows.
const KNOWN_FLAGS: u8 = 0b11;

/// Where a request is on its journey: the journey's id, and that of the present step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    journey: u128,
    step: u64,
    parent: Option<u64>,
    flags: u8,
    state: Option<HeaderValue>,
}

impl Trace {
    /// A step of its own on the journey that the headers name, or on a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(one), None) => one.to_str().ok().and_then(Self::parse),
            _ => None,
        };
        let Some(mut trace) = parent else {
            return Self::fresh();
        };
        trace.state = state(headers);
        trace.child()
    }

    /// A new journey. Sampled: its ids stand in the log.
    pub fn fresh() -> Self {
        Self {
            journey: (u128::from(random()) << 64) | u128::from(random().max(1)),
            step: random().max(1),
            parent: None,
            flags: 1,
            state: None,
        }
    }

    /// The next step on the same journey.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            step: random().max(1),
            parent: Some(self.step),
            ..self.clone()
        }
    }

    /// Another step beside this one.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            step: random().max(1),
            ..self.clone()
        }
    }

    /// The journey's id, in the log as 32 hexadecimal digits.
    pub fn trace_id(&self) -> TraceId {
        TraceId(self.journey)
    }

    /// The step's id.
    pub fn span_id(&self) -> u64 {
        self.step
    }

    /// The id of the step before; none if the journey begins here.
    pub fn parent_id(&self) -> Option<u64> {
        self.parent
    }

    /// Whether this journey is recorded, which its first step decides for all.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// Puts the journey on a request that leaves.
    ///
    /// # Panics
    /// Never: digits and dashes are fit for a header.
    pub fn mark(&self, headers: &mut HeaderMap) {
        let parent = HeaderValue::from_str(&self.to_string()).expect("digits and dashes");
        headers.insert(TRACEPARENT, parent);
        match &self.state {
            Some(state) => headers.insert(TRACESTATE, state.clone()),
            None => headers.remove(TRACESTATE),
        };
    }

    /// `00-<32 digits>-<16 digits>-<2 digits>`; a later version may have more behind it.
    fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.split_at_checked(55)?;
        let parts: Vec<&str> = head.split('-').collect();
        let [version, trace_id, span_id, flags] = parts[..] else {
            return None;
        };
        let lengths = [version, trace_id, span_id, flags].map(str::len);
        let later = version != "00" && version != "ff";
        let ends = rest.is_empty() || (later && rest.starts_with('-'));
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        if lengths != [2, 32, 16, 2] || version == "ff" || !ends || !head.bytes().all(digit) {
            return None;
        }
        let trace = Self {
            journey: u128::from_str_radix(trace_id, 16).ok()?,
            step: u64::from_str_radix(span_id, 16).ok()?,
            parent: None,
            flags: u8::from_str_radix(flags, 16).ok()? & KNOWN_FLAGS,
            state: None,
        };
        (trace.journey != 0 && trace.step != 0).then_some(trace)
    }
}

/// A journey's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// As the header has it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (journey, step, flags) = (self.journey, self.step, self.flags);
        write!(f, "00-{journey:032x}-{step:016x}-{flags:02x}")
    }
}

/// Several lines are one list.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(TRACESTATE).iter();
    let lines: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
    let list = lines.join(&b","[..]);
    let sane = (1..=LONGEST_STATE).contains(&list.len());
    HeaderValue::from_bytes(&list).ok().filter(|_| sane)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;
    use crate::tests::random::Random;

    const NAME: HeaderName = HeaderName::from_static(TRACEPARENT);
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const JOURNEY: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(lines: &[(&'static str, &str)]) -> Trace {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        Trace::of(&headers)
    }

    #[test]
    fn a_given_journey_goes_on_with_a_step_of_its_own() {
        let trace = of(&[
            (TRACEPARENT, GIVEN),
            (TRACESTATE, "a=1"),
            (TRACESTATE, "b=2"),
        ]);
        assert_eq!(trace.trace_id().to_string(), JOURNEY);
        assert_ne!(trace.span_id(), 0x00f0_67aa_0ba9_02b7);
        assert_eq!(trace.parent_id(), Some(0x00f0_67aa_0ba9_02b7));
        assert!(trace.is_sampled());
        let mut sent = HeaderMap::new();
        trace.child().mark(&mut sent);
        assert_eq!(sent[TRACESTATE], "a=1,b=2");
        let parent = sent[TRACEPARENT].to_str().unwrap();
        assert!(parent.starts_with(&format!("00-{JOURNEY}-")));
        let step = format!("{:016x}", trace.span_id());
        assert!(parent.ends_with("-01") && !parent.contains(&step));
    }

    #[test]
    fn a_journey_that_begins_here_has_no_step_before() {
        let first = Trace::fresh();
        assert_eq!(first.parent_id(), None);
        assert_eq!(first.child().parent_id(), Some(first.span_id()));
        let beside = first.sibling();
        assert_eq!(beside.parent_id(), None);
        assert_eq!(beside.trace_id(), first.trace_id());
        assert_ne!(beside.span_id(), first.span_id());
    }

    #[test]
    fn what_is_written_can_be_read() {
        let trace = Trace::fresh();
        assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
    }

    #[test]
    fn anything_else_begins_a_new_journey_without_the_old_state() {
        let upper = GIVEN.to_uppercase();
        let bad = [
            "",
            "00",
            &upper,
            &GIVEN[..54],
            &format!("{GIVEN}-00"),
            &GIVEN.replacen("00-", "ff-", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
        ];
        for given in bad {
            let trace = of(&[(TRACEPARENT, given), (TRACESTATE, "a=1")]);
            assert_ne!(trace.trace_id().to_string(), JOURNEY, "{given}");
            assert_eq!(trace.state, None);
        }
        let twice = of(&[(TRACEPARENT, GIVEN), (TRACEPARENT, GIVEN)]);
        assert_ne!(twice.trace_id().to_string(), JOURNEY);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("{}-more", GIVEN.replacen("00-", "01-", 1));
        let trace = of(&[(TRACEPARENT, &later)]);
        assert_eq!(trace.trace_id().to_string(), JOURNEY);
        assert!(trace.to_string().starts_with("00-"));
    }

    #[test]
    fn a_state_that_is_too_long_is_dropped() {
        let long = "x".repeat(LONGEST_STATE + 1);
        assert_eq!(of(&[(TRACEPARENT, GIVEN), (TRACESTATE, &long)]).state, None);
    }

    #[test]
    fn any_text_makes_a_trace_that_others_can_read() {
        let mut random = Random::new();
        for _ in 0..5000 {
            let (mut given, cut) = (GIVEN.to_owned(), random.below(GIVEN.len()));
            given.replace_range(cut..=cut, &random.any_text());
            let Ok(value) = HeaderValue::from_bytes(given.as_bytes()) else {
                continue;
            };
            let trace = Trace::of(&HeaderMap::from_iter([(NAME, value)]));
            let read = Trace::parse(&trace.to_string()).map(|read| read.trace_id());
            assert_eq!(read, Some(trace.trace_id()), "{given:?}");
        }
    }
}
