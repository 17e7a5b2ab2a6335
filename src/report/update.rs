//! What is told of updates.

mod events;

use std::path::Path;

use super::events::Event;
use super::{BOLD, CYAN, Format, GREEN, RED, Report, YELLOW, print, trust};
use crate::dirs::{in_shell, tilde};
use crate::update::{Landed, Proposal, Readiness};
pub use events::{
    ChangeEvent, CheckEvent, ConflictEvent, DiffEvent, ServiceEvent, Status, UpdateEvent,
};

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
