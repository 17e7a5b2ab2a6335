//! Answers to a template's questions: flag > file of answers > variable > settings file > default.
//!
//! Who sits at a terminal is asked by `ask`, which adds to what was given; here nobody is asked,
//! so the same answers always come to the same end, and all that is missing is said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::fill;
use crate::foreign;
use crate::questions::{Answer, Answers, Condition, Default, Question};
use crate::settings::nearest;

/// What variables of answers begin with.
pub const VARIABLE: &str = "GENERATE_SERVICE_ANSWER_";

/// What was answered before anybody asked.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// By name; the first that was added stays.
    near: BTreeMap<String, (Told, Place)>,
    /// By name as in a variable: capitals, `_` for `-`.
    variables: BTreeMap<String, (Told, Place)>,
    /// By name, where no nearer source says anything.
    far: BTreeMap<String, (Told, Place)>,
}

/// An answer as it was given.
#[derive(Clone, Debug)]
pub enum Told {
    /// A text, which means what its question makes of it.
    Text(String),
    /// With a type.
    Typed(Answer),
}

/// Where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `--define`
    Flag,
    /// `--answers`
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// `[answers]` of a settings file.
    Settings(PathBuf),
    /// A human, just now.
    Human,
    /// The record of a service.
    Record,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("`--define`"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable `{name}`"),
            Self::Settings(path) => write!(f, "`[answers]` in {}", path.display()),
            Self::Human => f.write_str("typed"),
            Self::Record => f.write_str("`[answers]` in service.toml"),
        }
    }
}

impl Place {
    const fn kind(&self) -> Kind {
        match self {
            Self::Settings(_) => Kind::Settings,
            _ => Kind::Usage,
        }
    }
}

impl Given {
    /// Adds an answer, unless an equally near source gave one.
    pub fn add(&mut self, name: &str, told: Told, place: Place) {
        let (answers, name) = match &place {
            Place::Variable(_) => (&mut self.variables, in_variable(name)),
            Place::Settings(_) => (&mut self.far, name.to_owned()),
            Place::Flag | Place::File(_) | Place::Human | Place::Record => {
                (&mut self.near, name.to_owned())
            }
        };
        answers.entry(name).or_insert((told, place));
    }

    /// The nearest answer to `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&(Told, Place)> {
        let variable = || self.variables.get(&in_variable(name));
        let near = self.near.get(name).or_else(variable);
        near.or_else(|| self.far.get(name))
    }

    /// What was given for this very template that no question asks for: its code may ask on its
    /// own.
    #[must_use]
    pub fn beside(&self, questions: &[Question]) -> BTreeMap<String, String> {
        let asked = |name: &str| questions.iter().any(|question| question.name == name);
        let beside = self.near.iter().filter(|(name, _)| !asked(name));
        let text = |told: &Told| match told {
            Told::Text(text) => text.clone(),
            Told::Typed(answer) => answer.to_string(),
        };
        beside
            .map(|(name, (told, _))| (name.clone(), text(told)))
            .collect()
    }
}

/// A name as in a variable.
fn in_variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// What answers depend on beside each other.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// What is known without asking.
    pub values: &'a Value,
    /// Whether answers nobody asked for are passed on, not refused.
    pub lenient: bool,
    /// Whether code of the template may answer before anybody is asked.
    pub answering: bool,
}

/// Every answer, or all that is missing and wrong.
pub fn settle(questions: &[Question], given: &Given, ground: Ground) -> Result<Answers> {
    settle_with(questions, given, ground, &mut |_, _| Ok(None))
}

/// Somebody who may answer a question, whose usual answer is told.
pub type Ask<'a> = &'a mut dyn FnMut(&Question, Option<&Answer>) -> Result<Option<Answer>>;

/// As `settle`; `ask` may answer what nobody has answered yet.
pub fn settle_with(
    questions: &[Question],
    given: &Given,
    ground: Ground,
    ask: Ask,
) -> Result<Answers> {
    let mut wrong = Vec::new();
    if !ground.lenient {
        wrong.extend(unknown(questions, given));
    }
    let mut answers = Answers::new();
    for question in questions {
        // Two conditions may bring a question of one name.
        if answers.contains_key(&question.name) {
            continue;
        }
        match settled(question, given, (&answers, ground), ask) {
            Ok(answer) => answers.extend(answer.map(|answer| (question.name.clone(), answer))),
            // What hangs on an answer that is not there cannot be told from what is wrong.
            Err(Trouble::Expression(_)) if !wrong.is_empty() => {}
            Err(Trouble::Expression(error) | Trouble::Answer(error)) => wrong.push(error),
        }
    }
    Error::all(wrong)?;
    Ok(answers)
}

