//! What could be answered: the combinations of answers and parts that something depends on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::answers;
use crate::fill::{self, variables};
use crate::parts::Chosen;
use crate::questions::{Answer, Answers, Condition, Default, Form, Question};
use crate::render;
use crate::template::Template;

/// More combinations than these are not tried.
pub const MOST: usize = 4096;
/// Of more choices than these not every set is tried, but none, each alone, and all.
const SETS: usize = 5;

/// What could be answered.
pub struct Worlds {
    /// The combinations.
    pub all: Vec<World>,
    /// Whether some text or number could be anything, of which only one was tried.
    pub vague: bool,
    /// Whether there are more than were tried.
    pub bounded: bool,
}

/// One combination.
#[derive(Clone)]
pub struct World {
    /// The answers.
    pub answers: Answers,
    /// The parts.
    pub parts: Chosen,
    /// Everything a condition sees.
    pub values: Value,
    /// What was chosen, in words.
    chosen: Vec<String>,
}

impl World {
    /// What was chosen, as the end of a sentence.
    pub fn told(&self) -> String {
        match self.chosen.as_slice() {
            [] => String::new(),
            chosen => format!(", with {}", chosen.join(", ")),
        }
    }
}

impl Worlds {
    /// The combinations that `names` depend on, of the first `count` questions.
    pub fn of(template: &Template, names: &BTreeSet<String>, count: usize) -> Self {
        let questions = &template.questions()[..count];
        let names = closed(names.clone(), questions);
        let ground = ground(template);
        let mut worlds = Self {
            all: vec![ground],
            vague: names.iter().any(|name| is_free(name)),
            bounded: false,
        };
        let parts = template
            .parts
            .iter()
            .filter(|part| names.contains(&part.name));
        for part in parts {
            worlds.part(&part.name);
        }
        for question in questions.iter().filter(|asked| names.contains(&asked.name)) {
            worlds.question(question);
        }
        worlds
    }

    fn part(&mut self, name: &str) {
        self.branch(|world| {
            let with = |has: bool| {
                let mut world = world.clone();
                if has {
                    world.parts.insert(name.to_owned());
                }
                world.values[name] = Value::Bool(has);
                world.chosen.push(format!("{name}={has}"));
                world
            };
            vec![with(true), with(false)]
        });
    }

    fn question(&mut self, question: &Question) {
        let free = matches!(question.form, Form::Text { .. } | Form::Integer(..));
        self.vague |= free;
        if let Form::Many(choices) = &question.form {
            self.bounded |= choices.len() > SETS;
        }
        self.branch(|world| {
            if !is_asked(question, world) {
                let usual = usual(question, world);
                return vec![match usual {
                    Some(answer) => world.with(question, answer, false),
                    None => world.clone(),
                }];
            }
            let answers = possible(question, world);
            let answers = answers.into_iter();
            answers
                .map(|answer| world.with(question, answer, !free))
                .collect()
        });
    }

    fn branch(&mut self, into: impl Fn(&World) -> Vec<World>) {
        let mut all = Vec::new();
        for world in &self.all {
            all.extend(into(world));
            if all.len() > MOST {
                all.truncate(MOST);
                self.bounded = true;
                break;
            }
        }
        self.all = all;
    }
}

impl World {
    fn with(&self, question: &Question, answer: Answer, chosen: bool) -> Self {
        let mut world = self.clone();
        if chosen {
            world.chosen.push(format!("{}={answer}", question.name));
        }
        let value = serde_json::to_value(&answer).unwrap_or_default();
        world.values[&question.name] = value;
        world.answers.insert(question.name.clone(), answer);
        world
    }
}

/// What is there without an answer; the port stands for any.
fn ground(template: &Template) -> World {
    let parts = Chosen::new();
    let description = "The sample-service service";
    let mut values = render::ground(template, "sample-service", description, &parts);
    values["port"] = json!(5000);
    World {
        answers: Answers::new(),
        parts,
        values,
        chosen: Vec::new(),
    }
}

/// `names`, and all they depend on.
fn closed(mut names: BTreeSet<String>, questions: &[Question]) -> BTreeSet<String> {
    for question in questions.iter().rev() {
        if names.contains(&question.name) {
            names.extend(depends_on(question));
        }
    }
    names
}

fn depends_on(question: &Question) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(Condition::Handlebars(when)) = &question.when {
        names.extend(variables::of_condition(when));
    }
    if let Some(Default::From(text)) = &question.default {
        names.extend(variables::of_text(text));
    }
    names
}

/// Whether `name` is there without being asked for, and could be anything.
fn is_free(name: &str) -> bool {
    crate::manifest::GIVEN.contains(&name)
}

fn is_asked(question: &Question, world: &World) -> bool {
    match &question.when {
        Some(Condition::Handlebars(when)) => fill::holds(when, &world.values).unwrap_or(true),
        _ => true,
    }
}

/// The answer of whoever gives none.
fn usual(question: &Question, world: &World) -> Option<Answer> {
    match question.default.as_ref()? {
        Default::Is(answer) => Some(answer.clone()),
        Default::From(text) => {
            let values = answers::with(&world.values, &world.answers);
            let text = fill::text(text, &values).ok()?;
            question.form.parse(&text).ok()
        }
    }
}

fn possible(question: &Question, world: &World) -> Vec<Answer> {
    match &question.form {
        Form::Bool => vec![Answer::Bool(true), Answer::Bool(false)],
        Form::One(choices) => {
            let values = choices.iter().map(|choice| choice.value.clone());
            values.map(Answer::Text).collect()
        }
        Form::Many(choices) => {
            let values = choices.iter().map(|choice| choice.value.clone());
            sets(&values.collect::<Vec<_>>())
        }
        Form::Integer(from, to) => {
            let number = (*from).max(1).min(*to);
            vec![usual(question, world).unwrap_or(Answer::Integer(number))]
        }
        Form::Text { .. } => {
            let text = Answer::Text(question.form.example());
            vec![usual(question, world).unwrap_or(text)]
        }
    }
}

fn sets(values: &[String]) -> Vec<Answer> {
    if values.len() > SETS {
        let each = values.iter().map(|value| vec![value.clone()]);
        let none = std::iter::once(Vec::new());
        let all = std::iter::once(values.to_vec());
        return none.chain(each).chain(all).map(Answer::Many).collect();
    }
    let set = |number: usize| {
        let there = values.iter().enumerate();
        let there = there.filter(|(i, _)| number >> i & 1 == 1);
        Answer::Many(there.map(|(_, value)| value.clone()).collect())
    };
    (0..1 << values.len()).map(set).collect()
}
