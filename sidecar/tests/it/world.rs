//! A registry, a Sidecar and its `HAProxy` in an empty directory, on ports of their own.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Directory, Places, Realm};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::instance::Served;

pub const PATIENCE: Duration = Duration::from_secs(10);

/// Whether `HAProxy` is there; where it must be, it is an error that it is not.
pub fn has_haproxy() -> bool {
    let there = Command::new("haproxy").arg("-v").output().is_ok();
    assert!(
        there || std::env::var_os("TEST_REQUIRE_SERVERS").is_none(),
        "HAProxy is missing: apt-get install --no-install-recommends haproxy"
    );
    there
}

pub struct World {
    home: Arc<TempDir>,
    pub realm: Realm,
    pub ports: [u16; 3],
    /// More of the Sidecar's environment.
    pub env: Vec<(&'static str, String)>,
    /// Another program than the `haproxy` on the path.
    pub haproxy_program: Option<PathBuf>,
    sidecar: Option<Child>,
}

impl World {
    /// With a Sidecar that runs.
    pub fn running() -> Option<Self> {
        let mut world = Self::new();
        has_haproxy().then(|| {
            world.start();
            world
        })
    }

    pub fn new() -> Self {
        let home = TempDir::new().expect("a temporary directory");
        Self::at(Arc::new(home), Realm::default())
    }

    /// A realm of the same registry, with ports of its own.
    pub fn beside(&self, realm: &str) -> Self {
        Self::at(Arc::clone(&self.home), realm.parse().expect("a realm"))
    }

    fn at(home: Arc<TempDir>, realm: Realm) -> Self {
        let ports = [(); 3].map(|()| free_port());
        Self {
            home,
            realm,
            ports,
            env: Vec::new(),
            haproxy_program: None,
            sidecar: None,
        }
    }

    pub fn runtime(&self) -> PathBuf {
        self.home.path().join("run")
    }

    /// The folder of the registrations.
    pub fn hosts(&self) -> PathBuf {
        self.runtime().join(self.realm.as_str()).join("hosts")
    }

    /// The Sidecar's directory.
    pub fn place(&self) -> PathBuf {
        self.runtime().join(self.realm.as_str()).join("sidecar")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.place().join(name)
    }

    pub fn store(&self) -> Directory {
        let places = Places {
            runtime: self.runtime(),
            data: self.home.path().join("data"),
        };
        Directory::new(&places, self.realm.clone())
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidecar"));
        let [listen, own, stats] = self.ports.map(|port| format!("127.0.0.1:{port}"));
        command
            .args(words)
            .env("ATLAS_DIR", self.runtime())
            .env("ATLAS", self.home.path().join("data"))
            .env("ATLAS_REALM", self.realm.as_str())
            .env("SIDECAR_LISTEN", listen)
            .env("SIDECAR_STATUS", own)
            .env("SIDECAR_STATS", stats)
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null());
        if let Some(program) = &self.haproxy_program {
            command.env("SIDECAR_HAPROXY", program);
        }
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("a process")
    }

    pub fn start(&mut self) {
        let log = fs::File::options();
        let log = log
            .clone()
            .append(true)
            .create(true)
            .open(self.home.path().join("log"));
        let mut command = self.command(&[]);
        command.stderr(log.expect("a log"));
        self.sidecar = Some(command.spawn().expect("a process"));
        self.until("the Sidecar serves", || {
            self.metrics().contains("haproxy_up 1")
        });
        self.until("HAProxy serves", || {
            TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok()
        });
    }

    /// The Sidecar's process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(self.sidecar.as_ref().expect("a Sidecar"))
    }

    /// Sends a signal, and waits for the end.
    pub fn signal(&mut self, signal: Signal) {
        let mut sidecar = self.sidecar.take().expect("a Sidecar");
        kill_process(Pid::from_child(&sidecar), signal).expect("a signal");
        sidecar.wait().expect("an end");
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    pub fn haproxy(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.file("haproxy.pid")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[0]).into()
    }

    /// Calls a service; the whole answer, empty if there was none.
    pub fn get(&self, service: &str) -> String {
        let head = format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx-service: {service}\r\nconnection: close\r\n\r\n"
        );
        ask(self.ports[0], &head)
    }

    pub fn status(&self) -> String {
        ask(self.ports[1], "GET /status HTTP/1.1\r\n\r\n")
    }

    pub fn metrics(&self) -> String {
        ask(self.ports[1], "GET /metrics HTTP/1.1\r\n\r\n")
    }

    /// The value of a metric without labels, or with them as written.
    pub fn metric(&self, name: &str) -> u64 {
        let metrics = self.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}"))
            .parse()
            .expect("a number")
    }

    /// Waits, looking each millisecond, and tells how long it took.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Duration {
        let began = Instant::now();
        while !is_so() {
            assert!(
                began.elapsed() < PATIENCE,
                "not so in time: {what}\n{}\n{}",
                self.log(),
                self.metrics()
            );
            thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }

    /// Until a restarted `HAProxy` would have it, too.
    pub fn until_written(&self, served: &Served) {
        let line = format!("127.0.0.1:{} weight 100 # ", served.port);
        self.until("the configuration has it", || {
            let config = fs::read_to_string(self.file("haproxy.cfg"));
            config.unwrap_or_default().contains(&line)
        });
    }

    pub fn until_answer(&self, service: &str, what: &str) -> Duration {
        self.until(&format!("{service} answers {what}"), || {
            self.get(service).contains(what)
        })
    }
}

/// By pid, and also on panic: `HAProxy` outlives a Sidecar that is killed.
impl Drop for World {
    fn drop(&mut self) {
        if let Some(sidecar) = &mut self.sidecar {
            let _ = sidecar.kill();
            let _ = sidecar.wait();
        }
        // One that was just being started has no pid file yet.
        for master in haproxies(&self.place().display().to_string()) {
            let _ = kill_process(master, Signal::KILL);
        }
    }
}

/// Below those that the system gives to clients: it is still free when `HAProxy` comes back to it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries that run at once begin elsewhere.
    let first = std::process::id().wrapping_mul(97) % 20_000;
    loop {
        let number = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + (first + number) % 20_000).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A measurement, for whoever runs with `--nocapture`.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Those whose command line names the directory: of this test and no other.
fn haproxies(home: &str) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = processes.filter(|process| {
        let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.starts_with("haproxy\0") && words.contains(home)
    });
    ours.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
        .collect()
}

fn ask(port: u16, head: &str) -> String {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.read_to_end(&mut answer);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
