//! Templates of cargo-generate.
//!
//! The parent looks (`inspect`): what such a template asks, which code it would run, and whether
//! it can be rendered at all. A child (`child`) expands it by cargo-generate itself, as a library,
//! so the tree is the one `cargo generate` makes; on the way out, what cargo-generate does wrong
//! in silence is told (`check`).

mod aside;
mod capture;
mod check;
mod collect;
mod conditions;
mod config;
mod expand;
mod inspect;
mod look;
mod tell;
mod tree;

use serde::{Deserialize, Serialize};

use crate::child::{self, Job, Terms};
use crate::error::{Error, Kind, Result, position};
use crate::questions::{Answer, Answers, Question};
use crate::template::File;
pub use check::{Checker, Trouble};
pub use conditions::{BUILTINS, Settled, builtins, holds};
pub use expand::expand;
pub use inspect::{inspect, is_one};

/// The version of cargo-generate that renders.
pub const VERSION: &str = "0.25.1";

/// What can be told of a template without running it.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The directory that is the template, from the root of the source; empty at the root.
    pub dir: String,
    /// Where its configuration is, if it has one.
    pub config: Option<String>,
    /// What it asks: first what it always asks, then what it asks under a condition.
    pub questions: Vec<Question>,
    /// The code it runs, in the order of the phases.
    pub hooks: Vec<Hook>,
    /// The calls of commands in that code, as they stand there.
    pub commands: Vec<String>,
    /// The directories one could choose below the one that was asked for, the first taken when
    /// nobody does.
    pub sub_templates: Vec<String>,
    /// The versions of cargo-generate it works with.
    pub requires: Option<semver::VersionReq>,
    settings: config::Config,
}

/// Code of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// When it runs.
    pub phase: Phase,
    /// From the root of the source.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// When code of a template runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before anything is known.
    Init,
    /// Before the files are rendered.
    Pre,
    /// After that.
    Post,
    /// While a file is rendered, or when other code asks for it.
    Filter,
}

/// Who is named as the author, by the rules of cargo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// As `{{username}}` says it.
    pub name: String,
    /// Beside the name in `{{authors}}`.
    pub email: Option<String>,
}

/// What the user agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// To nothing that runs.
    Nothing,
    /// To the template's own code.
    Hooks,
    /// To commands it calls, too.
    Commands,
}

/// One expansion, in the words of the child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expansion {
    /// The name of the project.
    pub name: String,
    /// Which directory of the source, if not the root.
    pub subfolder: Option<String>,
    /// What was answered; what was not has a default or is not asked.
    pub answers: Answers,
    /// Whom `{{authors}}` names.
    pub author: Author,
    /// Whether the final destination is inside a cargo project.
    pub within_cargo_project: bool,
    /// Whether commands may run.
    pub commands: bool,
}

/// A rendered template.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// Its files, sorted by path.
    pub files: Vec<File>,
    /// The answers it ended with.
    pub answers: Answers,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What its hooks printed, line by line.
    pub said: Vec<String>,
}

impl Author {
    /// What lets cargo-generate find it. An empty name is one, as far as cargo-generate goes.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, &str)> {
        let email = self.email.as_deref().map(|email| ("CARGO_EMAIL", email));
        let name = ("CARGO_NAME", self.name.as_str());
        std::iter::once(name).chain(email).collect()
    }

    /// The author that `authors` says.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let parts = text
            .strip_suffix('>')
            .and_then(|text| text.split_once(" <"));
        let (name, email) = parts.map_or((text, None), |(name, email)| (name, Some(email)));
        Self {
            name: name.to_owned(),
            email: email.map(str::to_owned),
        }
    }

    /// As `{{authors}}` says it.
    #[must_use]
    pub fn authors(&self) -> String {
        let name = self.name.trim();
        let Some(email) = self.email.as_deref().map(str::trim) else {
            return name.to_owned();
        };
        let bare = email
            .strip_prefix('<')
            .and_then(|email| email.strip_suffix('>'));
        format!("{name} <{}>", bare.unwrap_or(email))
    }
}

impl Foreign {
    /// Renders this template, whose source has `files`, in a child process on `terms`.
    pub fn render(
        &self,
        files: &[File],
        (expansion, consent): (Expansion, Consent),
        terms: &Terms,
    ) -> Result<Expanded> {
        self.supported()?;
        self.agreed(consent)?;
        let expansion = Expansion {
            commands: consent == Consent::Commands,
            ..expansion
        };
        let product = child::run(&Job::Expand(expansion), files, terms)?;
        Ok(Expanded {
            files: product.files,
            answers: product.answers,
            warnings: product.warnings,
            said: tell::said(&product.said),
        })
    }

    /// Fails if the template wants another cargo-generate.
    pub fn supported(&self) -> Result<()> {
        let version = semver::Version::parse(VERSION).ok();
        match &self.requires {
            Some(wanted) if version.is_some_and(|version| !wanted.matches(&version)) => {
                let message = format!(
                    "the template works with cargo-generate `{wanted}` only, and this is {VERSION}"
                );
                Err(Error::new(Kind::Template, message)
                    .help("take a newer or older commit of it: `--rev COMMIT`, or `--tag TAG`"))
            }
            _ => Ok(()),
        }
    }

    fn agreed(&self, consent: Consent) -> Result<()> {
        if consent > Consent::Nothing || self.hooks.is_empty() {
            return Ok(());
        }
        let paths = self.hooks.iter().map(|hook| format!("`{}`", hook.path));
        let paths = paths.collect::<Vec<_>>().join(", ");
        let message = format!("the template runs code, and nobody has agreed to that: {paths}");
        Err(Error::new(Kind::Trust, message).help("read it, then `--trust`"))
    }
}

/// The truth of an answer that cargo-generate would read as a bool.
fn as_bool(answer: &Answer) -> Option<bool> {
    match answer {
        Answer::Bool(yes) => Some(*yes),
        other => other.to_string().to_lowercase().parse().ok(),
    }
}

/// An error of the template's file `path`, at the byte `at` of its `text`.
fn wrong(path: &str, text: &str, at: usize, what: &str) -> Error {
    let (line, column) = position(text, at);
    let message = format!("template file {path}, line {line}, column {column}: {what}");
    Error::new(Kind::Template, message)
}
