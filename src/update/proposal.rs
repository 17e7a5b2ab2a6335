//! Everything an update would do, decided in memory.

use std::path::{Path, PathBuf};

use super::again::{self, Order};
use super::base::{self, Base};
use super::sides::{self, Renders};
use super::{MARK, Wish, changelog, kept, migrate, newest};
use crate::ask;
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::manifest::Migration;
use crate::parts::{self, Chosen};
use crate::repo::Oid;
use crate::repo::checkout::Checkout;
use crate::repo::diff::Change;
use crate::repo::merge::{Conflict, Merged};
use crate::report::Report;
use crate::settings::{Settings, Wish as Source};
use crate::stamp::{Stamped, record::Record};
use crate::template::{Shape, Template};
use crate::trust;

/// What was asked for: the words, the settings, and where they were typed.
pub type Asked<'a> = (&'a Wish, &'a Settings, &'a Path);

/// An update, decided.
#[derive(Debug)]
pub struct Proposal {
    /// The record as it is.
    pub record: Record,
    /// The service's directory.
    pub dir: PathBuf,
    /// The template it is brought to.
    pub template: Template,
    /// The old version and the new one, for humans.
    pub from: String,
    /// The new one.
    pub to: String,
    /// What the service would be if it were made now.
    pub stamped: Stamped,
    /// The parts it has then.
    pub parts: Chosen,
    /// The merge.
    pub merged: Merged,
    /// What changes in the service.
    pub changes: Vec<Change>,
    /// Whether it can land.
    pub readiness: Readiness,
    /// Commands of migrations.
    pub runs: Vec<Vec<String>>,
    /// What migrations say to the owner.
    pub notes: Vec<String>,
    /// What the service uses and should not any more.
    pub deprecated: Vec<String>,
    /// What the template says of the versions between.
    pub changelog: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Whether an update can land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// There is nothing to do.
    UpToDate,
    /// It merges.
    Merges,
    /// Some files are changed on both sides.
    Conflicts,
}

impl Proposal {
    /// Finds both renders and merges them into the service.
    pub fn of(checkout: &Checkout, record: Record, asked: Asked, report: &Report) -> Result<Self> {
        let (wish, settings, _) = asked;
        let (base, old) = base::find(checkout, &record, settings)?;
        let template = newest::find(&record, wish.to.as_deref(), moved(asked), settings)?;
        let crossed = crossed(&template, &record);
        let migrated = Record {
            member: base.record.member,
            answers: migrate::answers(&crossed, record.answers.clone()),
            parts: migrate::parts(&crossed, record.parts.clone()),
            ..record.clone()
        };
        let parts = chosen(&template, old.as_ref(), &migrated, wish)?;
        let ground = (parts.clone(), checkout.dir.as_path());
        let mut order = Order::new(&migrated, &template, settings, ground);
        order.ask(&template)?;
        consent(&template, &crossed, settings, report)?;
        let merge = Merge {
            checkout,
            base: &base,
            crossed: &crossed,
            stamped: &order.render(&template)?,
        };
        let mut proposal = merge.proposal(record, &template, parts)?;
        proposal.warn(checkout, &base)?;
        Ok(proposal)
    }

    fn warn(&mut self, checkout: &Checkout, base: &Base) -> Result<()> {
        if let Shape::Native(manifest) = &self.template.shape {
            let parts = self.parts.iter().cloned().collect::<Vec<_>>();
            let files = checkout.files(self.merged.tree)?;
            let has = |path: &str| files.iter().any(|file| file.path == path);
            self.deprecated = migrate::deprecated(manifest, &self.stamped.answers, &parts, &has);
        }
        let tells = [&base.record, &self.record].map(|record| {
            (
                record.port,
                &record.description,
                &record.answers,
                &record.parts,
            )
        });
        if tells[0] != tells[1] {
            let warning =
                "service.toml was edited since the last update; its new values count from now on";
            self.warnings.push(warning.to_owned());
        }
        Ok(())
    }

    /// The change as a patch.
    pub fn patch(&self, checkout: &Checkout) -> Result<String> {
        checkout.patch(checkout.tree, self.merged.tree)
    }

    /// The new version, in one word.
    #[must_use]
    pub fn version(&self) -> String {
        newest::version_of(&self.template)
    }

