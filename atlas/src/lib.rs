//! Atlas, the registry: what runs where, and who was promised which port.
//!
//! # What runs where
//! ```text
//! names.rs     the one parser of names; what it lets through can be rendered anywhere
//! instance.rs  a running instance, and the line of JSON that says so
//! settings.rs  the settings of a service, one document each
//! store.rs     the narrow interface: read, watch, register, compare-and-set, delete
//! picture.rs   the state of a realm while it is looked at, entry by entry
//! bad.rs       what counts for nothing, and why
//! directory.rs the store of one machine: files and locks, no server
//! etcd.rs      the store of a cluster
//! places.rs    where its directories are
//! ```
//! The format of the files is told in `README.md`, for whoever writes them in another language.
//!
//! # Who was promised which port
//! ```text
//! lib.rs          the map, and the two questions: `peek` (what would I get?) and `reserve` (give it to me)
//! wish.rs         what is asked for: one port or a range, for whom, and what the neighbours have
//! owner.rs        a service and its directory: parsed values, therefore safe as file names
//! search.rs       the rule of what is free, and the first port that is
//! ports.rs        ports that no registry can give: blocked by browsers, ephemeral, listened on
//! claim.rs        a claim in flight: staked, found dead, completed or cleared away
//! reservation.rs  a claim in the caller's hands: kept, or given back on drop
//! record.rs       what the files say
//! dir.rs          the directory: keys to paths, listing, the lock
//! holder.rs       who stands in the way, and how many
//! error.rs        what can go wrong, and what to type
//! ```
//!
//! It is a plain directory, one small file per fact:
//!
//! ```text
//! <data>/ports/5004       a kept promise; the name is the port, so that a listing opens no file
//! <data>/services/orders  the last promise to a service of that name: a hint, checked against `ports/`
//! <data>/claims/5004      a claim in flight, flock'd by its generator: the kernel frees it on any death
//! <data>/.lock            flock'd while ports are looked at or names change
//! ```
//!
//! Invariants:
//! - Every name below `<data>` appears and disappears under `.lock`; `peek` changes none.
//! - A claim *becomes* the promise by one rename. So there is no moment at which a killed
//!   generator leaves half of either; one that dies between publishing its service and that
//!   rename leaves a dead claim, which the next `reserve` completes on its behalf.
//! - No record is trusted further than its name: garbage in `ports/5004` still holds 5004.
//! - Nothing here prints, asks, or knows what a generator is, except that a published service
//!   has a `service.toml` with its name and port.

mod bad;
mod claim;
mod dir;
#[cfg(target_os = "linux")]
mod directory;
mod error;
#[cfg(all(feature = "etcd", target_os = "linux"))]
mod etcd;
mod holder;
mod instance;
mod names;
mod owner;
#[cfg(target_os = "linux")]
mod picture;
pub mod places;
pub mod ports;
mod record;
mod reservation;
mod search;
mod settings;
mod store;
mod wish;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use bad::{Bad, Reason};
#[cfg(target_os = "linux")]
pub use directory::Directory;
pub use error::{Distrust, Error, plain};
#[cfg(all(feature = "etcd", target_os = "linux"))]
pub use etcd::{Claim, Cluster, Etcd};
pub use holder::{Counts, Holder};
pub use instance::{Instance, LONGEST_ENTRY, Weight};
pub use names::{
    Health, Host, InstanceId, Realm, Release, ServiceName, SettingKey, Target, parse_port,
};
pub use owner::Owner;
pub use places::Places;
pub use reservation::Reservation;
pub use settings::Settings;
pub use store::{
    Change, Event, Fact, Kept, MOST_INSTANCES, Registration, Revision, Snapshot, Store, Version,
    Watch,
};
pub use wish::{Ports, Wish};

use dir::Dir;

/// A registry in a directory of this machine.
#[derive(Clone, Debug)]
pub struct Atlas {
    dir: Dir,
}

impl Atlas {
    /// The registry at `root`, which need not exist. Does no I/O.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            dir: Dir::at(root.into()),
        }
    }

    /// The port that the wish would be given now. Changes nothing on the disk.
    pub fn peek(&self, wish: &Wish) -> Result<u16, Error> {
        let _lock = self.dir.lock_if_there()?;
        match &wish.ports {
            Ports::Exact(port) => search::exact(&self.dir, *port, wish),
            Ports::Range(range) => search::first_fit(&self.dir, range, wish),
        }
    }

    /// Claims the port that [`peek`](Self::peek) named. [`Error::Lost`] means that somebody else
    /// was faster: plan anew.
    pub fn reserve(&self, port: u16, wish: &Wish) -> Result<Reservation, Error> {
        self.dir.create()?;
        let lock = self.dir.lock()?;
        claim::settle(&self.dir)?;
        if let Some(by) = search::holder(&self.dir, port, wish)? {
            return Err(Error::Lost { port, by });
        }
        let file = claim::stake(&self.dir, port, &wish.owner)?;
        drop(lock);
        Ok(Reservation::new(
            self.dir.clone(),
            port,
            wish.owner.clone(),
            file,
        ))
    }

    /// Files among the ports and claims whose names are no port: ignored, but worth a warning.
    pub fn oddities(&self) -> Result<Vec<PathBuf>, Error> {
        let mut odd = self.dir.oddities()?;
        odd.sort();
        Ok(odd)
    }

    /// Every port that is promised, with who has it; [`Holder::Garbage`] where nobody can tell.
    pub fn promises(&self) -> Result<BTreeMap<u16, Holder>, Error> {
        let holder = |port| {
            let record = self.dir.port(port);
            match record::read(&record) {
                record::Found::Nothing => None,
                record::Found::Garbage => Some((port, Holder::Garbage { record })),
                record::Found::Owner(owner) => Some((port, Holder::Promise { owner, record })),
            }
        };
        Ok(self
            .dir
            .promised()?
            .into_iter()
            .filter_map(holder)
            .collect())
    }

    /// Ends the promise of a port to this owner, and tells whether there was one.
    pub fn release(&self, port: u16, owner: &Owner) -> Result<bool, Error> {
        let Some(_lock) = self.dir.lock_if_there()? else {
            return Ok(false);
        };
        let record = self.dir.port(port);
        match record::read(&record) {
            record::Found::Owner(of) if of == *owner => {}
            _ => return Ok(false),
        }
        std::fs::remove_file(&record).map_err(error::io("remove", &record))?;
        Ok(true)
    }
}
