//! A registration that nobody waits for: a thread tries, and tries again. A cluster may take seconds
//! to answer, in which a program ends and signals are to be passed on.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use atlas::{Error, Instance, Registration, Store};

/// How often to see to it that the entry is still there.
const RENEW: Duration = Duration::from_secs(2);
/// After a failure.
const AGAIN: Duration = Duration::from_millis(500);
/// What could not be taken back in this time ends with its lease.
const GOODBYE: Duration = Duration::from_secs(1);

/// A registration in the hands of a thread. Dropped, it is taken back.
pub struct Patient {
    instance: Instance,
    wanted: Option<Sender<Instance>>,
    trouble: Trouble,
    ended: Receiver<()>,
}

type Trouble = Arc<Mutex<Option<Error>>>;

impl Patient {
    /// Begins to register, and does not wait.
    pub fn register(store: Arc<dyn Store>, instance: &Instance) -> Self {
        let (wanted, words) = channel();
        let (end, ended) = channel();
        let trouble = Trouble::default();
        let (first, told) = (instance.clone(), Arc::clone(&trouble));
        thread::spawn(move || {
            follow(&*store, first, &words, &told);
            drop(store);
            let _ = end.send(());
        });
        Self {
            instance: instance.clone(),
            wanted: Some(wanted),
            trouble,
            ended,
        }
    }
}

fn follow(
    store: &dyn Store,
    mut wanted: Instance,
    words: &Receiver<Instance>,
    trouble: &Mutex<Option<Error>>,
) {
    let mut registered: Option<Box<dyn Registration>> = None;
    loop {
        let done = match &mut registered {
            None => store.register(&wanted).map(|new| registered = Some(new)),
            Some(known) if *known.instance() != wanted => known.update(&wanted),
            Some(known) => known.renew().map(drop),
        };
        let pause = if done.is_ok() { RENEW } else { AGAIN };
        *locked(trouble) = done.err();
        match words.recv_timeout(pause) {
            Ok(last) => wanted = last,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn locked(trouble: &Mutex<Option<Error>>) -> MutexGuard<'_, Option<Error>> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registration for Patient {
    fn instance(&self) -> &Instance {
        &self.instance
    }

    fn update(&mut self, instance: &Instance) -> Result<(), Error> {
        self.instance = instance.clone();
        let wanted = self.wanted.iter();
        // The thread ends after this one only.
        wanted.for_each(|wanted| drop(wanted.send(instance.clone())));
        Ok(())
    }

    /// The thread does that; what it has met last is told.
    fn renew(&mut self) -> Result<bool, Error> {
        locked(&self.trouble).take().map_or(Ok(false), Err)
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        self.wanted = None;
        let _ = self.ended.recv_timeout(GOODBYE);
    }
}
