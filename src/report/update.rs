//! What is told of updates.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::events::Event;
use super::{BOLD, CYAN, Format, GREEN, RED, Report, YELLOW, print, trust};
use crate::dirs::{in_shell, tilde};
use crate::repo::checkout::{Change, What};
use crate::repo::merge::{Conflict, How};
use crate::update::{Landed, Proposal, Readiness};

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

    fn line(&self) -> String {
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
    fn of(conflict: &Conflict) -> Self {
        Self {
            path: conflict.shown(),
            how: conflict.how,
        }
    }

    fn line(&self) -> String {
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
    fn of(proposal: &Proposal) -> Self {
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

    const fn word(self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::UpToDate => "up to date",
            Self::Outdated => "outdated",
            Self::Conflicts => "conflicts",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    /// An update that was cut off is ended.
    pub fn recovered(&self, left: &[String]) {
        self.warn("an update was cut off here; it is finished now");
        for path in left {
            self.warn(&format!(
                "`{path}` was changed meanwhile and was left alone"
            ));
        }
    }

    /// An update is taken back.
    pub fn aborted(&self, dir: &Path) {
        self.event(|| Event::Result(self.result(0)));
        self.say(&format!("{} is as it was before the update.\n", tilde(dir)));
    }

    /// There is nothing to update.
    pub fn up_to_date(&self, proposal: &Proposal) {
        self.event(|| Event::Update(Box::new(UpdateEvent::of(proposal))));
        self.ended("up-to-date");
        let name = &proposal.record.name;
        self.say(&if proposal.from == proposal.to {
            format!("{name} is up to date with {}.\n", proposal.to)
        } else {
            let (from, to) = (&proposal.from, &proposal.to);
            format!("{name} is up to date: {to} makes the same of it as {from}.\n")
        });
    }

    /// The answer to `--dry-run`.
    pub fn would_update(&self, proposal: &Proposal, patch: &str) {
        self.event(|| Event::Update(Box::new(UpdateEvent::of(proposal))));
        self.ended("planned");
        self.say(&self.proposed(proposal));
        if self.format == Format::Human {
            print(patch);
        }
    }

    /// What is going to be done.
    pub fn updating(&self, proposal: &Proposal) {
        self.event(|| Event::Update(Box::new(UpdateEvent::of(proposal))));
        self.say(&self.proposed(proposal));
        for warning in &proposal.warnings {
            self.warn(warning);
        }
    }

    fn proposed(&self, proposal: &Proposal) -> String {
        let UpdateEvent {
            service,
            from,
            to,
            files,
            conflicts,
            notes,
            deprecated,
            changelog,
            runs,
            ..
        } = UpdateEvent::of(proposal);
        let head = format!("Updating {service} from {from} to {to}:");
        let mut text = format!("{}\n\n", self.paint(BOLD, &head));
        text.extend(files.iter().map(ChangeEvent::line));
        if !conflicts.is_empty() {
            text.push_str(&format!("\n{}\n", self.paint(RED, "Conflicts:")));
            text.extend(conflicts.iter().map(ConflictEvent::line));
        }
        for words in &runs {
            let line = crate::trust::line(words);
            text.push_str(&format!(
                "\nThe migration runs: {}\n",
                trust::harmless(&line)
            ));
        }
        for note in &notes {
            text.push_str(&format!(
                "\n{}: {}\n",
                self.paint(CYAN, "note"),
                trust::harmless(note)
            ));
        }
        for line in &deprecated {
            let line = trust::harmless(line);
            text.push_str(&format!("\n{}: {line}\n", self.paint(YELLOW, "deprecated")));
        }
        if !changelog.is_empty() {
            let lines = changelog.trim().lines().map(trust::harmless);
            let lines = lines.map(|line| format!("  {line}").trim_end().to_owned() + "\n");
            text.push_str(&format!(
                "\nWhat the template says:\n\n{}",
                lines.collect::<String>()
            ));
        }
        text + "\n"
    }

    /// The happy end, or the one with conflicts, of which the error that follows tells more.
    pub fn updated(&self, proposal: &Proposal, landed: &Landed) {
        for warning in &landed.warnings {
            self.warn(warning);
        }
        for path in &landed.left {
            self.warn(&format!(
                "`{path}` was changed meanwhile and was left alone"
            ));
        }
        if proposal.readiness == Readiness::Conflicts {
            return;
        }
        let place = tilde(&landed.dir);
        let result = super::ResultEvent {
            path: Some(landed.dir.display().to_string()),
            commit: landed.commit.clone(),
            branch: landed.branch.clone(),
            ..self.result(0)
        };
        self.event(|| Event::Result(result));
        let commit = landed.commit.as_deref().unwrap_or_default();
        let short = commit.get(..12).unwrap_or(commit);
        let on = match &landed.branch {
            Some(branch) => format!(", on the branch {branch}"),
            None => String::new(),
        };
        let (name, to) = (&proposal.record.name, &proposal.to);
        let done = self.paint(GREEN, "All done!");
        self.say(&format!("{done} {name} is at {to} (commit {short}{on})\n"));
        self.say(&match &landed.branch {
            Some(branch) => format!("  git -C {} push origin {branch}\n", in_shell(&place)),
            None => format!(
                "  git -C {} show     # back: git revert\n",
                in_shell(&place)
            ),
        });
    }

    /// The answer to `--check`.
    pub fn checked(&self, check: &CheckEvent) {
        self.event(|| Event::Check(Box::new(check.clone())));
        if check.outdated {
            let behind = match (check.commits_behind, check.releases_behind) {
                (Some(commits), _) if commits > 0 => {
                    format!(", {} behind", many(commits, "commit"))
                }
                (_, Some(all)) if all > 0 => format!(", {} behind", many(all, "release")),
                _ => String::new(),
            };
            let (service, current, newest) = (&check.service, &check.current, &check.newest);
            self.say(&format!(
                "{service} is at {current}{behind}; the newest is {newest}.\n"
            ));
            return;
        }
        self.ended("up-to-date");
        self.say(&format!(
            "{} is up to date with {}.\n",
            check.service, check.newest
        ));
    }

    /// The answer to `diff`.
    pub fn drifted(&self, diff: &DiffEvent, patch: Option<&str>) {
        self.event(|| Event::Diff(Box::new(diff.clone())));
        self.ended("done");
        if self.format == Format::Json {
            return;
        }
        let changed = many(diff.files.len(), "file");
        let (service, template) = (&diff.service, &diff.template);
        let lines = diff.files.iter().map(|file| (file.added, file.removed));
        let (added, removed) = lines.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let untouched = diff.untouched;
        self.say(&format!(
            "{service} has drifted from {template} in {changed} (+{added} -{removed}); {untouched} are as they were made.\n"
        ));
        print(&match patch {
            Some(patch) => patch.to_owned(),
            None => diff.files.iter().map(ChangeEvent::line).collect(),
        });
    }

    /// One of many is done.
    pub fn service(&self, event: &ServiceEvent) {
        self.event(|| Event::Service(Box::new(event.clone())));
    }

    /// All of them, as a table.
    pub fn all_services(&self, all: &[ServiceEvent], above: &Path) {
        let name = |event: &ServiceEvent| {
            let path = Path::new(&event.path);
            let short = path
                .strip_prefix(above)
                .ok()
                .filter(|short| !short.as_os_str().is_empty());
            short.map_or_else(|| tilde(path), |short| short.display().to_string())
        };
        let width = all.iter().map(|event| name(event).chars().count()).max();
        let width = width.unwrap_or(0);
        let mut text = String::new();
        for event in all {
            let style = match event.status {
                Status::Updated | Status::UpToDate => GREEN,
                Status::Outdated | Status::Conflicts => YELLOW,
                Status::Failed => RED,
            };
            let status = self.paint(style, &format!("{:<10}", event.status.word()));
            let line = format!("{:<width$}  {status}  {}", name(event), told(event));
            text.push_str(&format!("{}\n", line.trim_end()));
        }
        let count = |status: Status| all.iter().filter(|event| event.status == status).count();
        let each = [
            Status::Updated,
            Status::UpToDate,
            Status::Outdated,
            Status::Conflicts,
            Status::Failed,
        ];
        let each = each.into_iter().filter(|status| count(*status) > 0);
        let each = each.map(|status| format!("{} {}", count(status), status.word()));
        text.push_str(&format!("\n{}\n", each.collect::<Vec<_>>().join(", ")));
        if self.format == Format::Human {
            print(&text);
        }
        let good =
            |event: &ServiceEvent| matches!(event.status, Status::Updated | Status::UpToDate);
        if all.iter().all(good) {
            self.ended("done");
        }
    }

    fn ended(&self, status: &'static str) {
        let result = super::ResultEvent {
            status,
            ..self.result(0)
        };
        self.event(|| Event::Result(result));
    }
}

/// So many of something.
fn many(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The last column of the table.
fn told(event: &ServiceEvent) -> String {
    let versions = match (&event.from, &event.to) {
        (Some(from), Some(to)) if from != to => format!("{from} -> {to}"),
        (_, Some(to)) => to.clone(),
        _ => String::new(),
    };
    let more = match event.status {
        Status::Updated => event.branch.clone().unwrap_or_default(),
        Status::Conflicts => event.conflicts.join(", "),
        Status::Failed => event.errors.join("; "),
        _ => String::new(),
    };
    let both = [versions, more].into_iter().filter(|text| !text.is_empty());
    trust::harmless(&both.collect::<Vec<_>>().join("  "))
}
