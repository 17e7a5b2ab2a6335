//! A call before it is made: what to send, and how patient to be.

use std::fmt::Display;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Api;
use super::error::{Error, Source};
use super::response::Response;
use super::url::encode;

/// A call that is being put together; `send` or `.await` makes it.
#[derive(Clone, Debug)]
#[must_use = "a call is made by `send` or `.await`"]
pub struct Call {
    pub(super) api: Api,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) timeout: Duration,
    pub(super) repeatable: bool,
    pub(super) begun: Option<Instant>,
    pub(super) invalid: Option<String>,
}

impl Call {
    pub(super) fn new(api: Api, method: Method, url: String, timeout: Duration) -> Self {
        let repeatable = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
        ];
        Self {
            repeatable: repeatable.contains(&method),
            api,
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout,
            begun: None,
            invalid: None,
        }
    }

    /// One more header. Those the client sets itself win: `x-service`, `x-caller`,
    /// `x-deadline-ms` and the like.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<Source>>,
        V: TryInto<HeaderValue, Error: Into<Source>>,
    {
        let name = name.try_into().map_err(Into::into);
        let value = value.try_into().map_err(Into::into);
        match (name, value) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            (Err(error), _) | (_, Err(error)) => self.invalid = Some(error.to_string()),
        }
        self
    }

    /// One more `name=value` of the URL's query, both encoded.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let link = if self.url.contains('?') { '&' } else { '?' };
        let value = encode(&value.to_string());
        self.url = format!("{}{link}{}={value}", self.url, encode(name));
        self
    }

    /// `value` as the body, in JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => {
                let kind = HeaderValue::from_static("application/json");
                self.headers.insert(CONTENT_TYPE, kind);
                self.body(json)
            }
            Err(error) => {
                self.invalid = Some(error.to_string());
                self
            }
        }
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// How long it may take, retries included, in place of the setting. The request that
    /// is being served bounds it further.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// It may be repeated although its method says nothing of that: the service
    /// recognizes repetitions, say by a key.
    pub fn retry(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Makes the call: an answer of any status.
    ///
    /// # Errors
    /// If there is no answer, with the reason.
    pub async fn send(self) -> Result<Response, Error> {
        super::policy::send(self).await
    }

    /// Makes the call and takes the `T` from a successful answer.
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is no `T`.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send().await?.success()?.json()
    }

    /// Lets its time begin now, however late it is sent.
    pub(super) fn begin(mut self) -> Self {
        self.begun.get_or_insert_with(Instant::now);
        self
    }
}

impl IntoFuture for Call {
    type Output = Result<Response, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
