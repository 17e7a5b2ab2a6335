//! Atlas, the registry: who was promised which port on this machine.
//!
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
//! The store is a plain directory, one small file per fact:
//!
//! ```text
//! <root>/ports/5004       a kept promise; the name is the port, so that a listing opens no file
//! <root>/services/orders  the last promise to a service of that name: a hint, checked against `ports/`
//! <root>/claims/5004      a claim in flight, flock'd by its generator: the kernel frees it on any death
//! <root>/.lock            flock'd while ports are looked at or names change
//! ```
//!
//! Invariants:
//! - Every name below the root appears and disappears under `.lock`; `peek` changes none.
//! - A claim *becomes* the promise by one rename. So there is no moment at which a killed
//!   generator leaves half of either; one that dies between publishing its service and that
//!   rename leaves a dead claim, which the next `reserve` completes on its behalf.
//! - No record is trusted further than its name: garbage in `ports/5004` still holds 5004.
//! - Nothing here prints, asks, or knows what a generator is, except that a published service
//!   has a `service.toml` with its name and port.

mod claim;
mod dir;
mod error;
mod holder;
mod owner;
pub mod ports;
mod record;
mod reservation;
mod search;
mod wish;

use std::path::PathBuf;

pub use error::Error;
pub use holder::{Counts, Holder};
pub use owner::Owner;
pub use reservation::Reservation;
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
}
