//! The naive way: for each change read everything, render, `haproxy -c`, rename, reload. One ACL a
//! service, and what `HAProxy` does if nobody says more.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use atlas::{Revision, Snapshot, Store};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::world::World;

/// Between questions.
const PAUSE: Duration = Duration::from_millis(5);

pub struct Naive {
    place: TempDir,
    haproxy: Child,
    ends: Arc<AtomicBool>,
    /// Instances in what was reloaded last.
    pub applied: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Naive {
    /// On the first port of a world that has no Sidecar.
    pub fn start(world: &World) -> Self {
        let place = TempDir::new().expect("a temporary directory");
        let config = place.path().join("haproxy.cfg");
        let snapshot = world.store().read().expect("the registry");
        render(&config, world.ports[0], &snapshot);
        let haproxy = Command::new("haproxy")
            .args(["-W", "-q", "-S"])
            .arg(place.path().join("master.sock"))
            .arg("-f")
            .arg(&config)
            .spawn()
            .expect("HAProxy");
        let (ends, applied) = (Arc::default(), Arc::default());
        let mut naive = Self {
            place,
            haproxy,
            ends,
            applied,
            thread: None,
        };
        world.until("HAProxy serves", || {
            std::net::TcpStream::connect(world.address()).is_ok()
        });
        // Not before: a master that is just starting would die of SIGUSR2.
        naive.follow(world, config);
        naive
    }

    fn follow(&mut self, world: &World, config: PathBuf) {
        let (store, port) = (world.store(), world.ports[0]);
        let master = Pid::from_child(&self.haproxy);
        let socket = self.place.path().join("master.sock");
        let (ends, applied) = (Arc::clone(&self.ends), Arc::clone(&self.applied));
        self.thread = Some(thread::spawn(move || {
            let mut watch = store.watch(Revision::NONE).expect("the registry");
            while !ends.load(Ordering::Relaxed) {
                let event = watch.next(Duration::from_millis(100));
                if event.expect("the registry").is_none() {
                    continue;
                }
                let snapshot = store.read().expect("the registry");
                render(&config, port, &snapshot);
                reload(master, &socket);
                applied.store(snapshot.instances.len(), Ordering::Relaxed);
            }
        }));
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
        // The master takes its workers along.
        let _ = kill_process(Pid::from_child(&self.haproxy), Signal::TERM);
        let _ = self.haproxy.wait();
    }
}

/// One reload, and waits until the master says that it was. One that comes while it begins anew may
/// be lost, hence asked for again.
pub fn reload(master: Pid, socket: &Path) {
    let before = loop {
        match reloads(socket) {
            Some(reloads) => break reloads,
            None => thread::sleep(PAUSE),
        }
    };
    loop {
        kill_process(master, Signal::USR2).expect("HAProxy");
        for _ in 0..200 {
            thread::sleep(PAUSE);
            if reloads(socket).is_some_and(|reloads| reloads > before) {
                return;
            }
        }
    }
}

/// Reloads so far, by the master's word. While it begins anew it says nothing.
fn reloads(socket: &Path) -> Option<u64> {
    let mut master = UnixStream::connect(socket).ok()?;
    master.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    master.write_all(b"show proc\n").ok()?;
    let (mut table, mut buffer) = (String::new(), [0; 4096]);
    while !table.ends_with("\n\n") {
        let length = master.read(&mut buffer).ok().filter(|length| *length > 0)?;
        table += &String::from_utf8_lossy(&buffer[..length]);
    }
    let line = table.lines().find(|line| line.contains("master"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

fn render(config: &PathBuf, port: u16, snapshot: &Snapshot) {
    let mut front = format!(
        "global\n    maxconn 4096\n    hard-stop-after 60s\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 60s\n    timeout server 60s\nfrontend services\n    bind 127.0.0.1:{port}\n"
    );
    let mut back = String::new();
    let mut last = None;
    for (number, instance) in snapshot.instances.values().enumerate() {
        let (service, to) = (&instance.id.service, instance.id.port);
        if last != Some(service) {
            front += &format!(
                "    use_backend {service} if {{ req.hdr(x-service) -m str {service} }}\n"
            );
            back += &format!("backend {service}\n");
            last = Some(service);
        }
        if instance.is_up() {
            back += &format!("    server s{number} {}:{to}\n", instance.addr);
        }
    }
    let aside = config.with_extension("new");
    fs::write(&aside, front + &back).expect("a configuration");
    let looked = Command::new("haproxy")
        .args(["-c", "-q", "-f"])
        .arg(&aside)
        .status();
    assert!(looked.expect("HAProxy").success());
    fs::rename(&aside, config).expect("a configuration");
}
