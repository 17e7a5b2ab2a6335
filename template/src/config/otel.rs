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

#[cfg(test)]
mod tests {
    use crate::config::environment::variable;
    use crate::config::{Environment, load};

    #[test]
    fn an_endpoint_speaks_plain_http() {
        let load = |url: &str| {
            let named = [(variable("OTEL__ENDPOINT"), url)];
            load(&named.into_iter().collect::<Environment>())
        };
        let (_, config) = load("http://127.0.0.1:4318/").unwrap();
        let endpoint = config.otel.endpoint.as_deref();
        assert_eq!(endpoint, Some("http://127.0.0.1:4318"));
        for wrong in ["https://collector:4318", "127.0.0.1:4318", ""] {
            let refusal = load(wrong).unwrap_err().to_string();
            let expected = format!("found string {wrong:?}, expected http://host:port");
            assert!(refusal.contains(&expected), "{refusal}");
        }
    }
}
