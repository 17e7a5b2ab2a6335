//! Puts the cluster's settings into this host's directory, where services read theirs, on a thread
//! that may wait for a disk.
//!
//! Settings go when somebody took them away, and never because a cluster has none: one that lost
//! its memory is no reason to forget.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use atlas::{Change, Directory, Error, Event, Fact, ServiceName, Settings, Store};

use crate::command::report;

/// After a failure.
const AGAIN: Duration = Duration::from_secs(1);
/// Somebody may have changed them here, which is of no avail.
const LOOK: Duration = Duration::from_secs(10);

/// What is to be written, in a channel.
pub struct Mirror(Sender<Wanted>);

/// By service; `None`: there are none any more.
type Wanted = BTreeMap<ServiceName, Option<Settings>>;

impl Mirror {
    pub fn start(directory: Directory) -> Self {
        let (sender, wanted) = channel();
        thread::spawn(move || follow(&directory, &wanted));
        Self(sender)
    }

    /// What the cluster says of settings in it.
    pub fn hear(&self, event: &Event) {
        let wanted: Wanted = match event {
            Event::Full(snapshot) => {
                let all = snapshot.settings.iter();
                all.map(|(service, settings)| (service.clone(), Some(settings.clone())))
                    .collect()
            }
            Event::Changed { changes, .. } => changes.iter().filter_map(changed).collect(),
        };
        if !wanted.is_empty() {
            let _ = self.0.send(wanted);
        }
    }
}

fn changed(change: &Change) -> Option<(ServiceName, Option<Settings>)> {
    match change {
        Change::Settings(service, settings) => Some((service.clone(), settings.clone())),
        _ => None,
    }
}

fn follow(directory: &Directory, news: &Receiver<Wanted>) {
    let mut wanted = Wanted::new();
    let mut complained = None;
    let mut wait = LOOK;
    loop {
        match news.recv_timeout(wait) {
            Ok(first) => wanted.extend(std::iter::once(first).chain(news.try_iter()).flatten()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let trouble = settle(directory, &mut wanted).err();
        wait = if trouble.is_some() { AGAIN } else { LOOK };
        let trouble = trouble.map(|error| error.to_string());
        if let Some(text) = trouble.as_ref().filter(|_| trouble != complained) {
            report::warn(&format!("settings of the cluster are not here: {text}"));
        }
        complained = trouble;
    }
}

/// One that fails does not stop the others. What was taken away is done with once it is gone.
fn settle(directory: &Directory, wanted: &mut Wanted) -> Result<(), Error> {
    let mut outcome = Ok(());
    wanted.retain(|service, settings| {
        let fact = Fact::Settings(service.clone());
        let done = match settings {
            Some(settings) => write(directory, &fact, &settings.to_line()),
            None => directory.delete(&fact).map(drop),
        };
        let keep = settings.is_some() || done.is_err();
        if let Err(error) = done {
            outcome = Err(error);
        }
        keep
    });
    outcome
}

fn write(directory: &Directory, fact: &Fact, line: &str) -> Result<(), Error> {
    match directory.get(fact)? {
        Some(kept) if kept.text == line => Ok(()),
        kept => {
            let seen = kept.map(|kept| kept.version);
            directory.compare_and_set(fact, seen, line).map(drop)
        }
    }
}
