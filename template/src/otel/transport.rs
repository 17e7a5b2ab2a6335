//! The way to the collector: one connection for each batch, plain HTTP/1.1.

use async_trait::async_trait;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// Longer answers are not read: a good one is empty.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The exporter's thread is none of tokio's: what it wants done is done in this runtime.
#[derive(Debug)]
pub struct Client(Handle);

impl Client {
    /// # Panics
    /// Outside a tokio runtime.
    pub fn here() -> Self {
        Self(Handle::current())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.0.spawn(send(request)).await?
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
