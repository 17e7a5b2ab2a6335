//! Tells the cluster what runs here, on a thread that may wait for it. What counts is the last word.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Error, Etcd, Instance, InstanceId, Registration, Store};

use super::Membership;
use crate::command::report;
use crate::files;
use crate::home::PlainPath;

/// After a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// Somebody may have tidied up.
const RENEW: Duration = Duration::from_secs(10);

/// What is to be known elsewhere, in a channel.
pub struct Publisher(Sender<Wanted>);

type Wanted = BTreeMap<InstanceId, Instance>;

impl Publisher {
    /// Goes on where the last Sidecar of this directory stopped, under its lease: what it had
    /// published does not vanish in between, and is not somebody else's.
    pub fn start(membership: &Membership, home: &PlainPath) -> Self {
        let (sender, wanted) = channel();
        let lease: PathBuf = home.join("lease").as_ref().to_owned();
        if let Some(last) = read(&lease) {
            membership.etcd.resume(last);
        }
        let mut work = Work {
            etcd: membership.etcd.clone(),
            lease,
            noted: None,
            registered: BTreeMap::new(),
            renewed: Instant::now(),
            complained: None,
        };
        thread::spawn(move || work.follow(&wanted));
        Self(sender)
    }

    pub fn publish(&self, wanted: Wanted) {
        let _ = self.0.send(wanted);
    }
}

struct Work {
    etcd: Etcd,
    /// The file that says our lease, and what it says.
    lease: PathBuf,
    noted: Option<NonZeroU64>,
    registered: BTreeMap<InstanceId, Box<dyn Registration>>,
    renewed: Instant,
    /// The last trouble, so that it is told once.
    complained: Option<String>,
}

impl Work {
    fn follow(&mut self, news: &Receiver<Wanted>) {
        // Before there is anything to publish: what comes first is not to wait for a disk.
        let mut wait = if self.note().is_ok() { RENEW } else { AGAIN };
        let mut wanted = Wanted::new();
        loop {
            match news.recv_timeout(wait) {
                Ok(last) => wanted = news.try_iter().last().unwrap_or(last),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            wait = match self.settle(&wanted) {
                Ok(()) => {
                    self.complained = None;
                    RENEW
                }
                Err(error) => {
                    self.complain(&error);
                    AGAIN
                }
            };
        }
    }

    /// From what is registered to what is wanted. One that fails does not stop the others.
    fn settle(&mut self, wanted: &Wanted) -> Result<(), Error> {
        self.registered.retain(|id, _| wanted.contains_key(id));
        let mut outcome = Ok(());
        for (id, instance) in wanted {
            let done = match self.registered.get_mut(id) {
                Some(known) if known.instance() == instance => Ok(()),
                Some(known) => known.update(instance),
                None => self.etcd.register(instance).map(|new| {
                    self.registered.insert(id.clone(), new);
                }),
            };
            outcome = done.and(outcome);
        }
        outcome
            .and_then(|()| self.note())
            .and_then(|()| self.renew())
    }

    /// Keeps the number of our lease for the next Sidecar. Without it that one waits for the lease to
    /// end, which is no reason to stop.
    fn note(&mut self) -> Result<(), Error> {
        let lease = self.etcd.lease()?;
        if self.noted != Some(lease) {
            let _ = files::replace(&self.lease, &format!("{lease}\n"));
            self.noted = Some(lease);
        }
        Ok(())
    }

    /// Somebody may have taken an entry away.
    fn renew(&mut self) -> Result<(), Error> {
        if self.renewed.elapsed() >= RENEW {
            self.renewed = Instant::now();
            for registration in self.registered.values_mut() {
                registration.renew()?;
            }
        }
        Ok(())
    }

    fn complain(&mut self, error: &Error) {
        let text = error.to_string();
        if self.complained.as_ref() != Some(&text) {
            report::warn(&format!("this host is not published: {text}"));
            self.complained = Some(text);
        }
    }
}

fn read(path: &std::path::Path) -> Option<NonZeroU64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