enum Trouble {
    Answer(Error),
    Expression(Error),
}

fn settled(
    question: &Question,
    given: &Given,
    (answers, ground): (&Answers, Ground),
    ask: Ask,
) -> Result<Option<Answer>, Trouble> {
    if let Some((told, place)) = given.get(&question.name) {
        return understood(question, told, place)
            .map(Some)
            .map_err(Trouble::Answer);
    }
    let asked = is_asked(question, answers, ground).map_err(Trouble::Expression)?;
    if !asked && matches!(question.when, Some(Condition::Rhai(_))) {
        return Ok(None);
    }
    let usual = usual(question, answers, ground).map_err(Trouble::Expression)?;
    if asked && let Some(answer) = ask(question, usual.as_ref()).map_err(Trouble::Answer)? {
        return Ok(Some(answer));
    }
    match usual {
        None if asked && !ground.answering => Err(Trouble::Answer(missing(question))),
        answer => Ok(answer),
    }
}

fn understood(question: &Question, told: &Told, place: &Place) -> Result<Answer> {
    let understood = match told {
        Told::Text(text) => question.form.parse(text),
        Told::Typed(answer) => question.form.accepts(answer.clone()),
    };
    understood.map_err(|expected| {
        let shown = match told {
            _ if question.secret => "(secret)".to_owned(),
            Told::Text(text) => text.escape_debug().to_string(),
            Told::Typed(answer) => answer.to_string().escape_debug().to_string(),
        };
        let message = format!(
            "invalid answer `{shown}` to `{}` ({place}): {expected}",
            question.name
        );
        Error::new(place.kind(), message).help(define(question))
    })
}

/// Whether a question is asked at all, after these answers.
fn is_asked(question: &Question, answers: &Answers, ground: Ground) -> Result<bool> {
    match &question.when {
        None => Ok(true),
        Some(Condition::Rhai(expression)) => {
            let known = with(ground.values, answers);
            let known = serde_json::from_value(known).unwrap_or_default();
            Ok(foreign::holds(expression, &known))
        }
        Some(Condition::Handlebars(expression)) => {
            let holds = fill::holds(expression, &with(ground.values, answers));
            holds.map_err(|reason| odd(question, "when", expression, &reason))
        }
    }
}

/// The answer of whoever gives none, after these answers.
fn usual(question: &Question, answers: &Answers, ground: Ground) -> Result<Option<Answer>> {
    match &question.default {
        None => Ok(None),
        Some(Default::Is(answer)) => Ok(Some(answer.clone())),
        Some(Default::From(expression)) => {
            let text = fill::text(expression, &with(ground.values, answers));
            let answer = text.and_then(|text| question.form.parse(&text));
            let answer = answer.map_err(|reason| odd(question, "default", expression, &reason))?;
            Ok(Some(answer))
        }
    }
}

/// What is known and what was answered, as templates see it.
#[must_use]
pub fn with(values: &Value, answers: &Answers) -> Value {
    let mut values = values.clone();
    if let Value::Object(object) = &mut values {
        for (name, answer) in answers {
            object.insert(
                name.clone(),
                serde_json::to_value(answer).unwrap_or_default(),
            );
        }
    }
    values
}

fn odd(question: &Question, key: &str, expression: &str, reason: &str) -> Error {
    let name = &question.name;
    Error::new(
        Kind::Template,
        format!("question `{name}`, `{key}` is `{expression}`: {reason}"),
    )
}

fn missing(question: &Question) -> Error {
    let asks = if question.ask == question.name {
        String::new()
    } else {
        format!(" ({})", question.ask.escape_debug())
    };
    let message = format!("no answer to `{}`{asks}", question.name);
    Error::new(Kind::Usage, message).help(define(question))
}

fn define(question: &Question) -> String {
    if question.secret {
        return format!("export {VARIABLE}{}=…", in_variable(&question.name));
    }
    let example = question.form.example();
    format!("--define {}={example}", question.name)
}

/// Answers to what nobody asks.
fn unknown(questions: &[Question], given: &Given) -> Vec<Error> {
    let names = questions.iter().map(|question| question.name.as_str());
    let names = names.collect::<BTreeSet<_>>();
    let strange = given.near.iter();
    let strange = strange.filter(|(name, _)| !names.contains(name.as_str()));
    let error = |(name, (_, place)): (&String, &(Told, Place))| {
        let message = format!(
            "the template does not ask for `{}` ({place})",
            name.escape_debug()
        );
        let error = Error::new(Kind::Usage, message);
        match nearest(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.help("it asks for nothing"),
            None => {
                let names = names.iter().copied().collect::<Vec<_>>();
                error.help(format!("it asks for {}", names.join(", ")))
            }
        }
    };
    strange.map(error).collect()
}
