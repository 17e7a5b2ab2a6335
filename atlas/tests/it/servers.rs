//! Real etcds on ports of their own: one, or three that elect a leader. Tests of other crates have
//! this file, too, so it names nothing of this one's.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atlas::{Cluster, Etcd};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whether etcd is there; where it must be, it is an error that it is not.
fn has_etcd() -> bool {
    let there = Command::new("etcd").arg("--version").output().is_ok();
    assert!(
        there || std::env::var_os("TEST_REQUIRE_SERVERS").is_none(),
        "etcd is missing: apt-get install --no-install-recommends etcd-server"
    );
    there
}

/// A cluster. Dropped, its processes end.
pub struct Servers {
    home: TempDir,
    /// A client's port and a peer's, each.
    ports: Vec<(u16, u16)>,
    members: Vec<Option<Child>>,
    is_secret: bool,
}

impl Servers {
    /// One etcd; `None` where none is installed.
    pub fn one() -> Option<Self> {
        Self::start(1, false)
    }

    pub fn three() -> Option<Self> {
        Self::start(3, false)
    }

    /// One etcd that speaks TLS only, by the certificate in `cert.pem`.
    pub fn with_tls() -> Option<Self> {
        Self::start(1, true)
    }

    fn start(count: usize, is_secret: bool) -> Option<Self> {
        if !has_etcd() {
            return None;
        }
        // Held together, so that all differ.
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let held: Vec<_> = (0..count).map(|_| (bind(), bind())).collect();
        let port = |held: &TcpListener| held.local_addr().expect("an address").port();
        let mut servers = Self {
            home: TempDir::new().expect("a temporary directory"),
            ports: held.iter().map(|(a, b)| (port(a), port(b))).collect(),
            members: (0..count).map(|_| None).collect(),
            is_secret,
        };
        drop(held);
        if is_secret {
            servers.certify();
        }
        (0..count).for_each(|member| servers.launch(member));
        servers.until_ready();
        Some(servers)
    }

    /// Starts a member, for the first time or again.
    pub fn launch(&mut self, member: usize) {
        let (client, peer) = self.ports[member];
        let peers = self.ports.iter().enumerate();
        let peers: Vec<_> = peers
            .map(|(at, (_, port))| format!("m{at}=http://127.0.0.1:{port}"))
            .collect();
        let (client, peer) = (
            format!("{}://127.0.0.1:{client}", self.scheme()),
            format!("http://127.0.0.1:{peer}"),
        );
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.file(&format!("log{member}")));
        let child = Command::new("etcd")
            .args(["--name", &format!("m{member}"), "--data-dir"])
            .arg(self.file(&format!("data{member}")))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &peers.join(",")])
            .args(["--heartbeat-interval", "50", "--election-timeout", "500"])
            .args(["--logger", "zap", "--log-outputs", "stderr"])
            .args(self.certificate())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn();
        self.members[member] = Some(child.expect("etcd starts"));
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Not `--auto-tls`: its keys are of a curve that `ring` has no word for.
    fn certify(&self) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-newkey", "ec", "-days", "1"])
            .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args([
                "-subj",
                "/CN=etcd",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(self.file("key.pem"))
            .arg("-out")
            .arg(self.file("cert.pem"))
            .output();
        let made = made.expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
    }

    fn certificate(&self) -> Vec<OsString> {
        if !self.is_secret {
            return Vec::new();
        }
        let files = [
            ("--cert-file", "cert.pem"),
            ("--key-file", "key.pem"),
            ("--trusted-ca-file", "cert.pem"),
        ];
        let words = files.map(|(flag, file)| [flag.into(), self.file(file).into()]);
        [words.concat(), vec!["--client-cert-auth".into()]].concat()
    }

    fn scheme(&self) -> &'static str {
        if self.is_secret { "https" } else { "http" }
    }

    /// There is a leader. Over TLS, that somebody listens must do.
    pub fn until_ready(&self) {
        let is_ready = || {
            let mut ports = self.ports.iter().map(|(client, _)| *client);
            ports.all(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
                && (self.is_secret || (0..self.ports.len()).all(|member| self.knows_leader(member)))
        };
        let began = Instant::now();
        while !is_ready() {
            let late = began.elapsed() > Duration::from_secs(20);
            assert!(!late, "etcd is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that a member, which does not run, has promised is lost.
    pub fn forget(&self, member: usize) {
        let data = self.file(&format!("data{member}"));
        std::fs::remove_dir_all(data).expect("a directory");
    }

    fn knows_leader(&self, member: usize) -> bool {
        self.try_ask(member, "/v3/kv/range", &json!({ "key": b64("a") }))
            .is_some_and(|answer| answer["header"].is_object())
    }

    pub fn leader(&self) -> usize {
        let is_leader = |member: &usize| {
            let status = self.try_ask(*member, "/v3/maintenance/status", &json!({}));
            status.is_some_and(|status| status["leader"] == status["header"]["member_id"])
        };
        let found = (0..self.ports.len()).find(is_leader);
        found.expect("a leader")
    }

    /// SIGKILL.
    pub fn kill(&mut self, member: usize) {
        let mut child = self.members[member].take().expect("a member that runs");
        child.kill().expect("a process");
        child.wait().expect("an end");
    }

    pub fn signal(&self, member: usize, signal: Signal) {
        let child = self.members[member].as_ref().expect("a member that runs");
        kill_process(Pid::from_child(child), signal).expect("a signal");
    }

    pub fn port(&self, member: usize) -> u16 {
        self.ports[member].0
    }

    /// As `ATLAS_ETCD` names them.
    pub fn list(&self) -> String {
        let ports = self.ports.iter();
        let urls = ports.map(|(client, _)| format!("{}://127.0.0.1:{client}", self.scheme()));
        urls.collect::<Vec<_>>().join(",")
    }

    pub fn cluster(&self) -> Cluster {
        Cluster::new(&self.list()).expect("a list")
    }

    pub fn store(&self, realm: &str) -> Etcd {
        Etcd::new(&self.cluster(), realm.parse().expect("a realm"))
    }

    /// Somebody else's word.
    #[track_caller]
    pub fn ask(&self, path: &str, words: &Value) -> Value {
        let answer = self.try_ask(0, path, words);
        answer.expect("an answer")
    }

    #[track_caller]
    pub fn put(&self, key: &str, value: &str) {
        let put = json!({ "key": b64(key), "value": b64(value) });
        assert!(self.ask("/v3/kv/put", &put)["header"].is_object(), "{key}");
    }

    #[track_caller]
    pub fn delete(&self, key: &str) {
        self.ask("/v3/kv/deleterange", &json!({ "key": b64(key) }));
    }

    /// Forgets the past.
    pub fn compact(&self) {
        let now = self.ask("/v3/kv/range", &json!({ "key": b64("a") }));
        let revision = &now["header"]["revision"];
        self.ask("/v3/kv/compaction", &json!({ "revision": revision }));
    }

    fn try_ask(&self, member: usize, path: &str, words: &Value) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[member].0)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let body = words.to_string();
        let head = format!(
            "POST {path} HTTP/1.0\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body.as_str()).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

/// By pid; a stopped one, too.
impl Drop for Servers {
    fn drop(&mut self) {
        for child in self.members.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn b64(text: &str) -> String {
    STANDARD.encode(text)
}
