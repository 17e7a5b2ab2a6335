//! How far a service has drifted from its template: from what was rendered to what HEAD has.

use std::collections::BTreeMap;
use std::path::Path;

use super::{base, newest, record, service, sides};
use crate::args::Diff as Wish;
use crate::error::{Error, Result};
use crate::repo::checkout::Checkout;
use crate::repo::diff::What;
use crate::report::Report;
use crate::report::update::{ChangeEvent, DiffEvent};
use crate::settings::Settings;
use crate::stamp::record::FILE;

/// The story of `diff`.
pub fn run(wish: &Wish, settings: &Settings, cwd: &Path, report: &Report) -> Result<()> {
    Error::all(settings.wrong.clone())?;
    let dir = service(wish.dir.as_deref().map(Path::new), cwd)?;
    let checkout = Checkout::open(&dir)?;
    let record = record(&checkout)?;
    let (base, _) = base::find(&checkout, &record, settings)?;
    // The record is told apart by what the owner may write into it.
    let ours = checkout.file(checkout.tree, FILE)?;
    let files = sides::with_record_of(&base.files, ours.as_slice());
    let old = without_unasked_lock(&checkout, checkout.store(&files)?)?;
    let changes = checkout.changes(old, checkout.tree)?;
    let event = DiffEvent {
        service: record.name.clone(),
        path: checkout.dir.display().to_string(),
        template: newest::of_record(&record),
        untouched: files.len().saturating_sub(
            changes
                .iter()
                .filter(|change| change.what != What::Added)
                .count(),
        ),
        files: changes.iter().map(ChangeEvent::of).collect(),
    };
    let patch = if wish.stat {
        None
    } else {
        Some(checkout.patch(old, checkout.tree)?)
    };
    report.drifted(&event, patch.as_deref());
    Ok(())
}

/// A lock file that the template left to cargo is no drift of the service's.
fn without_unasked_lock(checkout: &Checkout, old: crate::repo::Oid) -> Result<crate::repo::Oid> {
    const LOCK: &str = "Cargo.lock";
    let (before, now) = (
        checkout.file(old, LOCK)?,
        checkout.file(checkout.tree, LOCK)?,
    );
    match (before, now) {
        (None, Some(now)) => checkout.with(old, &BTreeMap::from([(LOCK.to_owned(), Some(now))])),
        _ => Ok(old),
    }
}
