//! The way to the collector: one connection for each batch, plain HTTP/1.1.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Longer answers are not read: a good one is empty.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long a batch may take. The SDK does not see to it, and has but one thread: behind a
/// collector that never answers, all later spans would wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exporter's thread is none of tokio's: what it wants done is done in this runtime.
#[derive(Debug)]
pub struct Client {
    runtime: Handle,
    patience: Duration,
}

impl Client {
    /// # Panics
    /// Outside a tokio runtime.
    pub fn here() -> Self {
        Self {
            runtime: Handle::current(),
            patience: PATIENCE,
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let patience = self.patience;
        let sending = async move { timeout(patience, send(request)).await };
        self.runtime.spawn(sending).await??
    }
}

async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let host = parts.uri.authority().ok_or("an endpoint without a host")?;
    let port = host.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.host(), port)).await?;
    let value = HeaderValue::from_str(host.as_str())?;
    parts.headers.insert(HOST, value);
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.map_or_else(Uri::default, Uri::from);

    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::from_parts(parts, Full::new(body));
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_collector_that_never_answers_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/v1/traces", silent.local_addr().unwrap());
        let request = Request::post(uri).body(Bytes::new()).unwrap();
        let client = Client {
            patience: Duration::from_millis(50),
            ..Client::here()
        };
        let refusal = client.send_bytes(request).await.unwrap_err();
        assert_eq!(refusal.to_string(), "deadline has elapsed");
    }
}
