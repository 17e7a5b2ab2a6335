//! The naive way: for each change read everything, render, `haproxy -c`, rename, reload. One ACL a
//! service, and what `HAProxy` does if nobody says more.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use atlas::{Revision, Snapshot, Store};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::world::World;

pub struct Naive {
    _place: TempDir,
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
            .args(["-W", "-q", "-f"])
            .arg(&config)
            .spawn()
            .expect("HAProxy");
        let (ends, applied) = (Arc::default(), Arc::default());
        let mut naive = Self {
            _place: place,
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
                kill_process(master, Signal::USR2).expect("HAProxy");
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
