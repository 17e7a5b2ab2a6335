//! The headers of an attempt: the caller's, without what is not the caller's to say, and
//! our own over them.

use std::time::Duration;

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue};

use super::url::Target;
use crate::context::DEADLINE;
use crate::trace::Trace;
use crate::{Context, NAME, Realm};

/// Says who calls.
pub const CALLER: &str = "x-caller";

/// Says which attempt this is, from 1: services see how much of their load is retries.
pub const ATTEMPT: &str = "x-attempt";

/// Says where the caller runs, so that realms do not mix unnoticed.
pub const REALM: &str = "x-realm";

/// The headers of attempt number `attempt`, a step on the journey of its own, with
/// `remaining` time left.
pub fn of_attempt(given: &HeaderMap, step: &Trace, attempt: u32, remaining: Duration) -> HeaderMap {
    let mut headers = given.clone();
    step.mark(&mut headers);
    headers.insert(ATTEMPT, HeaderValue::from(attempt));
    let remaining = u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX);
    headers.insert(DEADLINE, HeaderValue::from(remaining));
    headers
}

/// The headers of all attempts. The connection is ours, and so is who we are.
pub fn of_call(
    mut given: HeaderMap,
    target: &Target,
    realm: &Realm,
    context: &Context,
) -> HeaderMap {
    let connection = [
        CONNECTION,
        CONTENT_LENGTH,
        EXPECT,
        HOST,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in connection {
        given.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", REALM] {
        given.remove(name);
    }
    context.request_id.mark(&mut given);
    given.insert(CALLER, HeaderValue::from_static(NAME));
    if let Target::Service(..) = target {
        let realm = HeaderValue::from_str(realm.as_str()).expect("a realm is ASCII");
        given.insert(REALM, realm);
    }
    given
}
