//! What a native template says of itself, in `template.toml`: its questions, which files there are
//! when, what runs after, samples to test it with, and what becomes of services that are older.
//!
//! The same types read the file and make its JSON schema, so neither can forget the other. Nothing
//! in it repeats: conditions and computed answers are plain expressions, without blocks.

mod check;
mod file;

use std::collections::BTreeMap;

use semver::Version;

use crate::error::{Error, Kind, Result, position};
use crate::parts::Part;
use crate::questions::{Answer, Question};
pub use check::GIVEN;
pub use file::{RawGolden as Golden, schema};

/// The file's name; it does not ship.
pub const FILE: &str = "template.toml";
/// What else of a template's own does not ship: golden trees, notes for its authors.
pub const HOME: &str = ".template/";

/// A manifest, understood.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The template's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line that says what it makes.
    pub description: String,
    /// What it asks, in this order.
    pub questions: Vec<Question>,
    /// Which files are there only when.
    pub files: Vec<Rule>,
    /// What runs in the new service, in this order.
    pub hooks: Vec<Hook>,
    /// Sets of answers that its tests render.
    pub samples: Vec<Sample>,
    /// What an update does to services that are older.
    pub migrations: Vec<Migration>,
    /// What still works and will not for long.
    pub deprecations: Vec<Deprecation>,
}

/// Files that are there only when.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which, by their paths in the template.
    pub path: glob::Pattern,
    /// When, as an expression of handlebars.
    pub when: String,
}

/// A command that runs in the new service before it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The program and its words.
    pub run: Vec<String>,
    /// When, as an expression of handlebars.
    pub when: Option<String>,
}

/// A set of answers.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name, and that of its golden tree.
    pub name: String,
    /// The answers that are not the usual ones.
    pub answers: Vec<(String, Answer)>,
    /// Parts beside the usual ones, and usual ones it does without.
    pub parts: (Vec<String>, Vec<String>),
    /// What is kept to compare with.
    pub golden: Golden,
}

/// What an update does to a service that crosses a version: its recorded one is older, and the new
/// one is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The version.
    pub version: Version,
    /// One line for the owner, or nothing.
    pub note: String,
    /// New names of questions, by the old ones.
    pub answers: BTreeMap<String, String>,
    /// New names of parts, by the old ones.
    pub parts: BTreeMap<String, String>,
    /// Files and directories that have a new place, in this order.
    pub moves: Vec<Move>,
    /// Keys of TOML files that have a new place, in this order.
    pub keys: Vec<Rekey>,
    /// Commands that run in the merged service, in this order.
    pub run: Vec<Vec<String>>,
}

/// A file that has a new place; or a directory, then both end in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The old path in a service.
    pub from: String,
    /// The new one.
    pub to: String,
}

/// A key that has a new place in its TOML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekey {
    /// The path of the file, after the moves.
    pub file: String,
    /// The names of the tables on the way, and of the key.
    pub from: Vec<String>,
    /// The same, as they are now.
    pub to: Vec<String>,
}

/// Something that still works and will not for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// The version that said so first.
    pub since: Version,
    /// What it is.
    pub what: Deprecated,
    /// What to do instead.
    pub note: String,
}

/// What can be deprecated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deprecated {
    /// To give this answer.
    Answer(String),
    /// To have this part.
    Part(String),
    /// To have this file.
    File(String),
}

/// Understands the text of a manifest, or says everything that is wrong with it. Nothing is said
/// of names of parts, if nobody knows which there are.
pub fn read(text: &str, parts: Option<&[Part]>) -> Result<Manifest> {
    let raw = file::read(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        wrong(text, span.start, &first_line(error.message()))
    })?;
    let manifest = check::all(raw, text, parts)?;
    Ok(manifest)
}

fn wrong(text: &str, offset: usize, what: &str) -> Error {
    let (line, column) = position(text, offset);
    Error::new(
        Kind::Template,
        format!("{FILE}, line {line}, column {column}: {what}"),
    )
}

fn first_line(message: &str) -> String {
    message.replace('\n', ", ")
}
