//! Whether a newer version of its template is there for a service.

use super::proposal::Asked;
use super::{Proposal, Readiness, base};
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::repo::checkout::Checkout;
use crate::report::Report;
use crate::report::update::CheckEvent;
use crate::source;
use crate::stamp::record::Record;
use crate::template::releases;

/// Says whether a newer version is there. Not being at it is an error of its own.
pub fn run(checkout: &Checkout, record: &Record, asked: Asked, report: &Report) -> Result<()> {
    let (_, settings, _) = asked;
    let proposal = Proposal::of(checkout, record.clone(), asked, report)?;
    let outdated = proposal.readiness != Readiness::UpToDate;
    let commits = |origin: Option<&str>| origin.map(str::to_owned);
    let place = record.source.as_ref();
    let old = place.and_then(|place| place.commit.as_deref());
    let origin = proposal.template.origin.as_ref();
    let new = origin.and_then(|origin| origin.commit.as_deref());
    let behind = match (place, old, new) {
        (Some(_), Some(old), Some(new)) if old == new => Some(0),
        (Some(place), Some(old), Some(new)) => {
            // Not to know is no reason to fail.
            let wish = base::wish(place);
            source::between(&wish, old, new, base::ways(settings)).unwrap_or(None)
        }
        _ => None,
    };
    report.checked(&CheckEvent {
        service: record.name.clone(),
        path: checkout.dir.display().to_string(),
        template: record.template.clone(),
        current: proposal.from.clone(),
        newest: proposal.to.clone(),
        current_commit: commits(old),
        newest_commit: commits(new),
        commits_behind: behind,
        releases_behind: proposal
            .template
            .is_embedded()
            .then(|| releases_behind(record)),
        outdated,
        conflicts: proposal.merged.conflicts.len(),
    });
    if !outdated {
        return Ok(());
    }
    let message = format!(
        "{} is at {}, and {} is there",
        record.name, proposal.from, proposal.to
    );
    let dir = in_shell(&tilde(&checkout.dir));
    Err(Error::new(Kind::Outdated, message).help(format!("generate-service update {dir}")))
}

fn releases_behind(record: &Record) -> usize {
    let releases = releases();
    let at = releases
        .iter()
        .position(|version| *version == record.version);
    at.map_or(0, |at| releases.len() - 1 - at)
}
