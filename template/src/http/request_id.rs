//! The name under which one request is known in every log it passes.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};

/// The header that carries it, in requests and answers.
pub const HEADER: &str = "x-request-id";

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Longer ones are not worth their place in a log.
const MAX_LENGTH: usize = 128;

/// The caller's id if it sent a sane one, else a fresh one. Handlers find it among the
/// request's extensions: `Extension<RequestId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id of the request with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).map(HeaderValue::as_bytes);
        given.and_then(Self::parse).unwrap_or_else(Self::fresh)
    }

    /// Only visible ASCII: it goes into logs and headers as it is.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let sane =
            (1..=MAX_LENGTH).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        let text = str::from_utf8(bytes).ok().filter(|_| sane)?;
        Some(Self(text.into()))
    }

    pub(crate) fn fresh() -> Self {
        let id = [random(), random()].map(u64::to_be_bytes);
        let id = id.as_flattened();
        // Each request has one: by hand, since `format!` takes several times as long.
        let digits: [u8; 32] = std::array::from_fn(|at| {
            let digit = if at % 2 == 0 {
                id[at / 2] >> 4
            } else {
                id[at / 2] & 0xf
            };
            DIGITS[usize::from(digit)]
        });
        Self(str::from_utf8(&digits).expect("digits are ASCII").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts the id on an answer.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        let value = HeaderValue::from_str(&self.0).expect("an id is visible ASCII");
        headers.insert(HEADER, value);
    }
}

/// 64 bits from the standard library's own source of hash keys, which the system seeds
/// once per thread: unlikely to repeat, and no more is asked of an id. Not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn of(value: &[u8]) -> RequestId {
        let value = HeaderValue::from_bytes(value).unwrap();
        RequestId::of(&HeaderMap::from_iter([(HEADER.parse().unwrap(), value)]))
    }

    #[test]
    fn a_sane_id_is_kept() {
        let longest = "x".repeat(MAX_LENGTH);
        for id in ["a", "0f-9_~!", &longest] {
            assert_eq!(of(id.as_bytes()).as_str(), id);
        }
    }

    #[test]
    fn anything_else_is_replaced() {
        let long = "x".repeat(MAX_LENGTH + 1);
        for id in [&b""[..], b"a b", b"\xc3\xa4", b"a\tb", long.as_bytes()] {
            let made = of(id);
            assert_ne!(made.as_str().as_bytes(), id);
            assert_eq!(made.as_str().len(), 32);
            assert!(made.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn fresh_ids_differ() {
        let ids: HashSet<_> = (0..1000).map(|_| RequestId::fresh().0).collect();
        assert_eq!(ids.len(), 1000);
    }
}
