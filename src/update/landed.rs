//! The one visible step of an update.
//!
//! What is to be done is written into a journal, and a process of its own carries it out: whoever
//! kills this one, before or after, finds a service that is as it was or is updated. A journal that
//! is left all the same, after a power cut, is carried out by the next run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::MARK;
use super::proof::Proven;
use super::proposal::Proposal;
use crate::ask;
use crate::error::Result;
use crate::process::{self, Outliving};
use crate::repo::Oid;
use crate::repo::checkout::Checkout;
use crate::repo::land::{self, End, Landing};
use crate::report::Report;

/// Names the directory of the repository whose journal is to be carried out.
const GIT_DIR: &str = "GENERATE_SERVICE_LAND";

/// An update that is there.
#[derive(Debug)]
pub struct Landed {
    /// The service's directory.
    pub dir: PathBuf,
    /// The commit, unless there are conflicts.
    pub commit: Option<String>,
    /// The branch, if it is not the one that is checked out.
    pub branch: Option<String>,
    /// Files that somebody has changed meanwhile, and that were left alone.
    pub left: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Proposal {
    /// Lands what was proven: on the branch that is checked out, or on another.
    pub fn land(
        &self,
        checkout: &Checkout,
        proven: Proven,
        branch: Option<&str>,
    ) -> Result<Landed> {
        let message = self.message();
        let commit = checkout.commit(proven.tree, &proven.beside, &message)?;
        let mut landed = Landed {
            dir: self.dir.clone(),
            commit: Some(commit.to_string()),
            branch: None,
            left: Vec::new(),
            warnings: proven.warnings,
        };
        if let Some(name) = branch {
            // Somebody may have made it during the build.
            self.branch_is_free(checkout, name)?;
            let is_ours = |message: &str| self.is_ours(message);
            landed.commit = Some(checkout.branch(name, commit, &is_ours)?.to_string());
            landed.branch = Some(name.to_owned());
        } else {
            let end = End::Commit(commit, &proven.beside);
            landed.left = carried_out(checkout, proven.tree, &end, &message)?;
        }
        self.keep_render()?;
        Ok(landed)
    }

    /// Fails unless the update may be committed on the branch `name`.
    pub fn branch_is_free(&self, checkout: &Checkout, name: &str) -> Result<()> {
        checkout.branch_is_free(name, &|message| self.is_ours(message))
    }

    /// Whether a commit is an update of this service, by what it says.
    fn is_ours(&self, message: &str) -> bool {
        let subject = format!("Update {} from ", self.record.name);
        message.starts_with(&subject) && message.contains(MARK)
    }

    /// Leaves what is open to git and whoever resolves it.
    pub fn land_conflicts(&self, checkout: &Checkout) -> Result<Landed> {
        let end = End::Conflicts(&self.merged.conflicts);
        let left = carried_out(checkout, self.merged.tree, &end, &self.message())?;
        self.keep_render()?;
        Ok(Landed {
            dir: self.dir.clone(),
            commit: None,
            branch: None,
            left,
            warnings: Vec::new(),
        })
    }
}

/// Whoever carries the journal out is there before it is: so no moment is left in which we can be
/// killed, and nobody cares for it.
fn carried_out(checkout: &Checkout, tree: Oid, end: &End, message: &str) -> Result<Vec<String>> {
    let git_dir = checkout.git_dir();
    let heir = heir(git_dir);
    checkout.prepare(tree, end, message)?;
    let (code, left) = heir.map_or((None, String::new()), Outliving::end);
    match code {
        Some(0) => Ok(left.lines().map(str::to_owned).collect()),
        Some(_) if !land::is_begun(git_dir) => Err(land::given_up()),
        // Whatever kept it from ending well says so once more.
        _ => land::finish(git_dir),
    }
}

fn heir(git_dir: &Path) -> Option<Outliving> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    process::outliving(command.env(GIT_DIR, git_dir)).ok()
}

/// Carries out a journal, if this process was started for that.
#[must_use]
pub fn serve() -> Option<ExitCode> {
    let git_dir = std::env::var_os(GIT_DIR)?;
    // Until the journal is written, or will never be.
    ask::until_let_go();
    Some(match land::finish(Path::new(&git_dir)) {
        Ok(left) => {
            let lines = left.iter().map(|path| format!("{path}\n"));
            crate::report::print(&lines.collect::<String>());
            ExitCode::SUCCESS
        }
        Err(error) => ExitCode::from(error.kind.code()),
    })
}

impl Landing {
    /// The only update in the working directory around `dir`. One that was cut off is ended first.
    pub fn take(dir: &Path, report: &Report) -> Result<Self> {
        let (landing, left) = Checkout::open(dir)?.lock()?;
        if let Some(paths) = left {
            report.recovered(&paths);
        }
        Ok(landing)
    }
}
