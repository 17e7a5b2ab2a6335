//! What cargo-generate says, in the words of this program.

use regex::Regex;

use super::check::objection;
use super::inspect::calls;
use super::tree::{Tree, join};
use super::{Foreign, Hook, Settled, as_bool};
use crate::error::{Error, Kind};
use crate::questions::{Answers, Choice, Form, Question};

/// How many choices a message shows.
const FEW: usize = 12;

/// What hooks printed, without what cargo-generate says around it and where it works.
pub fn said(printed: &str) -> Vec<String> {
    let printed = without_places(printed);
    let lines = printed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lines = lines.filter(|line| !line.ends_with("executed successfully with no output."));
    let output = Regex::new(r"^Script `([^`]*)` executed successfully and returned output: ?")
        .expect("the expression is one");
    lines
        .map(|line| output.replace(line, "$1: ").into_owned())
        .collect()
}

/// What cargo-generate failed on.
pub struct Context<'a> {
    pub foreign: &'a Foreign,
    pub tree: &'a Tree<'a>,
    pub given: &'a Answers,
    pub settled: &'a Settled<'a>,
}

/// The error for `text`, with which cargo-generate failed.
pub fn failure(text: &str, context: &Context) -> Error {
    let text = without_places(text);
    let text = text.trim();
    if let Some((_, rest)) = text.split_once("Substitution skipped, found invalid syntax in") {
        return unreadable(rest, context);
    }
    if let Some((_, rest)) = text.split_once("Failed executing script: ") {
        return hook(rest, context);
    }
    if let Some((_, path)) = text.split_once("Error templating a filename") {
        let path = path.split('`').nth(1).unwrap_or_default();
        let message = format!("template file {path}: its name is no liquid");
        return Error::new(Kind::Template, message);
    }
    let answer = answers(text, context);
    answer.unwrap_or_else(|| {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("cargo-generate refuses the template: {plain}");
        Error::new(Kind::Template, message)
    })
}

/// What is wrong with the answers: those that are missing, or the one that is no good.
fn answers(text: &str, context: &Context) -> Option<Error> {
    if text.contains("is missing default value in config file") {
        let missing = context.settled.missing().map(|question| {
            let name = &question.name;
            let message = format!("the template asks for `{name}`: {}", question.ask);
            Error::new(Kind::Usage, message).help(format!("--define {name}=…"))
        });
        return Error::all(missing.collect()).err();
    }
    let refused = ["is not a valid value for ", "are not valid values for "];
    let name = refused
        .iter()
        .find_map(|said| Some(text.rsplit_once(said)?.1));
    let bool_is_bad = text.contains("provided string was not `true` or `false`");
    let is_bad = |question: &&Question| {
        let given = context.given.get(&question.name);
        let no_bool = given.is_some_and(|given| as_bool(given).is_none());
        match name {
            Some(name) => question.name == name,
            None => bool_is_bad && matches!(question.form, Form::Bool) && no_bool,
        }
    };
    let mut bad = context.foreign.questions.iter().filter(is_bad);
    let question = bad.next()?;
    let given = context.given.get(&question.name)?;
    let wanted = match &question.form {
        Form::Bool => "`true` or `false`".to_owned(),
        Form::Text {
            regex: Some(regex), ..
        } => format!("what matches `{regex}`"),
        Form::One(choices) => format!("one of {}", list(choices)),
        Form::Many(choices) => format!("some of {}, with `,` between them", list(choices)),
        Form::Text { .. } | Form::Integer(..) => return None,
    };
    let message = format!(
        "`{given}` is no answer to `{}`, which wants {wanted}",
        question.name
    );
    Some(Error::new(Kind::Usage, message))
}

fn list(choices: &[Choice]) -> String {
    let few = choices
        .iter()
        .take(FEW)
        .map(|choice| format!("`{}`", choice.value));
    let more = choices.len().saturating_sub(FEW);
    let more = (more > 0).then(|| format!("{more} more"));
    few.chain(more).collect::<Vec<_>>().join(", ")
}

