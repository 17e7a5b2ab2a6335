//! Asks what the flags left open, if a human is there.

mod question;

use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use dialoguer::{Input, MultiSelect, Select};

use crate::answers::{self, Place, Told};
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::name::{Neighbours, ServiceName};
use crate::plan;
use crate::render;
use crate::repo::merge::{Conflict, How};
use crate::report::{self, Report};
use crate::settings::{Format, Settings};
use crate::template::Template;
use crate::trust;
use crate::world::{self, World};

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
    if !settings.human {
        return Ok((settings, false));
    }
    Error::all(settings.wrong.clone())?;
    let asked = settings.name.is_none();
    let name = name(settings.name.take(), template, report)?;
    settings.name = Some(name.to_string());
    if asked {
        the_rest(&mut settings, &name, cwd, template)?;
    }
    let parent = settings.into.clone().unwrap_or_else(|| cwd.to_owned());
    template_questions(&mut settings, &parent, template)?;
    consent(&settings, template, report)?;
    Ok((settings, asked))
}

/// What the template asks and nobody has answered. The answers are given from then on, as if by
/// flags.
pub fn template_questions(
    settings: &mut Settings,
    parent: &Path,
    template: &Template,
) -> Result<()> {
    let ground = world::ground(settings, parent, template)?;
    let ground = render::ground_of(template, &ground);
    let mut answers = Vec::new();
    answers::settle_with(
        template.questions(),
        &settings.given,
        ground,
        &mut |question, usual| {
            let answer = question::ask(question, usual)?;
            answers.push((question.name.clone(), answer.clone()));
            Ok(Some(answer))
        },
    )?;
    for (name, answer) in answers {
        settings.given.add(&name, Told::Typed(answer), Place::Human);
    }
    Ok(())
}

/// Shows what the template would run, and asks whether it may. Yes is remembered.
pub fn consent(settings: &Settings, template: &Template, report: &Report) -> Result<()> {
    consent_to(trust::items(template, settings), settings, template, report)
}

/// As `consent`, to `items` of it.
pub fn consent_to(
    items: Vec<trust::Item>,
    settings: &Settings,
    template: &Template,
    report: &Report,
) -> Result<()> {
    let open = trust::open(template, settings, items)?;
    let (Some(origin), false) = (&template.origin, open.is_empty()) else {
        return Ok(());
    };
    report.would_run(origin, &open);
    if agrees("Let it run this, now and later? (y/n)", "n")? {
        return trust::remember(origin, &open);
    }
    Err(trust::refusal(template, &open))
}

/// What becomes of a file that one side deleted and the other changed: it stays as it is shown, it
/// goes, or nobody decides now.
pub fn deleted(conflict: &Conflict, template: &str) -> Result<Option<bool>> {
    let path = conflict.shown();
    let (what, choices) = match conflict.how {
        How::DeletedHere => (
            format!("`{path}` was deleted here, and {template} changes it"),
            [
                "leave it deleted",
                "take the template's",
                "decide later, as a conflict of git",
            ],
        ),
        How::DeletedThere => (
            format!("`{path}` was changed here, and {template} has it no more"),
            ["delete it", "keep it", "decide later, as a conflict of git"],
        ),
        _ => return Ok(None),
    };
    let question = Select::new().with_prompt(what).items(choices).default(2);
    let picked = picked(|| question.interact())?;
    Ok([Some(false), Some(true), None][picked])
}

/// Whether the answer is yes. `dialoguer::Confirm` would hide the cursor, and leave it hidden after
/// ctrl-c.
fn agrees(prompt: &str, usual: &str) -> Result<bool> {
    let question = Input::new().with_prompt(prompt).default(usual.to_owned());
    let answer = answer(question.validate_with(|text: &String| match yes(text) {
        Some(_) => Ok(()),
        None => Err("answer y or n"),
    }))?;
    Ok(yes(&answer) == Some(true))
}

/// Waits until whoever started this process lets go of its standard input, or is gone.
pub fn until_let_go() {
    // However it ends, it has ended.
    let _ = std::io::copy(&mut stdin(), &mut std::io::sink());
}

/// What is piped into standard input: a file of answers.
pub fn piped() -> Result<String> {
    use std::io::Read as _;
    /// No answers are longer, in bytes.
    const LONGEST: u64 = 1 << 20;
    let mut text = String::new();
    let read = stdin().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Error::io("read", Path::new("standard input"), &error))?;
    Ok(text)
}

/// Shows nothing itself: the plan stands above the question.
pub fn confirm() -> Result<()> {
    if agrees("Generate it? (y/n)", "y")? {
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
        let default = plan::describe(name.as_str());
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
    let marked = picked(|| question.interact())?;
    for (i, part) in template.parts.iter().enumerate() {
        match (marked.contains(&i), part.default) {
            (true, false) => settings.with.push(part.name.clone()),
            (false, true) => settings.without.push(part.name.clone()),
            _ => {}
        }
    }
    Ok(())
}

/// What is picked from a list; one that is broken off has hidden the cursor.
fn picked<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    interrupt::while_asking(ask)?.map_err(|error| {
        report::show_cursor();
        unanswered(error)
    })
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
