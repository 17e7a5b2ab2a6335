//! A host among others: what runs here is told to the cluster, what runs elsewhere is heard from it.
//!
//! ```text
//! directory ──▶ union ──▶ the loop of the driver
//! cluster   ──▶   │
//! health    ──▶   └─────▶ publish ──▶ cluster, under the lease of this host
//! cluster   ──▶ mirror ──▶ directory: settings
//! ```
//!
//! This host is known from its directory alone, so an etcd that is away costs nothing here; and what
//! was last known of the others stays so until etcd says otherwise.

mod mirror;
mod publish;
#[cfg(test)]
mod tests;
mod union;

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Etcd, Host, Snapshot, Store};

use super::event::{Event, follow};
use crate::command::failure::Failure;
use crate::command::{World, report};
use crate::health::Run;
use crate::metrics::Board;
use crate::routes::Routes;
use mirror::Mirror;
use publish::Publisher;
use union::Union;

/// A watch of the cluster is asked again that often, so that the time it was last well is known.
const LISTEN: Duration = Duration::from_secs(1);
/// The directory's watch tells of the end of a wait only.
const QUIET: Duration = Duration::from_mins(1);

/// The cluster and this host's place in it.
#[derive(Clone, Debug)]
pub struct Membership {
    pub etcd: Etcd,
    pub host: Host,
    /// What others call where an instance says loopback.
    pub advertise: Option<IpAddr>,
}

/// What the union hears.
pub enum News {
    Local(atlas::Event),
    Remote(atlas::Event),
    Health(Run, bool),
}

/// Where what was heard goes, besides the driver.
struct Outlets {
    cluster: Publisher,
    directory: Mirror,
}

/// Starts to listen to both, and to publish. News of health are for the sender that is returned.
pub fn listen(
    world: &World,
    membership: &Membership,
    board: &Board,
    driver: &Sender<Event>,
) -> Sender<News> {
    if membership.advertise.is_none() {
        report::note("without --advertise, other hosts hear of nothing that listens at loopback");
    }
    let (sender, news) = channel();
    local(world, &sender, driver);
    remote(membership, board, &sender, driver);
    let outlets = Outlets {
        cluster: Publisher::start(membership, world.home()),
        directory: Mirror::start(world.directory()),
    };
    let known = Routes::load(&world.routes(), &world.realm);
    let union = Union::new(membership, known);
    let driver = driver.clone();
    thread::spawn(move || merge(union, &news, &outlets, &driver));
    sender
}

fn local(world: &World, sender: &Sender<News>, driver: &Sender<Event>) {
    let (store, sender, driver) = (world.directory(), sender.clone(), driver.clone());
    thread::spawn(move || {
        follow(&store, QUIET, |heard| match heard {
            Ok(None) => true,
            Ok(Some(event)) => sender.send(News::Local(event)).is_ok(),
            Err(failure) => driver.send(Event::Registry(Err(failure))).is_ok(),
        });
    });
}

fn remote(membership: &Membership, board: &Board, sender: &Sender<News>, driver: &Sender<Event>) {
    // Until it has said something.
    board.told().is_away = true;
    let (etcd, board) = (membership.etcd.clone(), board.clone());
    let (sender, driver) = (sender.clone(), driver.clone());
    thread::spawn(move || {
        follow(&etcd, LISTEN, |heard| {
            let mut told = board.told();
            told.is_away = heard.is_err();
            if !told.is_away {
                (told.connected, told.heard) = (true, Instant::now());
            }
            drop(told);
            match heard {
                Ok(None) => true,
                Ok(Some(event)) => sender.send(News::Remote(event)).is_ok(),
                Err(failure) => driver.send(Event::Registry(Err(failure))).is_ok(),
            }
        });
    });
}

/// One after the other, so that what the driver hears and what others are told is of one mind.
fn merge(mut union: Union, news: &Receiver<News>, outlets: &Outlets, driver: &Sender<Event>) {
    while let Ok(news) = news.recv() {
        // What others do changes nothing of what they are to know of us.
        let is_ours = !matches!(news, News::Remote(_));
        let event = match news {
            News::Local(event) => Some(union.local(event)),
            News::Remote(event) => {
                outlets.directory.hear(&event);
                union.remote(event)
            }
            News::Health(run, is_ready) => {
                union.health(run, is_ready);
                None
            }
        };
        if let Some(event) = event
            && driver.send(Event::Registry(Ok(event))).is_err()
        {
            return;
        }
        if is_ours {
            outlets.cluster.publish(union.published());
        }
    }
}

/// Both at once, for who does not follow.
pub fn read(world: &World, membership: &Membership) -> Result<Snapshot, Failure> {
    let mut union = Union::new(membership, Routes::default());
    union.remote(atlas::Event::Full(membership.etcd.read()?));
    match union.local(atlas::Event::Full(world.directory().read()?)) {
        atlas::Event::Full(snapshot) => Ok(snapshot),
        atlas::Event::Changed { .. } => Ok(Snapshot::default()),
    }
}
