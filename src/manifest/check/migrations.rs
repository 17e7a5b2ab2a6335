//! What becomes of older services: each mistake here would be one in all of them.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use toml::Spanned;

use super::{Check, GIVEN, is_word};
use crate::manifest::file::{RawDeprecation, RawKey, RawMigration, RawMove};
use crate::manifest::{Deprecated, Deprecation, Migration, Move, Rekey};
use crate::parts::Part;
use crate::questions::Question;
use crate::source::limits;

/// Where the new names of a migration stand: those of answers, those of parts.
pub struct Names {
    answers: Vec<Spanned<String>>,
    parts: Vec<Spanned<String>>,
}

impl Check<'_> {
    /// The migrations of a template whose own version is `own`, and where their names stand.
    pub fn migrations(
        &mut self,
        raw: Vec<RawMigration>,
        own: Option<&Version>,
    ) -> Vec<(Migration, Names)> {
        let each = |raw| self.migration(raw, own);
        raw.into_iter().filter_map(each).collect()
    }

    fn migration(
        &mut self,
        raw: RawMigration,
        own: Option<&Version>,
    ) -> Option<(Migration, Names)> {
        let version = self.version(&raw.version, own);
        if let Some(note) = &raw.note {
            self.line(note);
        }
        let names = Names {
            answers: raw.answers.values().cloned().collect(),
            parts: raw.parts.values().cloned().collect(),
        };
        let answers = self.renames(raw.answers, &['_']);
        let parts = self.renames(raw.parts, &['_', '-']);
        let moves = raw.moves.into_iter().filter_map(|it| self.moved(&it));
        let moves = moves.collect();
        let keys = raw.keys.into_iter().filter_map(|it| self.rekeyed(it));
        let keys = keys.collect();
        for run in raw.run.iter().filter(|run| run.get_ref().is_empty()) {
            self.note(run, "there is nothing to run");
        }
        let migration = Migration {
            version: version?,
            note: raw.note.map(Spanned::into_inner).unwrap_or_default(),
            answers,
            parts,
            moves,
            keys,
            run: raw.run.into_iter().map(Spanned::into_inner).collect(),
        };
        Some((migration, names))
    }

    /// A version that the template has come to.
    fn version(&mut self, raw: &Spanned<String>, own: Option<&Version>) -> Option<Version> {
        let Ok(version) = Version::parse(raw.get_ref()) else {
            self.note(raw, "a version is three numbers, such as 1.4.0");
            return None;
        };
        if let Some(own) = own.filter(|own| version > **own) {
            let what = format!("{version} is newer than the template, which is {own}");
            self.note(raw, &what);
        }
        Some(version)
    }

    fn line(&mut self, note: &Spanned<String>) {
        if note.get_ref().contains(['\n', '\r']) {
            self.note(note, "a note is one line");
        }
    }

    fn renames(
        &mut self,
        raw: BTreeMap<String, Spanned<String>>,
        and: &[char],
    ) -> BTreeMap<String, String> {
        let mut renames = BTreeMap::new();
        let mut known = BTreeSet::new();
        for (old, new) in raw {
            let name = new.get_ref().clone();
            let shown = old.escape_debug();
            if !is_word(&old, and) || GIVEN.contains(&old.as_str()) {
                self.note(&new, &format!("nobody could ever choose `{shown}`"));
            } else if old == name {
                self.note(&new, &format!("`{shown}` is renamed to itself"));
            } else if !known.insert(name.clone()) {
                let what = format!("two are renamed to `{}`", name.escape_debug());
                self.note(&new, &what);
            }
            renames.insert(old, name);
        }
        renames
    }

    /// The new names have to be there, unless a later migration renames them in turn.
    pub fn targets(
        &mut self,
        migrations: &[(Migration, Names)],
        questions: &[Question],
        parts: Option<&[Part]>,
    ) {
        for (migration, names) in migrations {
            let later = migrations.iter().map(|(later, _)| later);
            let later = later.filter(|later| later.version >= migration.version);
            let later = later.collect::<Vec<_>>();
            for name in &names.answers {
                let new = name.get_ref();
                let asked = questions.iter().any(|question| question.name == *new);
                if !asked && !later.iter().any(|later| later.answers.contains_key(new)) {
                    self.note(name, &format!("nothing asks for `{}`", new.escape_debug()));
                }
            }
            for name in &names.parts {
                let new = name.get_ref();
                let there = parts.is_none_or(|parts| parts.iter().any(|part| part.name == *new));
                if !there && !later.iter().any(|later| later.parts.contains_key(new)) {
                    self.note(name, &format!("there is no part `{}`", new.escape_debug()));
                }
            }
        }
    }

    fn moved(&mut self, raw: &RawMove) -> Option<Move> {
        let (from, to) = (raw.from.get_ref(), raw.to.get_ref());
        let (good_from, good_to) = (self.path(&raw.from), self.path(&raw.to));
        if from == to {
            self.note(&raw.to, "it is moved to where it is");
            return None;
        }
        if from.ends_with('/') != to.ends_with('/') {
            let what = "a directory becomes a directory: both end in `/`, or neither";
            self.note(&raw.to, what);
            return None;
        }
        (good_from && good_to).then(|| Move {
            from: from.clone(),
            to: to.clone(),
        })
    }

    /// Whether every service could have the path, below its root and nowhere else.
    fn path(&mut self, path: &Spanned<String>) -> bool {
        let text = path.get_ref();
        let checked = limits::check_path(text.strip_suffix('/').unwrap_or(text));
        if let Err(error) = &checked {
            self.note(path, &error.message);
        }
        checked.is_ok()
    }

    fn rekeyed(&mut self, raw: RawKey) -> Option<Rekey> {
        let good = self.path(&raw.file);
        let (from, to) = (self.key(&raw.from), self.key(&raw.to));
        let (from, to) = (from?, to?);
        if from == to {
            self.note(&raw.to, "the key is moved to where it is");
            return None;
        }
        if from.starts_with(&to) {
            self.note(&raw.to, "the key is moved to where its own table is");
            return None;
        }
        good.then(|| Rekey {
            file: raw.file.into_inner(),
            from,
            to,
        })
    }

    fn key(&mut self, raw: &Spanned<String>) -> Option<Vec<String>> {
        let text = raw.get_ref();
        let Ok(keys) = toml_edit::Key::parse(text) else {
            let what = format!("`{}` is no key of TOML", text.escape_debug());
            self.note(raw, &what);
            return None;
        };
        Some(keys.iter().map(|key| key.get().to_owned()).collect())
    }

    /// The deprecations of a template whose own version is `own`.
    pub fn deprecations(
        &mut self,
        raw: Vec<RawDeprecation>,
        own: Option<&Version>,
    ) -> Vec<Deprecation> {
        let each = |raw| self.deprecation(raw, own);
        raw.into_iter().filter_map(each).collect()
    }

    fn deprecation(&mut self, raw: RawDeprecation, own: Option<&Version>) -> Option<Deprecation> {
        self.line(&raw.note);
        let since = self.version(&raw.since, own);
        if let Some(file) = &raw.file {
            self.path(file);
        }
        let kinds = [
            raw.answer.map(|it| Deprecated::Answer(it.into_inner())),
            raw.part.map(|it| Deprecated::Part(it.into_inner())),
            raw.file.map(|it| Deprecated::File(it.into_inner())),
        ];
        let mut kinds = kinds.into_iter().flatten();
        let (Some(what), None) = (kinds.next(), kinds.next()) else {
            let what = "a deprecation is of one thing: `answer`, `part` or `file`";
            self.note(&raw.since, what);
            return None;
        };
        Some(Deprecation {
            since: since?,
            what,
            note: raw.note.into_inner(),
        })
    }
}
