//! What the loop hears of, and the threads that listen.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use atlas::{InstanceId, Revision, Store};
use rustix::process::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::cluster::{self, News};
use super::write::Done;
use crate::command::World;
use crate::command::failure::Failure;
use crate::health::{self, Patients, Run};
use crate::metrics::Board;

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
pub fn listen(
    world: &World,
    board: &Board,
    patients: &Patients,
    sender: &Sender<Event>,
) -> Result<(), Failure> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let mut signals = signals.map_err(|error| Failure::system("listen to signals", &error))?;
    let tell = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = tell.send(Event::Signal(signal));
        }
    });
    let membership = world.membership.as_ref();
    let cluster = membership.map(|of| cluster::listen(world, of, board, sender));
    if cluster.is_none() {
        let (store, tell) = (world.directory(), sender.clone());
        thread::spawn(move || {
            follow(&store, LISTEN, |heard| {
                let event = heard.transpose().map(Event::Registry);
                event.is_none_or(|event| tell.send(event).is_ok())
            });
        });
    }
    let (patients, tell) = (patients.clone(), sender.clone());
    thread::spawn(move || {
        health::watch(&patients, |run, is_ready| {
            if let Some(cluster) = &cluster {
                drop(cluster.send(News::Health(run.clone(), is_ready)));
            }
            drop(tell.send(Event::Health(run, is_ready)));
        });
    });
    Ok(())
}

/// Tells what a store says, at least after each wait, until nobody listens to us any more.
pub fn follow(
    store: &dyn Store,
    wait: Duration,
    mut tell: impl FnMut(Result<Option<atlas::Event>, Failure>) -> bool,
) {
    let failed = |error: atlas::Error, tell: &mut dyn FnMut(_) -> bool| {
        let goes_on = tell(Err(Failure::from(error)));
        thread::sleep(PAUSE);
        goes_on
    };
    let mut watch = loop {
        match store.watch(Revision::NONE) {
            Ok(watch) => break watch,
            Err(error) => {
                if !failed(error, &mut tell) {
                    return;
                }
            }
        }
    };
    loop {
        let goes_on = match watch.next(wait) {
            Ok(event) => tell(Ok(event)),
            Err(error) => failed(error, &mut tell),
        };
        if !goes_on {
            return;
        }
    }
}
