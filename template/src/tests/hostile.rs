//! A server that does to a client whatever servers do: over real sockets, by a script.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::client::PATIENCE;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes; the connection stays open for the next request.
    Say(String),
    /// Sends these bytes and closes the connection.
    SayAndClose(String),
    /// Sends these bytes, then nothing, with the connection open.
    SayAndStall(String),
    /// Sends the first bytes, then the others again and again until the client leaves.
    SayForever(String, String),
    /// Sends the first bytes, then the others one by one.
    Trickle(String, String),
    /// Closes a fresh connection before it has read anything.
    CloseUnread,
    /// Closes the connection with data unread, which the system makes a reset.
    Reset,
    /// Counts how many are here, waits a little, then answers.
    Linger,
}

impl Act {
    /// An answer with this status, these header lines, each with its end, and this body.
    pub fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Say(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    /// What is hoped for.
    pub fn ok() -> Self {
        Self::answer("200 OK", "", "ok")
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub body: String,
    head: String,
}

impl Seen {
    fn of(head: &[u8], body: String) -> Self {
        let head = String::from_utf8(head.to_vec()).expect("text");
        Self {
            line: head.lines().next().unwrap_or_default().to_owned(),
            head,
            body,
        }
    }

    /// The values of a header; `name` in lower case.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The only value of a header.
    pub fn header(&self, name: &str) -> &str {
        match self.headers(name)[..] {
            [value] => value,
            ref values => panic!("{name}: {values:?}"),
        }
    }
}

/// The server; it lives as long as the test.
#[derive(Clone)]
pub struct Hostile {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: Script,
    seen: Vec<Seen>,
    connections: usize,
    here: usize,
    most_here: usize,
}

/// What to do with the next request.
enum Script {
    /// One after the other; the last one for ever.
    Acts(VecDeque<Act>),
    /// Decided anew each time.
    Choice(Box<dyn FnMut() -> Act + Send>),
}

impl Default for Script {
    fn default() -> Self {
        Self::Acts([Act::ok()].into())
    }
}

impl Script {
    fn next(&mut self) -> Act {
        match self {
            Self::Acts(acts) if acts.len() > 1 => acts.pop_front().expect("more than one"),
            Self::Acts(acts) => acts[0].clone(),
            Self::Choice(choose) => choose(),
        }
    }

    /// Whether a fresh connection is not to be read from.
    fn begins_unread(&self) -> bool {
        matches!(self, Self::Acts(acts) if matches!(acts[0], Act::CloseUnread))
    }
}

impl Hostile {
    /// Does `acts` in turn, the last one for ever.
    pub fn acting(acts: impl Into<VecDeque<Act>>) -> Self {
        Self::start(Script::Acts(acts.into()))
    }

    /// Does what `choose` says.
    pub fn choosing(choose: impl FnMut() -> Act + Send + 'static) -> Self {
        Self::start(Script::Choice(Box::new(choose)))
    }

    /// Answers, at this address.
    pub fn at(address: SocketAddr) -> Self {
        Self::listening(address, Script::default())
    }

    fn start(script: Script) -> Self {
        Self::listening(([127, 0, 0, 1], 0).into(), script)
    }

    fn listening(address: SocketAddr, script: Script) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let state = State {
            script,
            ..State::default()
        };
        let this = Self {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(Mutex::new(state)),
        };
        let server = this.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                thread::spawn(move || server.serve(stream));
            }
        });
        this
    }

    /// From now on it does something else.
    pub fn act(&self, act: Act) {
        self.state.lock().expect("no panic").script = Script::Acts([act].into());
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().expect("no panic").seen.clone()
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.state.lock().expect("no panic").connections
    }

    /// How many requests were ever here at once.
    pub fn most_here(&self) -> usize {
        self.state.lock().expect("no panic").most_here
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let unread = {
            let mut state = self.state.lock().expect("no panic");
            state.connections += 1;
            state.script.begins_unread().then(|| state.script.next())
        };
        // An error means that the client has left, as it should.
        while unread.is_none() && matches!(self.turn(&mut stream), Ok(true)) {}
    }

    /// One request; whether the connection stays.
    fn turn(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        // The act comes first: a reset happens when a socket with unread data is closed.
        let mut peeked = [0; 4096];
        let count = stream.peek(&mut peeked)?;
        if count == 0 {
            return Ok(false);
        }
        let act = self.state.lock().expect("no panic").script.next();
        let seen = match act {
            Act::Reset => Seen::of(&peeked[..count], String::new()),
            _ => read(stream)?,
        };
        self.state.lock().expect("no panic").seen.push(seen);
        self.perform(stream, act)
    }

    /// Whether the connection stays.
    fn perform(&self, stream: &mut TcpStream, act: Act) -> std::io::Result<bool> {
        match act {
            Act::Say(text) => stream.write_all(text.as_bytes()).map(|()| true),
            Act::SayAndClose(text) => stream.write_all(text.as_bytes()).map(|()| false),
            Act::SayAndStall(text) => {
                stream.write_all(text.as_bytes())?;
                stream.read(&mut [0]).map(|_| false)
            }
            Act::SayForever(text, more) => {
                stream.write_all(text.as_bytes())?;
                loop {
                    stream.write_all(more.as_bytes())?;
                }
            }
            Act::Trickle(text, more) => {
                stream.write_all(text.as_bytes())?;
                for byte in more.bytes() {
                    thread::sleep(Duration::from_millis(20));
                    stream.write_all(&[byte])?;
                }
                Ok(true)
            }
            Act::CloseUnread | Act::Reset => Ok(false),
            Act::Linger => {
                self.linger();
                self.perform(stream, Act::ok())
            }
        }
    }

    fn linger(&self) {
        {
            let mut state = self.state.lock().expect("no panic");
            state.here += 1;
            state.most_here = state.most_here.max(state.here);
        }
        thread::sleep(Duration::from_millis(20));
        self.state.lock().expect("no panic").here -= 1;
    }
}

/// One request; an error once the client has left.
fn read(stream: &mut TcpStream) -> std::io::Result<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let mut seen = Seen::of(&head, String::new());
    let length = seen
        .headers("content-length")
        .first()
        .map(|&length| length.parse());
    let mut body = vec![0; length.map_or(0, |length| length.expect("a number"))];
    stream.read_exact(&mut body)?;
    seen.body = String::from_utf8(body).expect("text");
    Ok(seen)
}

/// An address where nobody listens as long as the value lives: bound, but not listening.
pub struct Refused(tokio::net::TcpSocket);

impl Refused {
    /// A free port, taken.
    pub fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("a free port");
        Self(socket)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }
}
