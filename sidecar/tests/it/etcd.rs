//! A real etcd on ports of its own, that can die, come back, and come back without its memory.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Cluster, Etcd, Store};
use tempfile::TempDir;

use crate::world::PATIENCE;

/// Whether etcd is there; where it must be, it is an error that it is not.
fn has_etcd() -> bool {
    let there = Command::new("etcd").arg("--version").output().is_ok();
    assert!(
        there || std::env::var_os("TEST_REQUIRE_SERVERS").is_none(),
        "etcd is missing: apt-get install --no-install-recommends etcd-server"
    );
    there
}

pub struct Server {
    home: TempDir,
    ports: [u16; 2],
    child: Option<Child>,
}

impl Server {
    pub fn running() -> Option<Self> {
        if !has_etcd() {
            return None;
        }
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let ports = held.map(|port| port.local_addr().expect("an address").port());
        let mut server = Self {
            home: TempDir::new().expect("a temporary directory"),
            ports,
            child: None,
        };
        server.start();
        Some(server)
    }

    pub fn start(&mut self) {
        let [client, peer] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let log = File::create(self.home.path().join("log")).expect("a log");
        let child = Command::new("etcd")
            .arg("--data-dir")
            .arg(self.home.path().join("data"))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-outputs", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("etcd starts"));
        let began = Instant::now();
        let listens = || TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok();
        while !listens() || self.store().read().is_err() {
            assert!(began.elapsed() < PATIENCE, "etcd does not answer");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Everything that was promised is lost.
    pub fn forget(&self) {
        fs::remove_dir_all(self.home.path().join("data")).expect("a directory");
    }

    pub fn list(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    pub fn store(&self) -> Etcd {
        let cluster = Cluster::new(&self.list()).expect("an address");
        Etcd::new(&cluster, atlas::Realm::default())
    }
}

/// By pid.
impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
