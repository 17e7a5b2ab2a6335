//! Brings a service to a newer version of its template, by a three-way merge.
//!
//! ```text
//!  in git       was made from     would be made from   decided      proof          visible
//!  Checkout ─┬─▶ Base ──────────▶ Stamped ───────────▶ Proposal ─▶ Verified ─────▶ Landed
//!  record ───┘   the tree of the   same answers,        pure; dry   builds and      a commit, or
//!                record, or none   new ones asked       run stops   tests           conflicts of git
//! ```
//!
//! The base is the tree that the record names, to the byte, or there is no merge. Ancestry plays no
//! part, so it does not matter how earlier updates came into the history.

mod again;
pub mod all;
mod base;
pub mod changelog;
mod check;
pub mod diff;
mod ends;
pub mod kept;
mod landed;
pub mod lock;
pub mod migrate;
pub mod newest;
mod proof;
pub mod proposal;
mod sides;
pub mod toml;

use std::path::{Path, PathBuf};

use crate::args::Update as Wish;
use crate::ask;
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::repo::checkout::Checkout;
use crate::repo::land::Landing;
use crate::report::Report;
use crate::settings::Settings;
use crate::stamp::record::{self, Record};
pub use landed::{Landed, serve};
pub use proposal::{Proposal, Readiness};

/// What every commit of an update says.
pub const MARK: &str = "Template-Update: ";

/// The story of `update`, for one service.
pub fn run(wish: &Wish, mut settings: Settings, cwd: &Path, report: &Report) -> Result<()> {
    Error::all(settings.wrong.clone())?;
    let dir = service(wish.dir.as_deref().map(Path::new), cwd)?;
    if wish.abort {
        Checkout::open(&dir)?.abort()?;
        report.aborted(&dir);
        return Ok(());
    }
    let looks_only = wish.check || wish.dry_run;
    let in_place = wish.branch.is_none();
    let landing = (in_place && !looks_only).then(|| Landing::take(&dir, report));
    let landing = landing.transpose()?;
    let checkout = Checkout::open(&dir)?;
    if in_place && !looks_only {
        checkout.is_quiet()?;
    }
    settings.flags.dry_run = looks_only;
    let record = record(&checkout)?;
    if wish.check {
        return check::run(&checkout, &record, (wish, &settings, cwd), report);
    }
    let mut proposal = Proposal::of(&checkout, record, (wish, &settings, cwd), report)?;
    if proposal.readiness == Readiness::UpToDate {
        report.up_to_date(&proposal);
        return Ok(());
    }
    if wish.dry_run {
        report.would_update(&proposal, &proposal.patch(&checkout)?);
        return Ok(());
    }
    interrupt::listen()?;
    let landed = land(&checkout, &mut proposal, (wish, &settings), report)?;
    drop(landing);
    report.updated(&proposal, &landed);
    match proposal.readiness {
        Readiness::Conflicts => Err(proposal.conflict(&checkout)),
        _ => Ok(()),
    }
}

/// Proves the update and lands it, or leaves its conflicts where they can be resolved.
fn land(
    checkout: &Checkout,
    proposal: &mut Proposal,
    (wish, settings): (&Wish, &Settings),
    report: &Report,
) -> Result<Landed> {
    let branch = proposal.branch_for(wish);
    // Better now than after the build.
    match &branch {
        Some(name) => proposal.branch_is_free(checkout, name)?,
        None => checkout.is_free(proposal.merged.tree)?,
    }
    report.updating(proposal);
    if settings.human && branch.is_none() {
        ask_about_deletions(checkout, proposal)?;
    }
    match (proposal.readiness, branch) {
        (Readiness::Conflicts, None) => proposal.land_conflicts(checkout),
        (Readiness::Conflicts, Some(_)) => Err(proposal.conflict(checkout)),
        (_, branch) => {
            let proven = proof::prove(checkout, proposal, (wish, settings), report)?;
            interrupt::check()?;
            proposal.land(checkout, proven, branch.as_deref())
        }
    }
}

/// The directory of the service that is meant: the one that is named, or the nearest one around
/// the working directory.
fn service(named: Option<&Path>, cwd: &Path) -> Result<PathBuf> {
    let start = named.map_or_else(|| cwd.to_owned(), |named| cwd.join(named));
    let around = if named.is_some() { 1 } else { usize::MAX };
    let mut found = start.ancestors().take(around);
    if let Some(dir) = found.find(|dir| dir.join(record::FILE).is_file()) {
        return Ok(dir.to_owned());
    }
    let shown = tilde(&start);
    let message = format!("`{shown}` is no service: it has no {}", record::FILE);
    let below = below(&start);
    let help = match below.as_slice() {
        [] => "generate-service update DIR, where DIR is the service's directory".to_owned(),
        [one] => format!("generate-service update {}", in_shell(&tilde(one))),
        _ => format!("generate-service update --all {}", in_shell(&shown)),
    };
    Err(Error::new(Kind::Record, message).help(help))
}

/// The services right below `dir`.
fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let dirs = entries.map(|entry| entry.path());
    let mut dirs = dirs
        .filter(|dir| dir.join(record::FILE).is_file())
        .collect::<Vec<_>>();
    dirs.sort();
    dirs
}

/// The record as it is committed.
pub fn record(checkout: &Checkout) -> Result<Record> {
    let name = record::FILE;
    let Some(file) = checkout.file(checkout.tree, name)? else {
        let message = format!("{name} is not committed");
        let dir = in_shell(&tilde(&checkout.dir));
        let help = format!("git -C {dir} add {name} && git -C {dir} commit -m 'Add the record'");
        return Err(Error::new(Kind::Record, message).help(help));
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|_| {
        let message = format!("{name} is not valid UTF-8");
        Error::new(Kind::Record, message).help(format!("git log -p -- {name}"))
    })?;
    Record::read(text)
}

/// What the user deleted and the template changed, or the other way round, somebody may decide at
/// once.
fn ask_about_deletions(checkout: &Checkout, proposal: &mut Proposal) -> Result<()> {
    for conflict in proposal.merged.conflicts.clone() {
        if let Some(stays) = ask::deleted(&conflict, &proposal.to)? {
            checkout.settle(&mut proposal.merged, &conflict.path, stays)?;
        }
    }
    if proposal.merged.conflicts.is_empty() {
        proposal.readiness = Readiness::Merges;
    }
    Ok(())
}
