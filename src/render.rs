//! From a template, a name and answers to files.
//!
//! The embedded template renders here and now. What others wrote may go on for ever or take all
//! memory, so it renders in a child process that is ended when it does.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::answers::Ground;
use crate::child::{self, Job, Limits, Terms};
use crate::error::{Error, Kind, Result};
use crate::fill::{self, Values};
use crate::foreign::{self, Author, Consent, Expansion, Foreign, Phase};
use crate::manifest::Manifest;
use crate::name::ServiceName;
use crate::parts::{self, Chosen};
use crate::questions::{Answer, Answers};
use crate::repo;
use crate::source::limits;
use crate::template::{File, Shape, Template};

/// What came of a template of others.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The files, sorted by path.
    pub files: Vec<File>,
    /// The answers it ended with.
    pub answers: Answers,
    /// What its owner should know.
    pub warnings: Vec<String>,
    /// What its scripts said, line by line.
    pub said: Vec<String>,
}

/// What a template is rendered with.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The service's name.
    pub name: &'a ServiceName,
    /// One line that says what it is for.
    pub description: &'a str,
    /// Its HTTP port.
    pub port: u16,
    /// The parts it has.
    pub parts: &'a Chosen,
    /// What was answered.
    pub answers: &'a Answers,
    /// What was answered that nobody asked for.
    pub beside: BTreeMap<String, String>,
    /// Where it will be.
    pub destination: &'a Path,
    /// Whether somebody sits at a terminal.
    pub human: bool,
    /// Who is its author, if that is known already.
    pub author: Option<Author>,
}

/// What the questions of a native template may depend on: all that is known before they are
/// asked.
#[must_use]
pub fn ground(template: &Template, name: &str, description: &str, parts: &Chosen) -> Value {
    let crate_name = name.replace('-', "_");
    let env_prefix = crate_name.to_uppercase();
    let mut ground = serde_json::json!({
        "name": name,
        "crate_name": crate_name,
        "env_prefix": env_prefix,
        "description": description,
        "template_version": template.version,
    });
    for part in &template.parts {
        ground[&part.name] = Value::Bool(parts.contains(&part.name));
    }
    ground
}

/// What the questions of `template` stand on, `values` being known.
#[must_use]
pub fn ground_of<'a>(template: &Template, values: &'a Value) -> Ground<'a> {
    let foreign = match &template.shape {
        Shape::Native(_) => None,
        Shape::Foreign(foreign) => Some(foreign),
    };
    let mut hooks = foreign.iter().flat_map(|foreign| &foreign.hooks);
    Ground {
        values,
        lenient: foreign.is_some(),
        answering: hooks.any(|hook| hook.phase == Phase::Init),
    }
}

/// The values of a request.
#[must_use]
pub fn values(template: &Template, request: &Request) -> Values {
    let has = |part: &parts::Part| (part.name.clone(), request.parts.contains(&part.name));
    Values {
        name: request.name.to_string(),
        crate_name: request.name.crate_name(),
        env_prefix: request.name.env_prefix(),
        description: request.description.to_owned(),
        port: request.port,
        template_version: template.version.clone(),
        parts: template.parts.iter().map(has).collect(),
        answers: request.answers.clone(),
    }
}

/// The files of the embedded template.
pub fn embedded(template: &Template, request: &Request) -> Result<Rendered> {
    let files = parts::cut(template, request.parts)?;
    Ok(Rendered {
        files: fill::fill(&files, &values(template, request).json())?,
        ..Rendered::default()
    })
}

/// The files of a template of others.
pub fn others(template: &Template, request: &Request) -> Result<Rendered> {
    let rendered = match &template.shape {
        Shape::Native(manifest) => native(template, manifest, request)?,
        Shape::Foreign(foreign) => of_cargo_generate(template, foreign, request)?,
    };
    rendered
        .files
        .iter()
        .try_for_each(|file| limits::check_path(&file.path))?;
    limits::check_names(rendered.files.iter().map(|file| file.path.as_str()))?;
    Ok(rendered)
}

fn native(template: &Template, manifest: &Manifest, request: &Request) -> Result<Rendered> {
    let values = values(template, request).json();
    let files = parts::cut(template, request.parts)?;
    let files = there(files, manifest, &values)?;
    let (templates, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(fill::is_template);
    if !templates.is_empty() {
        let terms = Terms::new(Limits::FILL)?;
        files.extend(child::run(&Job::Fill { values }, &templates, &terms)?.files);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Rendered {
        files,
        answers: request.answers.clone(),
        warnings: Vec::new(),
        said: Vec::new(),
    })
}

/// Consent was given before anybody came here, for all that was shown.
fn of_cargo_generate(
    template: &Template,
    foreign: &Foreign,
    request: &Request,
) -> Result<Rendered> {
    let commands = !foreign.commands.is_empty();
    let (consent, limits) = if commands {
        (Consent::Commands, Limits::COMMANDS)
    } else {
        (Consent::Hooks, Limits::USUAL)
    };
    let mut answers = request.answers.clone();
    let beside = request.beside.iter();
    answers.extend(beside.map(|(name, text)| (name.clone(), Answer::Text(text.clone()))));
    let origin = template.origin.as_ref();
    let expansion = Expansion {
        name: request.name.to_string(),
        subfolder: origin.and_then(|origin| origin.subfolder.clone()),
        answers,
        author: author(request)?,
        within_cargo_project: is_within_cargo_project(request.destination),
        commands,
    };
    let asks = |hook: &foreign::Hook| hook.text.contains("prompt");
    let mut terms = Terms::new(limits)?;
    terms.talks = request.human && foreign.hooks.iter().any(asks);
    if terms.talks {
        // Humans take their time.
        terms.limits.time = Limits::COMMANDS.time;
    }
    let expanded = foreign.render(&template.files, (expansion, consent), &terms)?;
    Ok(Rendered {
        files: expanded.files,
        answers: expanded.answers,
        warnings: expanded.warnings,
        said: expanded.said,
    })
}

/// Whom a service names as its author.
pub fn author(request: &Request) -> Result<Author> {
    match &request.author {
        Some(author) => Ok(author.clone()),
        None => repo::author(request.destination.parent().unwrap_or(request.destination)),
    }
}

/// As cargo-generate asks it.
#[must_use]
pub fn is_within_cargo_project(destination: &Path) -> bool {
    let above = destination.ancestors().skip(1);
    above.into_iter().any(|dir| dir.join("Cargo.toml").exists())
}

/// Those of `files` whose conditions hold.
fn there(files: Vec<File>, manifest: &Manifest, values: &Value) -> Result<Vec<File>> {
    let mut gone = Vec::new();
    for rule in &manifest.files {
        let holds = fill::holds(&rule.when, values).map_err(|reason| {
            let message = format!("file `{}`, `when` is `{}`: {reason}", rule.path, rule.when);
            Error::new(Kind::Template, message)
        })?;
        if !holds {
            gone.push(&rule.path);
        }
    }
    let stays = |file: &File| !gone.iter().any(|path| path.matches(&file.path));
    Ok(files.into_iter().filter(stays).collect())
}
