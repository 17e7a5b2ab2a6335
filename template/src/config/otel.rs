//! Where spans go.

use axum::http::Uri;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A collector of spans.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Otel {
    /// Where an OTLP collector takes HTTP, such as `http://127.0.0.1:4318`; the path
    /// `/v1/traces` is added. Unset by default, and then no span is made. Plain HTTP, to a
    /// collector nearby: that one speaks TLS to the rest of the world.
    #[serde(deserialize_with = "endpoint")]
    pub endpoint: Option<String>,
}

fn endpoint<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    let uri = text.parse::<Uri>().ok();
    let plain = |uri: Uri| uri.scheme_str() == Some("http") && uri.host().is_some();
    if uri.is_some_and(plain) {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        let expected = "expected http://host:port";
        Err(D::Error::custom(format!(
            "found string {text:?}, {expected}"
        )))
    }
}
