//! What is told of updates, as events.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::repo::diff::{Change, What};
use crate::repo::merge::{Conflict, How};
use crate::report::trust;
use crate::update::{Proposal, Readiness};

/// What an update would do or does.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UpdateEvent {
    /// The service's name.
    pub service: String,
    /// Its directory.
    pub path: String,
    /// The template and the version the service was made from.
    pub from: String,
    /// The template and the version it is brought to.
    pub to: String,
    /// Whether it can land.
    pub status: Readiness,
    /// What changes in the service.
    pub files: Vec<ChangeEvent>,
    /// What both sides changed, each in its own way.
    pub conflicts: Vec<ConflictEvent>,
    /// Commands of migrations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Vec<String>>,
    /// What migrations say to the owner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the service uses and should not any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deprecated: Vec<String>,
    /// What the template says of the versions between.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub changelog: String,
    /// What the commit says.
    pub message: String,
    /// The branch it would be committed on by `--branch`.
    pub branch: String,
}

/// What becomes of a file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangeEvent {
    /// Its path from the service's directory.
    pub path: String,
    /// What it was called before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What becomes of it.
    pub what: What,
    /// Lines that come.
    pub added: usize,
    /// Lines that go.
    pub removed: usize,
}

/// A file that both sides changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConflictEvent {
    /// Its path from the service's directory.
    pub path: String,
    /// What happened to it.
    pub how: How,
}

/// Whether a newer version is there.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckEvent {
    /// The service's name.
    pub service: String,
    /// Its directory.
    pub path: String,
    /// The template's name.
    pub template: String,
    /// The template and the version the service is at.
    pub current: String,
    /// The template and the newest version.
    pub newest: String,
    /// The commit of the template the service is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_commit: Option<String>,
    /// The newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_commit: Option<String>,
    /// How many commits of the template the service does not have, where that can be told.
    pub commits_behind: Option<usize>,
    /// The same in releases, for the embedded template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub releases_behind: Option<usize>,
    /// Whether an update would change anything.
    pub outdated: bool,
    /// In how many files an update would conflict.
    pub conflicts: usize,
}

/// How far a service has drifted from its template.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DiffEvent {
    /// The service's name.
    pub service: String,
    /// Its directory.
    pub path: String,
    /// The template and the version the service is at.
    pub template: String,
    /// How many files are as the template made them.
    pub untouched: usize,
    /// Those that are not.
    pub files: Vec<ChangeEvent>,
}

/// How one of many services did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ServiceEvent {
    /// Its directory.
    pub path: String,
    /// How it ended.
    pub status: Status,
    /// The template and the version it was at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The template and the version it is brought to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The branch the update is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the commit says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The files that conflict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// Everything that was wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What cargo and others said of that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// As its own result says it.
    #[serde(skip)]
    pub ended: Option<String>,
}

/// How one of many services ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is at the newest version now.
    Updated,
    /// It was before.
    UpToDate,
    /// A newer version is there: `--check`, `--dry-run`.
    Outdated,
    /// Somebody has to resolve conflicts first.
    Conflicts,
    /// It could not be updated.
    Failed,
}

impl ChangeEvent {
    /// One change.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        Self {
            path: change.path.clone(),
            from: change.from.clone(),
            what: change.what,
            added: change.lines.0,
            removed: change.lines.1,
        }
    }

    pub(super) fn line(&self) -> String {
        let mark = match self.what {
            What::Added => 'A',
            What::Deleted => 'D',
            What::Modified => 'M',
            What::Renamed => 'R',
        };
        let from = self.from.as_ref().map(|from| format!("{from} -> "));
        let numbers = match (self.added, self.removed) {
            (0, 0) => String::new(),
            (added, removed) => format!("  +{added} -{removed}"),
        };
        trust::harmless(&format!(
            "  {mark}  {}{}{numbers}",
            from.unwrap_or_default(),
            self.path
        )) + "\n"
    }
}

impl ConflictEvent {
    pub(super) fn of(conflict: &Conflict) -> Self {
        Self {
            path: conflict.shown(),
            how: conflict.how,
        }
    }

    pub(super) fn line(&self) -> String {
        let what = match self.how {
            How::BothChanged => "changed on both sides",
            How::BothAdded => "added on both sides",
            How::DeletedHere => "deleted here, changed by the template: git rm, or git add",
            How::DeletedThere => "changed here, deleted by the template: git add, or git rm",
            How::Names => "stands where something else stands",
        };
        trust::harmless(&format!("  {}  {what}", self.path)) + "\n"
    }
}

impl UpdateEvent {
    pub(super) fn of(proposal: &Proposal) -> Self {
        let conflicts = proposal.merged.conflicts.iter();
        Self {
            service: proposal.record.name.clone(),
            path: proposal.dir.display().to_string(),
            from: proposal.from.clone(),
            to: proposal.to.clone(),
            status: proposal.readiness,
            files: proposal.changes.iter().map(ChangeEvent::of).collect(),
            conflicts: conflicts.map(ConflictEvent::of).collect(),
            runs: proposal.runs.clone(),
            notes: proposal.notes.clone(),
            deprecated: proposal.deprecated.clone(),
            changelog: proposal.changelog.clone(),
            message: proposal.message(),
            branch: proposal.branch(),
        }
    }
}

impl ServiceEvent {
    /// Nothing is known of it yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.display().to_string(),
            status: Status::Failed,
            from: None,
            to: None,
            branch: None,
            commit: None,
            message: None,
            conflicts: Vec::new(),
            errors: Vec::new(),
            output: String::new(),
            ended: None,
        }
    }
}

impl Status {
    /// What an exit code means.
    #[must_use]
    pub fn of(code: Option<i32>, event: &ServiceEvent) -> Self {
        match (code, event.ended.as_deref()) {
            (Some(0), Some("up-to-date")) => Self::UpToDate,
            (Some(0), Some("planned")) if event.conflicts.is_empty() => Self::Outdated,
            (Some(0), Some("planned")) | (Some(17), _) => Self::Conflicts,
            (Some(0), _) => Self::Updated,
            (Some(18), _) => Self::Outdated,
            _ => Self::Failed,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::UpToDate => "up to date",
            Self::Outdated => "outdated",
            Self::Conflicts => "conflicts",
            Self::Failed => "failed",
        }
    }
}
