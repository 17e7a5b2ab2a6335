//! HTTP of the Sidecar's own: 404 for services that nobody knows, `/status`, `/metrics`.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::command::failure::{Failure, Kind};
use crate::core::render;
use crate::home::{Header, PlainPath};
use crate::metrics::Board;

/// Longer heads are none of ours, in bytes.
const LONGEST: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(2);
/// Answered at once; more are closed without an answer, for which `HAProxy` has a static one.
const MOST: usize = 64;
/// Names offered in place of one that nobody knows.
const OFFERED: usize = 3;

/// Answers what `HAProxy` sends of unknown services.
pub fn unknown(home: &PlainPath, header: &Header, board: &Board) -> Result<(), Failure> {
    let path = home.join("answer.sock");
    let failed = |error: io::Error| Failure::system(&format!("listen on `{path}`"), &error);
    // Its last owner is dead: we have the lock.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    let (board, header) = (board.clone(), header.to_string());
    let answer = move |head: &Head| not_found(head.header(&header), &header, &board);
    let accept = move || {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    serve(accept, answer);
    Ok(())
}

/// Answers `/status` and `/metrics`.
pub fn own(at: SocketAddr, board: &Board) -> Result<(), Failure> {
    let listener = TcpListener::bind(at).map_err(|error| {
        let failure = Failure::system(&format!("listen on `{at}`"), &error);
        match error.kind() {
            io::ErrorKind::AddrInUse => Failure {
                kind: Kind::Conflict,
                ..failure.help("sidecar --status 127.0.0.1:PORT")
            },
            _ => failure,
        }
    })?;
    let board = board.clone();
    let answer = move |head: &Head| of_itself(&head.path, &board);
    let accept = move || {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    serve(accept, answer);
    Ok(())
}

/// Answers all who come, for ever, on a thread. Who cannot be accepted is not answered.
fn serve<S, F>(accept: impl Fn() -> io::Result<S> + Send + 'static, answer: F)
where
    S: Read + Write + Send + 'static,
    F: Fn(&Head) -> String + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    thread::spawn(move || {
        let limit = Limit::default();
        loop {
            if let Ok(stream) = accept() {
                limit.serve(stream, Arc::clone(&answer));
            }
        }
    });
}

fn of_itself(path: &str, board: &Board) -> String {
    let (kind, body) = match path {
        "/metrics" => ("text/plain; version=0.0.4", board.copy().metrics()),
        "/status" => ("application/json", board.copy().status().to_string() + "\n"),
        _ => {
            let body = r#"{"title":"there are /status and /metrics","status":404}"#;
            return render::answer("404 Not Found", "connection: close\r\n", body);
        }
    };
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn not_found(asked: Option<&str>, header: &str, board: &Board) -> String {
    let told = board.copy();
    let realm = told.realm.as_str();
    let body = match asked {
        None | Some("") => json!({
            "title": "no service is named",
            "status": 404,
            "detail": format!("the header `{header}` names the service that is called"),
        }),
        Some(asked) => json!({
            "title": "no such service",
            "status": 404,
            "detail": format!("no service `{}` is known in realm `{realm}`", asked.escape_debug()),
            "near": near(asked, told.services.keys().map(atlas::ServiceName::as_str)),
        }),
    };
    render::answer("404 Not Found", "connection: close\r\n", &body.to_string())
}

/// Names that could have been meant, the nearest first.
fn near<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let asked: String = asked.chars().take(63).collect::<String>().to_lowercase();
    let most = 1 + asked.len() / 4;
    let distance = |name: &str| {
        let longer = name.len().abs_diff(asked.len());
        if longer <= 8 && (name.starts_with(&asked) || asked.starts_with(name)) {
            return Some(1);
        }
        // The cheap question first: there may be thousands.
        let distance = (longer <= most).then(|| strsim::osa_distance(&asked, name));
        distance.filter(|distance| *distance <= most)
    };
    let mut names: Vec<_> = known
        .filter_map(|name| Some((distance(name)?, name)))
        .collect();
    names.sort_unstable();
    names
        .into_iter()
        .take(OFFERED)
        .map(|(_, name)| name)
        .collect()
}

/// What a request says before its body.
struct Head {
    path: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut buffer = [0; 2048];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let length = stream.read(&mut buffer)?;
            if length == 0 || head.len() + length > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
            head.extend_from_slice(&buffer[..length]);
        }
        let text = String::from_utf8_lossy(&head);
        let mut lines = text.lines();
        let path = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or("/");
        let headers = lines.map_while(|line| line.split_once(':'));
        Ok(Self {
            path: path.to_owned(),
            headers: headers
                .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
                .collect(),
        })
    }
}

/// So many at once.
#[derive(Clone, Default)]
struct Limit(Arc<AtomicUsize>);

impl Limit {
    fn serve<S, F>(&self, mut stream: S, answer: Arc<F>)
    where
        S: Read + Write + Send + 'static,
        F: Fn(&Head) -> String + Send + Sync + 'static,
    {
        if self.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let now = Arc::clone(&self.0);
        thread::spawn(move || {
            if let Ok(head) = Head::read(&mut stream) {
                let _ = stream.write_all(answer(&head).as_bytes());
            }
            now.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
