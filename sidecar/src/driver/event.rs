//! What the loop hears of, and the threads that listen.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use atlas::{InstanceId, Revision, Store};
use rustix::process::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::write::Done;
use crate::command::World;
use crate::command::failure::Failure;
use crate::health::{self, Patients, Run};

/// How long a watch waits for news before it is asked again.
const LISTEN: Duration = Duration::from_mins(1);
/// Between attempts at a registry that cannot be read.
const PAUSE: Duration = Duration::from_secs(1);

/// What the loop hears of.
pub enum Event {
    Registry(Result<atlas::Event, Failure>),
    Health(Run, bool),
    Refused(Vec<InstanceId>),
    Died(Pid),
    Done(Done),
    Signal(i32),
}

/// Starts to listen to the registry, to health and to signals.
pub fn listen(world: &World, patients: &Patients, sender: &Sender<Event>) -> Result<(), Failure> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let mut signals = signals.map_err(|error| Failure::system("listen to signals", &error))?;
    let tell = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = tell.send(Event::Signal(signal));
        }
    });
    let (store, tell) = (world.store(), sender.clone());
    thread::spawn(move || follow(&store, &tell));
    let (patients, tell) = (patients.clone(), sender.clone());
    thread::spawn(move || {
        health::watch(&patients, |run, is_ready| {
            drop(tell.send(Event::Health(run, is_ready)));
        });
    });
    Ok(())
}

/// Until nobody listens to us any more.
fn follow(store: &dyn Store, tell: &Sender<Event>) {
    let failed = |error: atlas::Error| {
        let sent = tell.send(Event::Registry(Err(error.into())));
        thread::sleep(PAUSE);
        sent.is_ok()
    };
    let mut watch = loop {
        match store.watch(Revision::NONE) {
            Ok(watch) => break watch,
            Err(error) => {
                if !failed(error) {
                    return;
                }
            }
        }
    };
    loop {
        let goes_on = match watch.next(LISTEN) {
            Ok(Some(event)) => tell.send(Event::Registry(Ok(event))).is_ok(),
            Ok(None) => true,
            Err(error) => failed(error),
        };
        if !goes_on {
            return;
        }
    }
}
