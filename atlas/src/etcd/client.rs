//! One question, one answer: the next end point where one does not answer, a limit on every wait,
//! and a token that is renewed when it is refused.

use std::io::{ErrorKind, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder};

use super::cluster::{Cluster, Login};
use super::wire::{No, Token};
use crate::Error;

/// A host that does not even refuse a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// A whole question to one end point. One that is cut off from the majority says nothing at all.
const ANSWER: Duration = Duration::from_secs(2);
/// A question to all of them, over and over: an election takes a second or two.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
/// A stream may be silent for so long; then it is asked for anew, from where it was.
const SILENCE: Duration = Duration::from_secs(30);
/// A page of entries is far below this.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Codes of gRPC.
const INVALID: i64 = 3;
const TIMED_OUT: i64 = 4;
const NOT_FOUND: i64 = 5;
const OUT_OF_RANGE: i64 = 11;
const UNAVAILABLE: i64 = 14;
const UNAUTHENTICATED: i64 = 16;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nobody answered, or nobody who has a majority.
    Away { cause: String, is_refusal: bool },
    /// etcd says no.
    No { message: String, code: i64 },
}

/// An answer, and whether an earlier attempt may have been carried out, too.
pub(crate) struct Answer<T> {
    pub(crate) said: T,
    pub(crate) is_second: bool,
}

/// A client of one cluster.
#[derive(Debug)]
pub(crate) struct Client {
    endpoints: Vec<String>,
    /// The one that answered last.
    current: AtomicUsize,
    login: Option<Login>,
    token: Mutex<Option<String>>,
    agent: Agent,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.user)
    }
}

impl Trouble {
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::No {
                code: NOT_FOUND,
                ..
            }
        )
    }

    /// A revision that is forgotten, or that this cluster never had.
    pub(crate) fn is_no_revision(&self) -> bool {
        matches!(
            self,
            Self::No {
                code: OUT_OF_RANGE,
                ..
            }
        )
    }

    /// No token, or one that is known no more: after a restart, or after five minutes.
    fn wants_token(&self) -> bool {
        let Self::No { message, code } = self else {
            return false;
        };
        let stale = ["user name is empty", "revision of auth store is old"];
        *code == UNAUTHENTICATED
            || (*code == INVALID && stale.iter().any(|words| message.contains(words)))
    }
}

