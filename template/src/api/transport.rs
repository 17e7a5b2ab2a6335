//! One attempt: which address, one exchange over a pooled connection, and what its
//! failure means.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::directory::Directory;
use super::error::{Reason, Source};
use super::url::{ServiceName, Target};
use crate::config::api::Settings;

/// Below the 60 s of `HAProxy`, so that it is we who close.
const IDLE: Duration = Duration::from_secs(20);

/// Idle connections per address.
const IDLE_CONNECTIONS: usize = 32;

/// The largest head of an answer.
const HEAD_LIMIT: usize = 64 * 1024;

/// How long the Sidecar is left out after it refused.
const SKIPPED: Duration = Duration::from_millis(100);

type Connector = hyper_rustls::HttpsConnector<HttpConnector>;

/// Connections to everywhere.
#[derive(Debug)]
pub struct Transport {
    client: legacy::Client<Connector, Full<Bytes>>,
    sidecar: Authority,
    header: HeaderName,
    directory: Arc<dyn Directory>,
    response_limit: usize,
    born: Instant,
    skipped_until_ms: AtomicU64,
    turn: AtomicUsize,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub method: Method,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Transport {
    /// No connection is made yet.
    pub fn new(settings: &Settings, directory: Arc<dyn Directory>) -> Self {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(HEAD_LIMIT)
            .build(connector(http));
        Self {
            client,
            sidecar: authority(settings.sidecar),
            header: settings.header.clone(),
            directory,
            response_limit: settings.response_limit_bytes,
            born: Instant::now(),
            skipped_until_ms: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
        }
    }

    /// One attempt. It ends when it is dropped, and with it the connection.
    pub async fn attempt(&self, target: &Target, mut message: Message) -> Result<Answer, Reason> {
        // It routes, so it is nobody else's to set.
        message.headers.remove(&self.header);
        match target {
            Target::Plain(uri) => self.exchange(uri.clone(), message).await,
            Target::Service(name, path) => {
                let named = HeaderValue::from_str(name.as_str()).expect("a name is ASCII");
                message.headers.insert(&self.header, named.clone());
                message.headers.insert(HOST, named);
                self.route(name, path, message).await
            }
        }
    }

    /// By the Sidecar; if nobody listens there, straight to an instance, the next one if
    /// nobody listens there either. A refused connection has carried nothing, so this is
    /// one attempt for any method.
    async fn route(
        &self,
        name: &ServiceName,
        path: &PathAndQuery,
        message: Message,
    ) -> Result<Answer, Reason> {
        let mut instances = Vec::new();
        if self.is_skipped() {
            instances = self.instances(name);
        }
        if instances.is_empty() {
            let uri = uri(self.sidecar.clone(), path.clone());
            match self.exchange(uri, message.clone()).await {
                Err(Reason::Refused) => self.skip(),
                outcome => return outcome,
            }
            instances = self.instances(name);
        }
        for instance in instances {
            let uri = uri(authority(instance), path.clone());
            match self.exchange(uri, message.clone()).await {
                Err(Reason::Refused) => (),
                outcome => return outcome,
            }
        }
        Err(Reason::Refused)
    }

    /// In turn.
    fn instances(&self, name: &ServiceName) -> Vec<SocketAddr> {
        let mut instances = self.directory.instances(name);
        if let Some(first) = self
            .turn
            .fetch_add(1, Ordering::Relaxed)
            .checked_rem(instances.len())
        {
            instances.rotate_left(first);
        }
        instances
    }

    fn is_skipped(&self) -> bool {
        self.age_ms() < self.skipped_until_ms.load(Ordering::Relaxed)
    }

    fn skip(&self) {
        let until = self.age_ms() + u64::try_from(SKIPPED.as_millis()).unwrap_or_default();
        self.skipped_until_ms.store(until, Ordering::Relaxed);
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn exchange(&self, uri: Uri, message: Message) -> Result<Answer, Reason> {
        let mut request = Request::new(Full::new(message.body));
        *request.method_mut() = message.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = message.headers;
        let response = self.client.request(request).await.map_err(of_request)?;
        let (head, body) = response.into_parts();
        // A size that is announced need not be waited for.
        let limit = self.response_limit;
        if body.size_hint().lower() > limit as u64 {
            return Err(Reason::TooLarge(limit));
        }
        let body = Limited::new(body, limit).collect().await;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.map_err(|error| of_body(error, limit))?.to_bytes(),
        })
    }
}

/// The roots are those of Mozilla, compiled in: containers often have none.
fn connector(mut http: HttpConnector) -> Connector {
    http.enforce_http(false);
    hyper_rustls::HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .wrap_connector(http)
}

fn authority(address: SocketAddr) -> Authority {
    let text = address.to_string();
    text.parse().expect("an address is an authority")
}

fn uri(authority: Authority, path: PathAndQuery) -> Uri {
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority);
    uri.path_and_query(path).build().expect("three valid parts")
}

/// What a failure before the answer means. Whether anything arrived is only certain when
/// there was no connection.
fn of_request(error: legacy::Error) -> Reason {
    let connect = error.is_connect();
    let (mut refused, mut garbage) = (false, false);
    let mut cause = error.source();
    while let Some(error) = cause {
        let system = error.downcast_ref::<io::Error>();
        refused |= system.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        let protocol = error.downcast_ref::<hyper::Error>();
        garbage |= protocol.is_some_and(hyper::Error::is_parse);
        cause = error.source();
    }
    match (connect, refused, garbage) {
        (true, true, _) => Reason::Refused,
        (true, false, _) => Reason::Connect(error.into()),
        (false, _, true) => Reason::Garbage(error.into()),
        (false, _, false) => Reason::Broken(error.into()),
    }
}

fn of_body(error: Source, limit: usize) -> Reason {
    if error.is::<LengthLimitError>() {
        Reason::TooLarge(limit)
    } else {
        Reason::Broken(error)
    }
}
