//! What a first build borrows from the cache of compiled crates, and what it gives back.
//!
//! The cache is never needed: whatever is wrong with it costs a plain build and one line of
//! explanation. A build that fails with borrowed crates is repeated without them before anybody
//! hears of it, since cargo does not look at what is in a file.

use std::fs;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::{Cargo, Compiled};
use crate::cache::{self, Cache, Means, Seed};
use crate::error::{Kind, Result, plain};
use crate::plan::Plan;
use crate::report::Borrowed;

/// The crates that one build has borrowed.
pub struct Loan<'a> {
    cargo: &'a Cargo<'a>,
    /// Nothing where nothing is shared.
    from: Option<(Cache, Seed)>,
    target: PathBuf,
    since: SystemTime,
}

impl<'a> Loan<'a> {
    /// Seeds the target directory of the stage, where it is one of its own.
    pub fn take(cargo: &'a Cargo<'a>, plan: &Plan) -> Result<Self> {
        let mut loan = Self {
            cargo,
            from: None,
            target: cargo.from.join("target"),
            since: SystemTime::now(),
        };
        let Some(bounds) = plan.cache else {
            return Ok(loan);
        };
        let opened = if cargo.stage.mirror.is_some() {
            Err("a workspace has a target directory already".to_owned())
        } else {
            Cache::open(&cargo.stage.tree, bounds)
        };
        match opened {
            Ok(cache) => {
                let seed = loan.seed(&cache)?;
                loan.from = Some((cache, seed));
            }
            Err(reason) => cargo.report.borrowed(&Borrowed::Nothing(reason)),
        }
        Ok(loan)
    }

    fn seed(&self, cache: &Cache) -> Result<Seed> {
        let began = Instant::now();
        let name = self.cargo.to.to_string_lossy();
        let lock = fs::read_to_string(self.cargo.from.join("Cargo.lock")).unwrap_or_default();
        let mut seed = cache.seed(&self.target, &name, &lock)?;
        let report = self.cargo.report;
        if let Some(error) = &seed.broken_off {
            report.borrowed(&Borrowed::Nothing(plain(error)));
            self.start_anew();
            seed.units.clear();
        } else {
            report.borrowed(&Borrowed::Crates {
                number: seed.units.len(),
                copied: seed.means == Means::Copy,
                took: began.elapsed(),
            });
        }
        if !seed.damaged.is_empty() {
            // Where nothing can be removed, the next one will see the damage as well.
            let _ = cache.drop_damaged(&seed);
            report.borrowed(&Borrowed::Damaged(seed.damaged.len()));
        }
        Ok(seed)
    }

    /// Builds, and once more without borrowed crates if that fails. Returns cargo's messages.
    pub fn spend(&self, build: impl Fn() -> Compiled) -> Compiled {
        let first = build();
        let Some((cache, seed)) = &self.from else {
            return first;
        };
        match first {
            Err(failure) if failure.error.kind == Kind::Build && !seed.units.is_empty() => {
                self.cargo.report.borrowed(&Borrowed::Repeated);
                self.start_anew();
                let second = build();
                if second.is_ok() {
                    // Where nothing can be removed, the next one repeats its build as well.
                    let _ = cache.distrust(seed);
                }
                second
            }
            first => first,
        }
    }

    /// Keeps what was compiled for the next service.
    pub fn give_back(&self, messages: &str) {
        let Some((cache, seed)) = &self.from else {
            return;
        };
        let name = self.cargo.from.to_string_lossy();
        let kept = cache.keep(&cache::Build {
            target: &self.target,
            name: &name,
            since: self.since,
            made: &cache::made(messages, &self.target),
            seed,
        });
        if let Err(error) = kept {
            self.cargo
                .report
                .borrowed(&Borrowed::NotKept(plain(&error)));
        }
    }

    fn start_anew(&self) {
        // What cannot be removed makes cargo fail, which has its own words for that.
        let _ = fs::remove_dir_all(&self.target);
    }
}
