//! Instances: HTTP servers of this process, or of one that can be killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use atlas::{Directory, Host, Instance, InstanceId, Places, Realm, Registration, Store};

use crate::world::World;

/// An instance of this process: a listener that answers with its port, and its registration.
pub struct Served {
    pub port: u16,
    pub registration: Option<Box<dyn Registration>>,
    is_ready: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
}

impl Served {
    pub fn start(world: &World, service: &str) -> Self {
        Self::with(&world.store(), service, |_| {})
    }

    pub fn with(store: &Directory, service: &str, change: impl Fn(&mut Instance)) -> Self {
        let mut prepared = Self::prepare(service);
        prepared.instance.realm = store.realm().clone();
        change(&mut prepared.instance);
        prepared.register(store)
    }

    /// Listens, and is not registered.
    pub fn prepare(service: &str) -> Prepared {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = Self {
            port,
            registration: None,
            is_ready: Arc::new(AtomicBool::new(true)),
            ends: Arc::new(AtomicBool::new(false)),
        };
        let (ready, end) = (Arc::clone(&served.is_ready), Arc::clone(&served.ends));
        thread::spawn(move || serve(&listener, port, &ready, &end));
        Prepared {
            instance: instance(service, port),
            served,
        }
    }

    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    pub fn drain(&mut self) {
        self.registration
            .as_mut()
            .expect("registered")
            .drain()
            .expect("drained");
    }

    /// Closes the listener; connections that are open go on.
    pub fn close(&self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One that listens and is not registered.
pub struct Prepared {
    served: Served,
    pub instance: Instance,
}

impl Prepared {
    pub fn register(mut self, store: &Directory) -> Served {
        let registration = store.register(&self.instance).expect("a registration");
        self.served.registration = Some(registration);
        self.served
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.close();
    }
}

pub fn instance(service: &str, port: u16) -> Instance {
    let id = InstanceId {
        service: service.parse().expect("a name"),
        host: Host::this(),
        port: port.try_into().expect("a port"),
    };
    Instance::new(id, [127, 0, 0, 1].into(), Realm::default())
}

fn serve(listener: &TcpListener, port: u16, is_ready: &Arc<AtomicBool>, ends: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let is_ready = Arc::clone(is_ready);
        thread::spawn(move || answer(stream, port, &is_ready));
    }
}

/// Keeps the connection; a path `/slow` takes 300 ms, `/health/ready` says whether it is.
fn answer(stream: TcpStream, port: u16, is_ready: &AtomicBool) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
            if first.is_empty() {
                first = line;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        if first.contains("/slow") {
            thread::sleep(std::time::Duration::from_millis(300));
        }
        let sick = first.contains("/health") && !is_ready.load(Ordering::Relaxed);
        let status = if sick {
            "503 Service Unavailable"
        } else {
            "200 OK"
        };
        let body = format!("port={port};");
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).ok()?;
    }
}

/// An instance in a process of its own: this very test binary, started again.
pub struct Apart {
    child: Child,
    /// Open, so that it can say its last words.
    _words: BufReader<ChildStdout>,
    pub port: u16,
}

impl Apart {
    pub fn start(world: &World, service: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "instance::apart",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("SIDECAR_CHILD", service)
            .env("SIDECAR_CHILD_RUNTIME", world.runtime())
            .env("SIDECAR_CHILD_REALM", world.realm.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut words = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = words.by_ref().lines();
        let port = lines.find_map(|line| line.ok()?.split_once("port=")?.1.parse().ok());
        Self {
            child,
            _words: words,
            port: port.expect("the child's port"),
        }
    }

    /// Does not wait for its end.
    pub fn signal_kill(&mut self) {
        self.child.kill().expect("a process");
    }

    /// As a service ends: it drains, goes on for 100 ms, and exits.
    pub fn retire(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("a process");
        assert!(status.success(), "{status}");
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The other side; as a test among tests, it does nothing.
#[test]
fn apart() {
    apart_if_asked();
}

/// Tells whether this process is such an instance, once it has ended.
pub fn apart_if_asked() -> bool {
    let Ok(service) = std::env::var("SIDECAR_CHILD") else {
        return false;
    };
    let runtime = std::env::var_os("SIDECAR_CHILD_RUNTIME").expect("a directory");
    let realm = std::env::var("SIDECAR_CHILD_REALM").expect("a realm");
    let places = Places {
        data: Path::new(&runtime).join("../data"),
        runtime: runtime.into(),
    };
    let store = Directory::new(&places, realm.parse().expect("a realm"));
    let mut served = Served::with(&store, &service, |_| {});
    writeln!(std::io::stdout(), "\nport={}", served.port).expect("a pipe");
    // Until whoever started us closes our input.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    served.drain();
    thread::sleep(std::time::Duration::from_millis(100));
    true
}

/// A program that knows nothing of Atlas and listens at `$PORT`; as a test among tests, it does
/// nothing.
#[test]
fn plain() {
    if std::env::var_os("SIDECAR_PLAIN").is_none() {
        return;
    }
    let port = std::env::var("PORT").expect("a port");
    let port = port.parse().expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a listener");
    serve(&listener, port, &Arc::new(true.into()), &false.into());
}
