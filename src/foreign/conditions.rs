//! Which conditions of a configuration hold, and what is asked therefore.

use heck::ToSnakeCase as _;
use rhai::module_resolvers::DummyModuleResolver;
use rhai::{Dynamic, Engine, EvalAltResult};

use super::check::Checker;
use super::config::{Config, Lists};
use super::{Author, Foreign, as_bool};
use crate::questions::{Answer, Answers, Default as Preset, Form, Question};

/// Steps one expression may take.
const STEPS: u64 = 100_000;
/// Characters, elements and entries of its values.
const SIZE: usize = 1 << 16;

/// What is known once all questions have answers.
#[derive(Debug)]
pub struct Settled<'a> {
    /// All that templates can say: what cargo-generate knows itself, answers, defaults.
    pub known: Answers,
    /// The questions that are asked and were not answered, in the order they come up; some have
    /// defaults.
    pub open: Vec<&'a Question>,
    pub(super) lists: Lists,
}

impl Settled<'_> {
    /// Whoever renders as cargo-generate would now.
    #[must_use]
    pub fn checker(&self) -> Checker {
        Checker::new(&self.known, &self.lists)
    }

    /// The questions nobody answers, not even a default.
    pub fn missing(&self) -> impl Iterator<Item = &Question> {
        let open = self.open.iter().copied();
        open.filter(|question| question.default.is_none())
    }
}

/// The names of what cargo-generate knows without asking.
pub const BUILTINS: [&str; 8] = [
    "project-name",
    "crate_name",
    "crate_type",
    "authors",
    "username",
    "os-arch",
    "is_init",
    "within_cargo_project",
];

/// What cargo-generate knows without asking.
#[must_use]
pub fn builtins(name: &str, author: &Author, within_cargo_project: bool, init: bool) -> Answers {
    let text = |text: &str| Answer::Text(text.to_owned());
    let arch = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let known = [
        ("project-name", text(name)),
        ("crate_name", Answer::Text(name.to_snake_case())),
        ("crate_type", text("bin")),
        ("authors", Answer::Text(author.authors())),
        ("username", text(author.name.trim())),
        ("os-arch", Answer::Text(arch)),
        ("is_init", Answer::Bool(init)),
        ("within_cargo_project", Answer::Bool(within_cargo_project)),
    ];
    known
        .into_iter()
        .map(|(name, answer)| (name.to_owned(), answer))
        .collect()
}

impl Foreign {
    /// What is known when `given` is answered, and which questions that leaves open.
    #[must_use]
    pub fn settle(&self, given: &Answers, builtins: &Answers) -> Settled<'_> {
        settle(&self.settings, given, builtins)
    }

    /// Whether the template is expanded as by `cargo generate --init`, as `is_init` tells.
    #[must_use]
    pub fn is_init(&self) -> bool {
        self.settings.init
    }
}

/// As cargo-generate does it: ask, look which conditions hold now, take what they bring, and
/// again while they bring questions.
fn settle<'a>(config: &'a Config, given: &Answers, builtins: &Answers) -> Settled<'a> {
    let mut settled = Settled {
        known: builtins.clone(),
        open: Vec::new(),
        lists: config.lists.clone(),
    };
    let mut asked = config.questions.iter().collect::<Vec<_>>();
    let mut left = config.conditionals.iter().collect::<Vec<_>>();
    loop {
        for question in std::mem::take(&mut asked) {
            settled.ask(question, given);
        }
        let (hold, rest): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|conditional| holds(&conditional.expression, &settled.known));
        left = rest;
        for conditional in hold {
            settled.lists.append(&conditional.lists);
            asked.extend(&conditional.questions);
        }
        if asked.is_empty() {
            break;
        }
    }
    for (name, answer) in given {
        let own = builtins.contains_key(name);
        if own || !settled.known.contains_key(name) {
            let text = Answer::Text(answer.to_string());
            settled.known.insert(name.clone(), text);
        }
    }
    settled
}

impl<'a> Settled<'a> {
    fn ask(&mut self, question: &'a Question, given: &Answers) {
        if self.known.contains_key(&question.name) {
            return;
        }
        let given = given.get(&question.name);
        if given.is_none() && !self.open.iter().any(|open| open.name == question.name) {
            self.open.push(question);
        }
        let preset = match &question.default {
            Some(Preset::Is(answer)) => Some(answer),
            _ => None,
        };
        if let Some(answer) = given.or(preset) {
            let answer = fitting(answer, &question.form);
            self.known.insert(question.name.clone(), answer);
        }
    }
}

impl Lists {
    fn append(&mut self, other: &Self) {
        let add = |list: &mut Option<Vec<String>>, more: &Option<Vec<String>>| {
            if let Some(more) = more {
                list.get_or_insert_default().extend(more.iter().cloned());
            }
        };
        add(&mut self.include, &other.include);
        add(&mut self.exclude, &other.exclude);
        add(&mut self.ignore, &other.ignore);
    }
}

/// `answer` in the type that a question of `form` has in templates.
fn fitting(answer: &Answer, form: &Form) -> Answer {
    match (form, answer) {
        (Form::Bool, answer) => match as_bool(answer) {
            Some(yes) => Answer::Bool(yes),
            None => Answer::Text(answer.to_string()),
        },
        (Form::Many(_), Answer::Many(_)) => answer.clone(),
        (Form::Many(_), answer) => {
            let text = answer.to_string();
            let values = text.split(',').filter(|value| !value.is_empty());
            Answer::Many(values.map(str::to_owned).collect())
        }
        (_, answer) => Answer::Text(answer.to_string()),
    }
}

/// Whether `expression` holds where `known` is. One that makes no sense, does not end or asks for
/// more than a look at values does not hold.
#[must_use]
pub fn holds(expression: &str, known: &Answers) -> bool {
    let engine = engine(known.clone());
    engine.eval_expression::<bool>(expression).unwrap_or(false)
}

fn engine(known: Answers) -> Engine {
    let mut engine = Engine::new();
    engine
        .set_max_operations(STEPS)
        .set_max_string_size(SIZE)
        .set_max_array_size(SIZE)
        .set_max_map_size(SIZE)
        .set_module_resolver(DummyModuleResolver::new())
        .on_print(|_| {})
        .on_debug(|_, _, _| {})
        // Expressions of others do not make us wait.
        .register_fn("sleep", |_: i64| -> Result<(), Box<EvalAltResult>> {
            Err("no".into())
        })
        .register_fn("sleep", |_: f64| -> Result<(), Box<EvalAltResult>> {
            Err("no".into())
        });
    #[allow(
        deprecated,
        reason = "the one way to look variables up; cargo-generate has it, too"
    )]
    engine.on_var(move |name, _, _| Ok(known.get(name).map(value)));
    engine
}

fn value(answer: &Answer) -> Dynamic {
    match answer {
        Answer::Bool(yes) => Dynamic::from(*yes),
        Answer::Integer(number) => Dynamic::from(number.to_string()),
        Answer::Text(text) => Dynamic::from(text.clone()),
        Answer::Many(values) => {
            let values = values.iter().cloned().map(Dynamic::from);
            Dynamic::from(values.collect::<rhai::Array>())
        }
    }
}
