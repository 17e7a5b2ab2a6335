//! Asks what the flags left open, if a human is there.

use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use dialoguer::{Input, MultiSelect};

use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::name::{Neighbours, ServiceName};
use crate::plan;
use crate::report::{self, Report};
use crate::settings::{Format, Settings};
use crate::template::Template;
use crate::world::World;

/// Whether questions can be asked: a terminal on both sides, and nobody has said that there
/// shall be none.
#[must_use]
pub fn human(settings: &Settings, report: &Report) -> bool {
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    let refused = settings.flags.yes || settings.format == Format::Json || ci;
    !refused && stdin().is_terminal() && report.watched
}

/// Settings with nothing left open. True: they were talked about, so the plan has to be
/// confirmed.
pub fn complete(
    mut settings: Settings,
    cwd: &Path,
    template: &Template,
    report: &Report,
) -> Result<(Settings, bool)> {
    if !human(&settings, report) {
        return Ok((settings, false));
    }
    Error::all(settings.wrong.clone())?;
    let asked = settings.name.is_none();
    let name = name(settings.name.take(), template, report)?;
    settings.name = Some(name.to_string());
    if asked {
        the_rest(&mut settings, &name, cwd, template)?;
    }
    Ok((settings, asked))
}

/// Shows nothing itself: the plan stands above the question. `dialoguer::Confirm` would hide the
/// cursor, and leave it hidden after ctrl-c.
pub fn confirm() -> Result<()> {
    let question = Input::new()
        .with_prompt("Generate it? (y/n)")
        .default("y".to_owned());
    let answer = answer(question.validate_with(|text: &String| match yes(text) {
        Some(_) => Ok(()),
        None => Err("answer y or n"),
    }))?;
    if yes(&answer) == Some(true) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Interrupted,
        "not confirmed; nothing was generated",
    ))
}

fn yes(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// A good name: the one given, or what is answered until it is one. Enter takes the offer.
fn name(given: Option<String>, template: &Template, report: &Report) -> Result<ServiceName> {
    let dependencies = template.dependencies()?;
    let beside = Neighbours {
        dependencies: &dependencies,
        members: &[],
    };
    let mut given = match given {
        Some(given) => given,
        None => question("Service name", None)?,
    };
    loop {
        match ServiceName::parse(&given, beside) {
            Ok(name) => return Ok(name),
            Err(refusal) => {
                let offer = refusal.offer.as_ref().map(ToString::to_string);
                report.refused(&refusal.into());
                given = question("Service name", offer)?;
            }
        }
    }
}

/// Port, description and destination, each with what would be taken anyway as its default.
fn the_rest(
    settings: &mut Settings,
    name: &ServiceName,
    cwd: &Path,
    template: &Template,
) -> Result<()> {
    if settings.port.is_none() {
        let free = World::look(settings, cwd, template)?.port?.number;
        let input = Input::new().with_prompt("HTTP port").default(free);
        let port = answer(input.validate_with(|port: &u16| match port {
            0 => Err("a port is a number from 1 to 65535"),
            _ => Ok(()),
        }))?;
        // The default stays open, so that a lost race finds another one.
        settings.port = Some(port).filter(|port| *port != free);
    }
    if settings.description.is_none() {
        let default = plan::describe(name);
        settings.description = Some(question("Description", Some(default))?);
    }
    parts(settings, template)?;
    if settings.into.is_none() {
        let default = cwd.display().to_string();
        let into = question("Create its directory in", Some(default))?;
        settings.into = Some(cwd.join(crate::dirs::expand(&into)));
    }
    Ok(())
}

/// The parts, the usual ones marked; flags have already answered.
fn parts(settings: &mut Settings, template: &Template) -> Result<()> {
    if template.parts.is_empty() || !settings.with.is_empty() || !settings.without.is_empty() {
        return Ok(());
    }
    let lines = template
        .parts
        .iter()
        .map(|part| format!("{}: {}", part.name, part.description));
    let usual = template
        .parts
        .iter()
        .map(|part| part.default)
        .collect::<Vec<_>>();
    let question = MultiSelect::new()
        .with_prompt("Parts (space marks, Enter goes on)")
        .items(lines.collect::<Vec<_>>())
        .defaults(&usual);
    let marked = interrupt::while_asking(|| question.interact())?.map_err(|error| {
        report::show_cursor();
        unanswered(error)
    })?;
    for (i, part) in template.parts.iter().enumerate() {
        match (marked.contains(&i), part.default) {
            (true, false) => settings.with.push(part.name.clone()),
            (false, true) => settings.without.push(part.name.clone()),
            _ => {}
        }
    }
    Ok(())
}

fn question(prompt: &str, default: Option<String>) -> Result<String> {
    let input = Input::new().with_prompt(prompt);
    let text: String = answer(match default {
        Some(default) => input.default(default),
        None => input,
    })?;
    Ok(text.trim().to_owned())
}

fn answer<T>(input: Input<'_, T>) -> Result<T>
where
    T: Clone + ToString + std::str::FromStr,
    T::Err: ToString,
{
    input.interact_text().map_err(unanswered)
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unanswered(error: dialoguer::Error) -> Error {
    Error::new(Kind::Interrupted, format!("no answer: {error}"))
        .help("generate-service my-service --yes")
}
