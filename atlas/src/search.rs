//! The rule of what is free, and the first port that is. The caller holds the lock.

use std::ops::RangeInclusive;

use crate::claim::{self, State};
use crate::dir::Dir;
use crate::holder::{Counts, Holder};
use crate::record::{self, Found};
use crate::{Error, Owner, Wish, ports};

/// That port, or who has it. Cautions are the caller's to give: who names a port means it.
pub(crate) fn exact(dir: &Dir, port: u16, wish: &Wish) -> Result<u16, Error> {
    match holder(dir, port, wish)? {
        None => Ok(port),
        Some(by) => Err(Error::Taken { port, by }),
    }
}

/// The port this owner had before if it is in the range and free, else the first free one.
pub(crate) fn first_fit(dir: &Dir, range: &RangeInclusive<u16>, wish: &Wish) -> Result<u16, Error> {
    let own = had_before(dir, &wish.owner).filter(|port| range.contains(port));
    let promised = dir.promised()?;
    let ephemeral = ports::ephemeral();
    let mut counts = Counts::default();
    let others = range.clone().filter(|port| own != Some(*port));
    for port in own.into_iter().chain(others) {
        if let Some(caution) = ports::caution_given(port, &ephemeral) {
            counts.add_caution(caution);
        } else if promised.contains(&port) && own != Some(port) {
            // The name is enough: with thousands of promises, opening each would cost too much.
            counts.promised += 1;
        } else if let Some(by) = holder(dir, port, wish)? {
            counts.add_holder(&by);
        } else {
            return Ok(port);
        }
    }
    Err(Error::Exhausted {
        range: range.clone(),
        counts,
    })
}

/// Who stands between this port and this wish, if anybody.
pub(crate) fn holder(dir: &Dir, port: u16, wish: &Wish) -> Result<Option<Holder>, Error> {
    if port == 0 {
        // "Any port" to the kernel, hence no port to promise.
        return Err(Error::Zero);
    }
    let by = promised(dir, port, &wish.owner)
        .or_else(|| claimed(dir, port, &wish.owner))
        .or_else(|| wish.taken.get(&port).cloned().map(Holder::Sibling));
    if by.is_none() && ports::is_listened_on(port) {
        return Ok(Some(Holder::Listener));
    }
    Ok(by)
}

fn promised(dir: &Dir, port: u16, wisher: &Owner) -> Option<Holder> {
    let record = dir.port(port);
    match record::read(&record) {
        Found::Nothing => None,
        Found::Owner(owner) if owner == *wisher => None,
        Found::Owner(owner) => Some(Holder::Promise { owner, record }),
        Found::Garbage => Some(Holder::Garbage { record }),
    }
}

/// A dead claim of a published service is as good as a promise, since the next `reserve` makes
/// it one.
fn claimed(dir: &Dir, port: u16, wisher: &Owner) -> Option<Holder> {
    let record = dir.claim(port);
    match claim::state(dir, port) {
        State::None | State::Void => None,
        State::Published { owner, .. } if owner == *wisher => None,
        State::Published { owner, .. } => Some(Holder::Promise { owner, record }),
        State::Live(owner) => Some(Holder::Claim { owner, record }),
        State::Garbage => Some(Holder::Garbage { record }),
    }
}

/// The port that the last service of this name had, if it was this owner's and still is.
fn had_before(dir: &Dir, owner: &Owner) -> Option<u16> {
    let port = record::hinted(&dir.service(owner.service()), owner)?;
    let kept = record::read(&dir.port(port));
    matches!(kept, Found::Owner(of) if of == *owner).then_some(port)
}
