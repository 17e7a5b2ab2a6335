//! What changes. A stream tells of it, line by line, on a thread that may wait for ever; now and then
//! a count says whether the stream has told all of it.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Trouble;
use super::look::{self, Looked};
use super::wire::{self, Range, Streamed, Watched};
use super::{Etcd, keys};
use crate::Error;
use crate::store::{Event, Revision, Watch, patiently};

/// Between looks at whether the stream has told all.
const CHECK: Duration = Duration::from_secs(5);
/// For what was counted a moment before the stream tells of it.
const GRACE: Duration = Duration::from_secs(1);
/// A stream that ends at once is not opened again at once.
const PAUSE: Duration = Duration::from_millis(200);

/// A follower of a realm.
pub(crate) struct Following {
    store: Etcd,
    /// The realm up to what was told of it; `None`: to be read anew.
    looked: Option<Looked>,
    /// The reader knows it.
    is_told: bool,
    lines: Option<Receiver<Watched>>,
    /// The end point that they come from.
    at: usize,
    opened: Instant,
    check: Instant,
    /// Something seems to have been missed.
    is_doubted: bool,
}

impl Following {
    pub(crate) fn start(store: &Etcd, since: Revision) -> Result<Self, Error> {
        let since = Some(since).filter(|since| *since != Revision::NONE);
        // What was so then says what the changes after it are.
        let before = since.map(|since| look::all(&store.client, &store.realm, Some(since.0)));
        let looked = match before {
            None => None,
            Some(Ok(looked)) => Some(looked),
            Some(Err(trouble)) if trouble.is_no_revision() => None,
            Some(Err(trouble)) => return Err(store.client.error(trouble)),
        };
        let now = Instant::now();
        let mut following = Self {
            store: store.clone(),
            is_told: looked.is_some(),
            looked,
            lines: None,
            at: store.client.at(),
            opened: now,
            check: now + CHECK,
            is_doubted: false,
        };
        following.read()?;
        Ok(following)
    }

    fn step(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        self.read()?;
        if let (Some(looked), false) = (&self.looked, self.is_told) {
            self.is_told = true;
            return Ok(Some(Event::Full(looked.snapshot())));
        }
        let until = deadline.min(self.check);
        let wait = until.saturating_duration_since(Instant::now());
        let Some(lines) = &self.lines else {
            return Ok(None);
        };
        match lines.recv_timeout(wait) {
            Ok(watched) => Ok(self.take(&watched)),
            Err(RecvTimeoutError::Timeout) => self.check_if_due().map(|()| None),
            Err(RecvTimeoutError::Disconnected) => {
                self.lines = None;
                // Whoever cannot read what is there now cannot follow it either.
                let reads = self.has_missed();
                reads
                    .map(|_| None)
                    .map_err(|trouble| self.store.client.error(trouble))
            }
        }
    }

    /// The state if it is unknown, and a stream of what comes after it.
    fn read(&mut self) -> Result<(), Error> {
        let failed = |trouble| self.store.client.error(trouble);
        if self.looked.is_none() {
            self.lines = None;
            let looked = look::all(&self.store.client, &self.store.realm, None);
            (self.looked, self.is_told) = (Some(looked.map_err(failed)?), false);
        }
        if let (Some(looked), None) = (&self.looked, &self.lines) {
            // One end point after the other, and not in a circle.
            thread::sleep((self.opened + PAUSE).saturating_duration_since(Instant::now()));
            let opened = stream(&self.store, looked.revision + 1).map_err(failed)?;
            (self.lines, self.at) = (Some(opened.0), opened.1);
            self.opened = Instant::now();
        }
        Ok(())
    }

    fn take(&mut self, watched: &Watched) -> Option<Event> {
        if watched.canceled {
            // Compacted, or whatever else; the truth is to be read.
            self.looked = None;
            return None;
        }
        let looked = self.looked.as_mut()?;
        let mut changes = Vec::new();
        for happened in &watched.events {
            let entry = &happened.kv;
            looked.revision = looked.revision.max(entry.mod_revision);
            changes.extend(if happened.is_delete() {
                looked.delete(&entry.key)
            } else {
                looked.put(entry, entry.create_revision == entry.mod_revision)
            });
        }
        let revision = Revision(looked.revision);
        (!changes.is_empty()).then_some(Event::Changed { revision, changes })
    }

    fn check_if_due(&mut self) -> Result<(), Error> {
        if Instant::now() < self.check {
            return Ok(());
        }
        self.check = Instant::now() + CHECK;
        let missed = self.has_missed();
        let missed = missed.map_err(|trouble| self.store.client.error(trouble))?;
        if missed && self.is_doubted {
            self.store.client.turn(self.at);
            self.looked = None;
        } else if missed {
            self.check = Instant::now() + GRACE;
        }
        self.is_doubted = missed && !self.is_doubted;
        Ok(())
    }

    /// Whether there is something that the stream should have told. What nobody has changed since is
    /// as it was, and if it is as many as before, nothing is gone either.
    fn has_missed(&mut self) -> Result<bool, Trouble> {
        let Some(looked) = &mut self.looked else {
            return Ok(false);
        };
        let mut words = wire::prefix(&keys::realm(&self.store.realm));
        words["keys_only"] = Value::from(true);
        words["limit"] = Value::from("1");
        words["min_mod_revision"] = Value::from((looked.revision + 1).to_string());
        let now: Range = self.store.client.get("/v3/kv/range", &words)?;
        // A cluster that was restored from a backup is another one.
        let is_past = now.header.revision < looked.revision;
        let missed = is_past || !now.kvs.is_empty() || now.count != looked.count;
        if !missed {
            looked.revision = now.header.revision;
        }
        Ok(missed)
    }
}

impl Watch for Following {
    fn next(&mut self, wait: Duration) -> Result<Option<Event>, Error> {
        let told = patiently(wait, |deadline| self.step(deadline));
        if told.is_err() {
            (self.looked, self.lines) = (None, None);
        }
        told
    }
}

/// All that happens from a revision on, through a channel that closes when the stream ends; with it,
/// the end point it comes from.
fn stream(store: &Etcd, from: u64) -> Result<(Receiver<Watched>, usize), Trouble> {
    let mut words = wire::prefix(&keys::realm(&store.realm));
    words["start_revision"] = Value::from(from.to_string());
    let words = json!({ "create_request": words });
    let (stream, at) = store.client.stream("/v3/watch", &words)?;
    let (sender, receiver) = channel();
    let client = store.client.clone();
    thread::spawn(move || {
        let is_wanted = lines(stream, |watched| sender.send(watched).is_ok());
        if is_wanted {
            client.turn(at);
        }
    });
    Ok((receiver, at))
}

/// Tells of each line until the stream ends or nobody listens; whether somebody still does.
fn lines(stream: impl Read, tell: impl Fn(Watched) -> bool) -> bool {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return true,
            Ok(_) => {}
        }
        let streamed = serde_json::from_slice::<Streamed<Watched>>(&line);
        let Ok(Some(watched)) = streamed.map(|streamed| streamed.result) else {
            // An error of this member: no leader, say. Another one may know better.
            return true;
        };
        if !tell(watched) {
            return false;
        }
    }
}