    /// What the commit says.
    #[must_use]
    pub fn message(&self) -> String {
        let name = &self.record.name;
        let mut text = format!("Update {name} from {} to {}\n", self.from, self.to);
        for note in &self.notes {
            text.push_str(&format!("\n{note}\n"));
        }
        if !self.changelog.is_empty() {
            // Lines that begin so are comments in a message that git opens in an editor.
            let bare = |line: &str| match line.trim_start_matches('#') {
                heading if heading.len() < line.len() => heading.trim_start().to_owned(),
                _ => line.to_owned(),
            };
            let lines = self.changelog.trim().lines().map(bare);
            text.push_str(&format!("\n{}\n", lines.collect::<Vec<_>>().join("\n")));
        }
        text.push_str(&format!("\n{MARK}{}\n", self.to));
        text
    }

    /// The branch the update shall be committed on, if not on the one that is checked out.
    #[must_use]
    pub fn branch_for(&self, wish: &Wish) -> Option<String> {
        let name = wish.branch.as_ref()?;
        Some(if name.is_empty() {
            self.branch()
        } else {
            name.clone()
        })
    }

    /// The branch for whoever names none.
    #[must_use]
    pub fn branch(&self) -> String {
        let word = format!("update/{}-{}", self.record.name, self.version());
        let plain = |letter: char| {
            let fine = letter.is_ascii_alphanumeric() || "-_./+".contains(letter);
            if fine { letter } else { '-' }
        };
        word.chars()
            .map(plain)
            .collect::<String>()
            .trim_end_matches(['-', '.'])
            .to_owned()
    }

    /// The error of an update that leaves something to resolve.
    #[must_use]
    pub fn conflict(&self, checkout: &Checkout) -> Error {
        let paths = self.merged.conflicts.iter().map(Conflict::shown);
        let paths = paths.map(|path| format!("`{path}`")).collect::<Vec<_>>();
        let files = if paths.len() == 1 {
            "file conflicts"
        } else {
            "files conflict"
        };
        let message = format!(
            "{} {files} with {}: {}",
            paths.len(),
            self.to,
            paths.join(", ")
        );
        let dir = in_shell(&tilde(&checkout.dir));
        let landed = checkout.is_idle().is_err();
        Error::new(Kind::Conflict, message).help(if landed {
            format!("git -C {dir} mergetool, then git -C {dir} commit; or back: generate-service update --abort {dir}")
        } else {
            format!("update where it can be resolved: generate-service update {dir}")
        })
    }
}

/// A merge, before it is run.
struct Merge<'a> {
    checkout: &'a Checkout,
    base: &'a Base,
    crossed: &'a [&'a Migration],
    stamped: &'a Stamped,
}

impl Merge<'_> {
    fn proposal(&self, record: Record, template: &Template, parts: Chosen) -> Result<Proposal> {
        let labels = [
            newest::version_of(template),
            newest::version_of_record(&record),
        ];
        let labels = labels.map(|version| format!("template {version}").trim_end().to_owned());
        let (merged, changes) = self.run((&labels[0], &labels[1]))?;
        let is_same = self.is_same(&record, &parts)? && !has_moved(&record, template);
        let readiness = if is_same {
            Readiness::UpToDate
        } else if merged.conflicts.is_empty() {
            Readiness::Merges
        } else {
            Readiness::Conflicts
        };
        let notes = self.crossed.iter().map(|step| step.note.clone());
        let runs = self.crossed.iter().flat_map(|step| step.run.clone());
        Ok(Proposal {
            dir: self.checkout.dir.clone(),
            from: newest::of_record(&record),
            to: newest::of(template),
            readiness,
            runs: runs.collect(),
            notes: notes.filter(|note| !note.is_empty()).collect(),
            deprecated: Vec::new(),
            changelog: changelog(template, &record),
            warnings: self.stamped.warnings.clone(),
            template: template.clone(),
            record,
            stamped: self.stamped.clone(),
            parts,
            merged,
            changes,
        })
    }

    /// Whether the new render says nothing new, so that there is nothing to merge.
    fn is_same(&self, record: &Record, parts: &Chosen) -> Result<bool> {
        let same_answers = self.stamped.answers == record.answers
            && parts.iter().eq(record.parts.iter())
            && self.base.record == *record;
        if !same_answers || !self.crossed.is_empty() {
            return Ok(false);
        }
        let base = sides::with_record_of(&self.base.files, &self.stamped.files);
        Ok(self.checkout.store(&base)? == self.checkout.store(&self.stamped.files)?)
    }

    fn run(&self, labels: (&str, &str)) -> Result<(Merged, Vec<Change>)> {
        let checkout = self.checkout;
        let base = migrate::files(self.crossed, self.base.files.clone());
        let renders = Renders {
            base: &base,
            theirs: &self.stamped.files,
        };
        let sides = sides::prepare(checkout, renders, self.migrated()?)?;
        let merged = checkout.merge(&sides, labels)?;
        let changes = checkout.changes(checkout.tree, merged.tree)?;
        Ok((merged, changes))
    }

    /// The service's tree after the migrations.
    fn migrated(&self) -> Result<Oid> {
        let checkout = self.checkout;
        if self.crossed.is_empty() {
            return Ok(checkout.tree);
        }
        let before = checkout.files(checkout.tree)?;
        let after = migrate::files(self.crossed, before.clone());
        checkout.with(checkout.tree, &sides::changes(&before, &after))
    }
}

