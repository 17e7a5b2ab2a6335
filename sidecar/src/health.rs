//! Is it ready? Asked each second, of the instances of this host only: cost goes with instances,
//! not with instances times hosts.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Health, Host, Instance, InstanceId};

use crate::probe::side_by_side;

const EVERY: Duration = Duration::from_secs(1);
/// An answer may take so long.
const PATIENCE: Duration = Duration::from_millis(800);
/// So many bad answers one after the other, and no new requests go there; one good one mends it.
const FALL: u8 = 2;

/// One run of an instance: the same name started again is another, and begins as healthy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub id: InstanceId,
    pub addr: SocketAddr,
    pid: u32,
}

impl Run {
    pub fn of(instance: &Instance) -> Self {
        Self {
            id: instance.id.clone(),
            addr: SocketAddr::new(instance.addr, instance.id.port.get()),
            pid: instance.pid.map_or(0, Into::into),
        }
    }
}

/// Who is to be asked, and where.
#[derive(Clone, Debug, Default)]
pub struct Patients(Arc<Mutex<BTreeMap<Run, Health>>>);

impl Patients {
    /// From now on these, as far as they are of this host and name a path.
    pub fn set<'a>(&self, instances: impl Iterator<Item = &'a Instance>) {
        let here = Host::this();
        let ours = instances.filter(|instance| instance.id.host == here);
        let named = ours.filter_map(|one| Some((Run::of(one), one.health.clone()?)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = named.collect();
    }

    fn now(&self) -> BTreeMap<Run, Health> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Asks for ever, and tells of every change. Blocks.
pub fn watch(patients: &Patients, tell: impl Fn(Run, bool)) {
    let mut bad: BTreeMap<Run, u8> = BTreeMap::new();
    loop {
        let began = Instant::now();
        let asked = patients.now();
        bad.retain(|run, _| asked.contains_key(run));
        for (run, is_ready) in round(&asked) {
            let before = bad.get(&run).copied().unwrap_or(0);
            let after = if is_ready {
                0
            } else {
                before.saturating_add(1)
            };
            bad.insert(run.clone(), after);
            if (before >= FALL) != (after >= FALL) {
                tell(run, is_ready);
            }
        }
        thread::sleep(EVERY.saturating_sub(began.elapsed()));
    }
}

fn round(asked: &BTreeMap<Run, Health>) -> Vec<(Run, bool)> {
    let asked: Vec<_> = asked.iter().collect();
    let ask = |(run, path): &(&Run, &Health)| {
        let is_ready = ready(run, path).unwrap_or(false);
        ((*run).clone(), is_ready)
    };
    side_by_side(&asked, ask)
}

/// Whether it answers with a status of 200 to 299.
fn ready(run: &Run, path: &Health) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&run.addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let host = &run.id.service;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: sidecar\r\nconnection: close\r\n\r\n"
    )?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    Ok(status.starts_with(b"HTTP/1.") && status[8..].starts_with(b" 2"))
}
