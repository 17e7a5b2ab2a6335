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