impl Client {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let count = cluster.endpoints.len();
        Self {
            endpoints: cluster.endpoints.clone(),
            // Not everybody begins with the first one.
            current: AtomicUsize::new(std::process::id() as usize % count.max(1)),
            login: cluster.login.clone(),
            token: Mutex::default(),
            agent: agent(cluster),
        }
    }

    /// The trouble as callers are told of it.
    pub(crate) fn error(&self, trouble: Trouble) -> Error {
        match trouble {
            Trouble::Away { cause, .. } => Error::Away {
                endpoints: self.endpoints.join(","),
                cause,
            },
            Trouble::No { message, .. } => Error::Refused { message },
        }
    }

    /// Asks until there is an answer, or patience ends.
    pub(crate) fn ask<T: DeserializeOwned>(&self, path: &str, words: &Value) -> Asked<T> {
        let began = Instant::now();
        let mut is_second = false;
        loop {
            let mut refusals = 0;
            for _ in &self.endpoints {
                let at = self.at();
                match self.ask_one(at, path, words) {
                    Ok(said) => return Ok(Answer { said, is_second }),
                    Err(Trouble::Away { cause, is_refusal }) => {
                        self.turn(at);
                        is_second |= !is_refusal;
                        refusals += usize::from(is_refusal);
                        // Where nobody is there at all, no election will change that.
                        let is_deserted = refusals == self.endpoints.len();
                        if is_deserted || began.elapsed() >= PATIENCE {
                            return Err(Trouble::Away { cause, is_refusal });
                        }
                    }
                    Err(no) => return Err(no),
                }
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// As [`ask`](Self::ask), where it does not matter how often it was carried out.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, words: &Value) -> Result<T, Trouble> {
        self.ask(path, words).map(|answer| answer.said)
    }

    /// Opens a stream at one end point, or at the next if that fails; with it, at which.
    pub(crate) fn stream(
        &self,
        path: &str,
        words: &Value,
    ) -> Result<(impl Read + Send + use<>, usize), Trouble> {
        let mut left = self.endpoints.len();
        loop {
            let at = self.at();
            let opened = self.with_token(at, |to| self.open(to, path, words));
            left -= 1;
            match opened {
                Ok(response) => return Ok((response.into_body().into_reader(), at)),
                Err(Trouble::Away { .. }) if left > 0 => self.turn(at),
                Err(trouble) => {
                    self.turn(at);
                    return Err(trouble);
                }
            }
        }
    }

    /// Away from an end point, unless somebody else has turned already.
    pub(crate) fn turn(&self, from: usize) {
        let next = (from + 1) % self.endpoints.len();
        let order = Ordering::Relaxed;
        let _ = self.current.compare_exchange(from, next, order, order);
    }

    /// The end point that answered last.
    pub(crate) fn at(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    fn ask_one<T: DeserializeOwned>(
        &self,
        at: usize,
        path: &str,
        words: &Value,
    ) -> Result<T, Trouble> {
        let body = self.with_token(at, |to| {
            let response = self.post(to, path, words)?;
            let body = response.into_body().into_with_config();
            body.limit(LONGEST)
                .read_to_string()
                .map_err(|error| away(&error))
        })?;
        serde_json::from_str(&body).map_err(|error| Trouble::No {
            message: format!("its answer cannot be read: {error}"),
            code: 0,
        })
    }

    fn with_token<T>(
        &self,
        at: usize,
        ask: impl Fn(To) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let token = self.token(at)?;
        let to = |token| To { at, token };
        match ask(to(token.as_deref())) {
            Err(trouble) if trouble.wants_token() && self.login.is_some() => {
                self.forget(token.as_ref());
                ask(to(self.token(at)?.as_deref()))
            }
            outcome => outcome,
        }
    }

    /// The token there is, or a new one; none without a user.
    fn token(&self, at: usize) -> Result<Option<String>, Trouble> {
        let Some(Login { user, password }) = &self.login else {
            return Ok(None);
        };
        let mut token = self.known();
        if token.is_none() {
            let words = json!({ "name": user, "password": password });
            let response = self.post(To { at, token: None }, "/v3/auth/authenticate", &words)?;
            let text = response.into_body().read_to_string();
            let text = text.map_err(|error| away(&error))?;
            let new: Token = serde_json::from_str(&text).unwrap_or_default();
            *token = Some(new.token);
        }
        Ok(token.clone())
    }

    fn forget(&self, refused: Option<&String>) {
        let mut token = self.known();
        if token.as_ref() == refused {
            *token = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<String>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, to: To, path: &str, words: &Value) -> Result<Response<Body>, Trouble> {
        judged(self.request(to, path).send(words.to_string()))
    }

    fn open(&self, to: To, path: &str, words: &Value) -> Result<Response<Body>, Trouble> {
        // Or a member without a majority would keep it open, and silent.
        let request = self.request(to, path);
        let request = request.header("grpc-metadata-hasleader", "true");
        let patient = request
            .config()
            .timeout_per_call(None)
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE));
        judged(patient.build().send(words.to_string()))
    }

    fn request(&self, to: To, path: &str) -> RequestBuilder<WithBody> {
        let request = self
            .agent
            .post(format!("{}{path}", self.endpoints[to.at]))
            .content_type("application/json");
        match to.token {
            Some(token) => request.header("authorization", token),
            None => request,
        }
    }
}

/// Which end point is asked, and by whom.
#[derive(Clone, Copy)]
struct To<'a> {
    at: usize,
    token: Option<&'a str>,
}

type Asked<T> = Result<Answer<T>, Trouble>;

fn agent(cluster: &Cluster) -> Agent {
    let roots = if cluster.authorities.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::new_with_certs(&cluster.authorities)
    };
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .client_cert(cluster.own.clone());
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(None)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_per_call(Some(ANSWER))
        .user_agent("atlas");
    config.build().into()
}

/// Tells an answer from a no, and a no for good from one that another end point may not say.
fn judged(outcome: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Trouble> {
    let mut response = outcome.map_err(|error| away(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.body_mut().read_to_string().unwrap_or_default();
    let no: No = serde_json::from_str(&text).unwrap_or_default();
    let message = if no.message.is_empty() {
        format!("it answers {status}")
    } else {
        no.message
    };
    if [UNAVAILABLE, TIMED_OUT].contains(&no.code) || (no.code == 0 && status.is_server_error()) {
        return Err(Trouble::Away {
            cause: message,
            is_refusal: false,
        });
    }
    Err(Trouble::No {
        message,
        code: no.code,
    })
}

fn away(error: &ureq::Error) -> Trouble {
    // Before anything was carried out, and for a reason that does not pass by itself: nobody listens,
    // or one of us has no certificate that the other takes.
    let is_refusal = match error {
        ureq::Error::Io(error) => {
            [ErrorKind::ConnectionRefused, ErrorKind::InvalidData].contains(&error.kind())
        }
        ureq::Error::HostNotFound | ureq::Error::Tls(_) | ureq::Error::Rustls(_) => true,
        _ => false,
    };
    let text = error.to_string();
    let cause = text.strip_prefix("io: ").unwrap_or(&text);
    let cause = cause.split(" (os error").next().unwrap_or(cause);
    Trouble::Away {
        cause: cause.to_lowercase(),
        is_refusal,
    }
}
