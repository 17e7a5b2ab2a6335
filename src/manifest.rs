//! What a native template says of itself, in `template.toml`: its questions, which files there are
//! when, what runs after, and samples to test it with.
//!
//! The same types read the file and make its JSON schema, so neither can forget the other. Nothing
//! in it repeats: conditions and computed answers are plain expressions, without blocks.

mod check;
mod file;

use crate::error::{Error, Kind, Result, position};
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

/// Understands the text of a manifest, or says everything that is wrong with it.
pub fn read(text: &str) -> Result<Manifest> {
    let raw = file::read(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        wrong(text, span.start, &first_line(error.message()))
    })?;
    let manifest = check::all(raw, text)?;
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