/// The files that cannot be rendered, all of them.
fn unreadable(list: &str, context: &Context) -> Error {
    let Context { foreign, tree, .. } = context;
    let paths = list.lines().filter_map(|line| line.strip_prefix('\t'));
    let errors = paths.map(|path| {
        let path = join(&foreign.dir, path);
        let file = tree.get(&path);
        file.and_then(|file| objection(&path, &file.bytes))
            .unwrap_or_else(|| {
                let message =
                    format!("template file {path}: what its hooks made of it is no liquid");
                Error::new(Kind::Template, message)
            })
    });
    let none = || Error::new(Kind::Template, "a file of the template is no liquid");
    Error::all(errors.collect()).err().unwrap_or_else(none)
}

/// A hook failed: `pre.rhai: Runtime error: … (line 3, position 20)`.
fn hook(text: &str, context: &Context) -> Error {
    let (path, why) = text.split_once(": ").unwrap_or((text, "it failed"));
    let source = context.foreign.hooks.iter().find(|hook| hook.path == path);
    if why.contains("not a terminal")
        && let Some(hook) = source
    {
        return prompts(hook, context.given);
    }
    if why.contains("Cannot prompt for system command confirmation") {
        return command(path, source);
    }
    if why.contains("Cannot open script file") {
        return Error::new(
            Kind::Template,
            format!("the template's hook {path} is missing"),
        );
    }
    let why = why.strip_prefix("Runtime error: ").unwrap_or(why);
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::new(
        Kind::Template,
        format!("the template's hook {path} failed: {why}"),
    )
}

/// The hook asks, and there is nobody. Which of its questions that was is not told.
fn prompts(hook: &Hook, given: &Answers) -> Error {
    let prompt = Regex::new(r#"\bprompt\s*\(\s*"([^"]*)""#).expect("the expression is one");
    let lines = hook.text.lines().enumerate();
    let asked = lines.filter_map(|(at, line)| {
        let asks = prompt.captures(line)?[1].to_owned();
        Some((at + 1, asks, variable(line, &hook.text)))
    });
    let answered =
        |name: &Option<String>| name.as_ref().is_some_and(|name| given.contains_key(name));
    let asked = asked
        .filter(|(_, _, name)| !answered(name))
        .collect::<Vec<_>>();
    let questions = asked
        .iter()
        .map(|(line, asks, _)| format!("{asks} (line {line})"));
    let questions = questions.collect::<Vec<_>>().join(", ");
    let message = format!(
        "the template's hook {} asks questions, and nobody can answer there: {questions}",
        hook.path
    );
    let mut names = asked
        .into_iter()
        .filter_map(|(_, _, name)| name)
        .collect::<Vec<_>>();
    names.dedup();
    let defines = names.iter().map(|name| format!("--define {name}=…"));
    let defines = defines.collect::<Vec<_>>().join(" ");
    let error = Error::new(Kind::Template, message);
    if defines.is_empty() {
        error
    } else {
        error.help(defines)
    }
}

/// The variable that the answer to a question in `line` of the script `text` goes to.
fn variable(line: &str, text: &str) -> Option<String> {
    let set = Regex::new(r#"variable\s*::\s*set\s*\(\s*"([^"]+)""#).expect("it is one");
    if let Some(found) = set.captures(line) {
        return Some(found[1].to_owned());
    }
    let bound = Regex::new(r"(\w+)\s*=[^=]").expect("the expression is one");
    let local = bound.captures(line)?[1].to_owned();
    let later = format!(r#"variable\s*::\s*set\s*\(\s*"([^"]+)"\s*,\s*{local}\b"#);
    let later = Regex::new(&later).ok()?;
    Some(
        later
            .captures(text)
            .map_or(local, |found| found[1].to_owned()),
    )
}

/// The hook wants to run a command, and may not.
fn command(path: &str, source: Option<&Hook>) -> Error {
    let calls = source.map(|hook| calls(&hook.text)).unwrap_or_default();
    let calls = calls.iter().map(|call| format!("`{call}`"));
    let calls = calls.collect::<Vec<_>>().join(", ");
    let message = format!(
        "the template's hook {path} runs a command, and nobody has agreed to that: {calls}"
    );
    Error::new(Kind::Trust, message.trim_end_matches(": ")).help("read it, then `--trust`")
}

/// Without the directories that are gone when one reads this.
fn without_places(text: &str) -> String {
    let place = Regex::new(r"[^\s`']*/tmp/cargo-generate[A-Za-z0-9]{6}/?").expect("it is one");
    place.replace_all(text, "").into_owned()
}
