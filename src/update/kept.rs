//! Renders that nobody could make once more, kept in the user's cache.
//!
//! A template in a plain directory has no history: once it changes, what a service was made from
//! is nowhere else. So its render is kept, an archive named by the id of its tree, which says
//! whether it is whole. The cache may be emptied: then the service's own history is left.

use std::fs;
use std::path::{Path, PathBuf};

use super::again::tree_of;
use crate::dirs;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::Report;
use crate::source::{self, Source, Ways};
use crate::template::{File, Shape, Template};

/// How many are kept.
const MOST: usize = 500;

/// Keeps what a new service was made from, where it could not be made once more.
pub fn keep_for(template: &Template, plan: &Plan, report: &Report) {
    if !is_needed(template) {
        return;
    }
    let kept = tree_of(&plan.files).and_then(|id| keep(&id, &plan.files));
    if let Err(error) = kept {
        // The service is there, and its first commit says the same.
        report.warn(&format!("its render is not kept for updates: {error}"));
    }
}

/// Keeps `files`, the tree `id` and the record beside it.
pub fn keep(id: &str, files: &[File]) -> Result<()> {
    let Some(dir) = dir() else { return Ok(()) };
    let path = path(&dir, id);
    if path.exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| Error::io("write", &path, &error);
    fs::create_dir_all(&dir).map_err(failed)?;
    let mut draft = tempfile::Builder::new()
        .prefix(".draft-")
        .tempfile_in(&dir)
        .map_err(failed)?;
    source::pack(files, draft.as_file_mut()).map_err(failed)?;
    draft.persist(&path).map_err(|error| failed(error.error))?;
    forget_old(&dir);
    Ok(())
}

/// The files of the tree `id`, with the record beside it, if they are here; whoever asks looks
/// whether they are what they should be.
#[must_use]
pub fn find(id: &str) -> Option<Vec<File>> {
    let path = path(&dir()?, id);
    let ways = Ways {
        offline: true,
        human: false,
    };
    // One that cannot be read is as good as none.
    let found = source::obtain(&Source::Archive(path), ways).ok()?;
    Some(found.files)
}

fn dir() -> Option<PathBuf> {
    Some(dirs::cache()?.join("generate-service/renders"))
}

fn path(dir: &Path, id: &str) -> PathBuf {
    let digits = id.chars().filter(char::is_ascii_hexdigit);
    dir.join(format!("{}.tar", digits.collect::<String>()))
}

fn forget_old(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let times = entries.filter_map(|entry| {
        let time = entry.metadata().ok()?.modified().ok()?;
        Some((time, entry.path()))
    });
    let mut times = times.collect::<Vec<_>>();
    times.sort_unstable();
    for (_, path) in times.iter().rev().skip(MOST) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_file(path);
    }
}

/// Whether what `template` makes has to be kept: it has no history, or scripts had a say in it.
/// Nothing that holds secrets is.
#[must_use]
pub fn is_needed(template: &Template) -> bool {
    let Some(origin) = &template.origin else {
        return false;
    };
    let scripts = match &template.shape {
        Shape::Native(_) => false,
        Shape::Foreign(foreign) => !foreign.hooks.is_empty(),
    };
    let secrets = template.questions().iter().any(|question| question.secret);
    !secrets && (origin.commit.is_none() || scripts)
}
