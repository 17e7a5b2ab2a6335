//! What a template asks: questions of either kind of template, and what an answer to them may be.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers by the names of their questions.
pub type Answers = BTreeMap<String, Answer>;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text, or the value of one choice.
    Text(String),
    /// The values of several choices.
    Many(Vec<String>),
}

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the template calls the answer.
    pub name: String,
    /// What a human is asked.
    pub ask: String,
    /// Which answers are good.
    pub form: Form,
    /// The answer of whoever gives none.
    pub default: Option<Default>,
    /// When it is asked at all; without one, always.
    pub when: Option<Condition>,
    /// Whether the answer is kept out of records, logs and echoes.
    pub secret: bool,
}

/// The form of good answers.
#[derive(Clone, Debug)]
pub enum Form {
    /// A text.
    Text {
        /// What it has to match, from some place in it to another.
        regex: Option<regex::Regex>,
        /// Its shortest and longest length, in characters.
        length: (usize, usize),
    },
    /// A whole number from one to another, both included.
    Integer(i64, i64),
    /// Yes or no.
    Bool,
    /// One of these.
    One(Vec<Choice>),
    /// Any of these.
    Many(Vec<Choice>),
}

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What the template sees.
    pub value: String,
    /// What a human sees.
    pub label: String,
}

/// The answer of whoever gives none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// As it stands.
    Is(Answer),
    /// A text of handlebars, filled from the answers before it.
    From(String),
}

/// When a question is asked, or a file is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// An expression of handlebars, as it could stand after `#if`.
    Handlebars(String),
    /// An expression of Rhai, as in a cargo-generate template.
    Rhai(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Many(values) => f.write_str(&values.join(",")),
        }
    }
}

impl Form {
    /// The answer that is written as `text`, on a command line for instance, or what was
    /// expected.
    pub fn parse(&self, text: &str) -> Result<Answer, String> {
        self.accepts(match self {
            Self::Text { .. } | Self::One(_) => Answer::Text(text.to_owned()),
            Self::Integer(..) => match text.trim().parse() {
                Ok(number) => Answer::Integer(number),
                Err(_) => return Err("expected a whole number".to_owned()),
            },
            Self::Bool => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "y" | "1" | "on" => Answer::Bool(true),
                "false" | "no" | "n" | "0" | "off" => Answer::Bool(false),
                _ => return Err("expected true or false".to_owned()),
            },
            Self::Many(_) => {
                let values = text.split(',').map(str::trim);
                let values = values.filter(|value| !value.is_empty());
                Answer::Many(values.map(str::to_owned).collect())
            }
        })
    }

    /// The answer, if it is a good one, or what was expected.
    pub fn accepts(&self, answer: Answer) -> Result<Answer, String> {
        match (self, &answer) {
            (Self::Text { regex, length }, Answer::Text(text)) => {
                fits(text, *length)?;
                match regex {
                    Some(regex) if !regex.is_match(text) => {
                        Err(format!("expected what `{}` matches", bare(regex)))
                    }
                    _ => Ok(answer),
                }
            }
            (Self::Integer(from, to), Answer::Integer(number)) => {
                if (from..=to).contains(&number) {
                    return Ok(answer);
                }
                Err(format!("expected a whole number from {from} to {to}"))
            }
            (Self::Bool, Answer::Bool(_)) => Ok(answer),
            (Self::One(choices), Answer::Text(value)) => one_of(value, choices).map(|()| answer),
            (Self::Many(choices), Answer::Many(values)) => {
                values.iter().try_for_each(|value| one_of(value, choices))?;
                Ok(answer)
            }
            // A text where something else is wanted may say it: files of answers, variables.
            (Self::Integer(..) | Self::Bool | Self::Many(_), Answer::Text(text)) => {
                self.parse(text)
            }
            _ => Err(format!("expected {}", self.expected())),
        }
    }

    /// What a good answer is, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Text {
                regex: Some(regex), ..
            } => format!("a text that `{}` matches", bare(regex)),
            Self::Text { .. } => "a text".to_owned(),
            Self::Integer(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            Self::Integer(from, to) => format!("a whole number from {from} to {to}"),
            Self::Bool => "true or false".to_owned(),
            Self::One(choices) => format!("one of {}", listed(choices)),
            Self::Many(choices) => format!("any of {}", listed(choices)),
        }
    }

    /// An answer that could be one, for examples.
    #[must_use]
    pub fn example(&self) -> String {
        match self {
            Self::Text { .. } => "TEXT".to_owned(),
            Self::Integer(from, _) => from.max(&1).to_string(),
            Self::Bool => "true".to_owned(),
            Self::One(choices) | Self::Many(choices) => choices
                .first()
                .map_or_else(String::new, |choice| choice.value.clone()),
        }
    }
}

/// What stands in a file as an answer, if it is of a type an answer can have.
#[must_use]
pub fn typed(value: &toml::Value) -> Option<Answer> {
    Some(match value {
        toml::Value::String(text) => Answer::Text(text.clone()),
        toml::Value::Integer(number) => Answer::Integer(*number),
        toml::Value::Boolean(yes) => Answer::Bool(*yes),
        toml::Value::Array(list) => {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            Answer::Many(texts.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn fits(text: &str, (shortest, longest): (usize, usize)) -> Result<(), String> {
    let length = text.chars().count();
    if (shortest..=longest).contains(&length) {
        return Ok(());
    }
    Err(format!("expected {shortest} to {longest} characters"))
}

fn one_of(value: &str, choices: &[Choice]) -> Result<(), String> {
    if choices.iter().any(|choice| choice.value == value) {
        return Ok(());
    }
    let near = crate::settings::nearest(value, choices.iter().map(|choice| choice.value.as_str()));
    Err(match near {
        Some(near) => format!(
            "expected one of {}; did you mean `{near}`?",
            listed(choices)
        ),
        None => format!("expected one of {}", listed(choices)),
    })
}

/// Some templates have a thousand of them.
fn listed(choices: &[Choice]) -> String {
    const SHOWN: usize = 12;
    let names = choices
        .iter()
        .take(SHOWN)
        .map(|choice| choice.value.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    match choices.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// A regular expression as its author wrote it.
fn bare(regex: &regex::Regex) -> &str {
    let text = regex.as_str();
    let inner = text
        .strip_prefix("^(?:")
        .and_then(|text| text.strip_suffix(")$"));
    inner.unwrap_or(text)
}