/// Where the template has moved to.
fn moved((wish, settings, cwd): Asked) -> Option<Source> {
    let source = wish.template.as_ref()?.to_str()?.to_owned();
    let known = settings.templates.get(&source).cloned();
    Some(known.unwrap_or_else(|| Source {
        source,
        base: cwd.to_owned(),
        ..Source::default()
    }))
}

/// Whether the record has to say that the template is somewhere else now.
fn has_moved(record: &Record, template: &Template) -> bool {
    let old = record.source.as_ref().map(|place| &place.id);
    old != template.origin.as_ref().map(|origin| &origin.id)
}

/// The migrations on the way.
fn crossed<'a>(template: &'a Template, record: &Record) -> Vec<&'a Migration> {
    match &template.shape {
        Shape::Native(manifest) => migrate::crossed(manifest, &record.version, &template.version),
        Shape::Foreign(_) => Vec::new(),
    }
}

/// The parts the service has, more or fewer of them, and usual ones that are new in the template.
fn chosen(
    template: &Template,
    old: Option<&Template>,
    record: &Record,
    wish: &Wish,
) -> Result<Chosen> {
    let words = |all: &[String]| -> Vec<String> {
        let words = all.iter().flat_map(|words| words.split(','));
        let words = words.map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let (more, fewer) = (words(&wish.with), words(&wish.without));
    // Refuses what the template does not have.
    parts::choose(&template.parts, &more, &fewer)?;
    let mut chosen = again::known(template, &record.parts);
    if let Some(old) = old {
        let is_new = |name: &String| old.parts.iter().all(|part| part.name != *name);
        chosen.extend(parts::usual(&template.parts).into_iter().filter(is_new));
    }
    chosen.extend(more);
    chosen.retain(|name| !fewer.contains(name));
    Ok(chosen)
}

/// What the new template and its migrations would run has to be agreed to.
fn consent(
    template: &Template,
    crossed: &[&Migration],
    settings: &Settings,
    report: &Report,
) -> Result<()> {
    let mut items = trust::items(template, settings);
    // Hooks are for new services.
    items.retain(|item| item.what != trust::What::Command || template.is_foreign());
    if !settings.flags.dry_run {
        items.extend(trust::migration_items(template, crossed));
    }
    if settings.human {
        return ask::consent_to(items, settings, template, report);
    }
    let open = trust::open(template, settings, items)?;
    if open.is_empty() {
        return Ok(());
    }
    Err(trust::refusal(template, &open))
}

fn changelog(template: &Template, record: &Record) -> String {
    let text = changelog::of(template).unwrap_or_default();
    let origin = template.origin.as_ref();
    let new = newest::version(
        &template.version,
        origin.and_then(|origin| origin.wanted.as_ref()),
        None,
    );
    let wanted = record
        .source
        .as_ref()
        .and_then(|place| place.wanted.as_ref());
    let old = newest::version(&record.version, wanted, None);
    let number = |version: &str| {
        newest::version_in(version)
            .map_or_else(|| version.to_owned(), |(_, number)| number.to_string())
    };
    changelog::between(text, &number(&old), &number(&new))
}

impl Proposal {
    /// Keeps the new render, if nobody could make it once more.
    pub fn keep_render(&self) -> Result<()> {
        if !kept::is_needed(&self.template) {
            return Ok(());
        }
        kept::keep(&again::tree_of(&self.stamped.files)?, &self.stamped.files)
    }
}
