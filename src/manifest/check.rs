//! Gives what stands in the file its meaning, and says all that is wrong with it at once.

mod migrations;

use std::collections::BTreeSet;

use regex::Regex;
use semver::{Version, VersionReq};
use toml::{Spanned, Value};

use super::file::{File, Head, RawChoice, RawForm, RawHook, RawQuestion, RawRule, RawSample};
use super::{Hook, Manifest, Rule, Sample, wrong};
use crate::error::{Error, Kind, Result};
use crate::fill;
use crate::parts::Part;
use crate::questions::{self, Answer, Choice, Condition, Default, Form, Question};

/// What every template can say without a question: nobody may ask for it.
pub const GIVEN: [&str; 7] = [
    "name",
    "crate_name",
    "env_prefix",
    "description",
    "port",
    "template_version",
    "parts",
];

/// The longest text of whoever sets no bound, in characters.
const LONGEST: usize = 4096;

/// The manifest of `raw`, which was read from `text`, of a template with these `parts`.
pub fn all(raw: File, text: &str, parts: Option<&[Part]>) -> Result<Manifest> {
    let mut check = Check {
        text,
        wrong: Vec::new(),
    };
    check.head(&raw.template);
    let questions = check.questions(raw.questions);
    let files = raw.files.into_iter().filter_map(|rule| check.rule(&rule));
    let files = files.collect::<Vec<_>>();
    let hooks = raw.hooks.into_iter().filter_map(|hook| check.hook(hook));
    let hooks = hooks.collect::<Vec<_>>();
    let mut samples = Vec::new();
    for sample in raw.samples {
        samples.extend(check.sample(sample, &questions));
    }
    let own = Version::parse(raw.template.version.get_ref()).ok();
    let migrations = check.migrations(raw.migrations, own.as_ref());
    check.targets(&migrations, &questions, parts);
    let deprecations = check.deprecations(raw.deprecations, own.as_ref());
    Error::all(check.wrong)?;
    let migrations = migrations.into_iter().map(|(migration, _)| migration);
    Ok(Manifest {
        name: raw.template.name.into_inner(),
        version: raw.template.version.into_inner(),
        description: raw.template.description,
        questions,
        files,
        hooks,
        samples,
        migrations: migrations.collect(),
        deprecations,
    })
}

struct Check<'a> {
    text: &'a str,
    wrong: Vec<Error>,
}

impl Check<'_> {
    fn note<T>(&mut self, at: &Spanned<T>, what: &str) {
        self.wrong.push(wrong(self.text, at.span().start, what));
    }

    fn head(&mut self, head: &Head) {
        if !is_word(head.name.get_ref(), &['-', '_']) {
            let what = "a name is lower-case letters, digits, `-` and `_`, a letter first";
            self.note(&head.name, what);
        }
        if Version::parse(head.version.get_ref()).is_err() {
            self.note(&head.version, "a version is three numbers, such as 1.4.0");
        }
        let Some(wanted) = &head.generate_service else {
            return;
        };
        match VersionReq::parse(wanted.get_ref()) {
            Err(_) => self.note(wanted, "versions are written as in Cargo.toml: `>=0.1`"),
            Ok(range) => {
                let ours = env!("CARGO_PKG_VERSION");
                if !Version::parse(ours).is_ok_and(|ours| range.matches(&ours)) {
                    let wanted = wanted.get_ref();
                    let what =
                        format!("the template wants generate-service {wanted}, this is {ours}");
                    let error = Error::new(Kind::Template, what);
                    self.wrong.push(error.help(
                        "install another generate-service, or take another version of the template: --tag TAG",
                    ));
                }
            }
        }
    }

    fn questions(&mut self, raw: Vec<RawQuestion>) -> Vec<Question> {
        let mut known = BTreeSet::new();
        let mut questions = Vec::new();
        for raw in raw {
            let name = raw.name.get_ref().clone();
            if !is_word(&name, &['_']) {
                let what = format!(
                    "`{}` is no name of an answer: lower-case letters, digits and `_`, a letter first",
                    name.escape_debug()
                );
                self.note(&raw.name, &what);
            } else if GIVEN.contains(&name.as_str()) {
                self.note(
                    &raw.name,
                    &format!("`{name}` is there without being asked for"),
                );
            } else if !known.insert(name.clone()) {
                self.note(&raw.name, &format!("`{name}` is asked for twice"));
            }
            questions.extend(self.question(raw));
        }
        questions
    }

    fn question(&mut self, raw: RawQuestion) -> Option<Question> {
        let form = self.form(&raw)?;
        let default = match &raw.default {
            Some(default) => Some(self.default(default, &form)?),
            None => None,
        };
        let when = raw.when.as_ref().map(|when| self.condition(when));
        let name = raw.name.into_inner();
        Some(Question {
            ask: raw.ask.unwrap_or_else(|| name.clone()),
            name,
            form,
            default,
            when: when.map(Condition::Handlebars),
            secret: raw.secret,
        })
    }

    fn form(&mut self, raw: &RawQuestion) -> Option<Form> {
        self.only(raw.regex.as_ref(), raw.form == RawForm::String, "regex");
        self.only(raw.length.as_ref(), raw.form == RawForm::String, "length");
        self.only(raw.range.as_ref(), raw.form == RawForm::Integer, "range");
        let chooses = matches!(raw.form, RawForm::OneOf | RawForm::ManyOf);
        self.only(raw.choices.as_ref(), chooses, "choices");
        Some(match raw.form {
            RawForm::Bool => Form::Bool,
            RawForm::Integer => {
                let range = raw.range.as_ref().map(|range| *range.get_ref());
                let [from, to] = range.unwrap_or([i64::MIN, i64::MAX]);
                Form::Integer(from, to)
            }
            RawForm::String => Form::Text {
                regex: match &raw.regex {
                    Some(regex) => Some(self.regex(regex)?),
                    None => None,
                },
                length: raw.length.as_ref().map_or((0, LONGEST), |length| {
                    let [from, to] = *length.get_ref();
                    (from as usize, to as usize)
                }),
            },
            RawForm::OneOf => Form::One(self.choices(raw)?),
            RawForm::ManyOf => Form::Many(self.choices(raw)?),
        })
    }

    fn only<T>(&mut self, key: Option<&Spanned<T>>, fits: bool, name: &str) {
        if let Some(key) = key.filter(|_| !fits) {
            self.note(key, &format!("`{name}` says nothing about this type"));
        }
    }

    /// The whole text has to match: that is what people mean, and what they forget to write.
    fn regex(&mut self, regex: &Spanned<String>) -> Option<Regex> {
        let compile = |text: &str| regex::RegexBuilder::new(text).size_limit(1 << 20).build();
        let whole = format!("^(?:{})$", regex.get_ref());
        // Alone first: what is wrong is to be told of what its author wrote.
        match compile(regex.get_ref()).and_then(|_| compile(&whole)) {
            Ok(built) => Some(built),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ");
                let what = format!("`{}` is no regular expression: {reason}", regex.get_ref());
                self.note(regex, &what);
                None
            }
        }
    }

    fn choices(&mut self, raw: &RawQuestion) -> Option<Vec<Choice>> {
        let Some(choices) = raw.choices.as_ref() else {
            self.note(&raw.name, "there is nothing to choose from: `choices`");
            return None;
        };
        let list = choices.get_ref().iter().map(|choice| match choice {
            RawChoice::Plain(value) => Choice {
                value: value.clone(),
                label: value.clone(),
            },
            RawChoice::Labelled { value, label } => Choice {
                value: value.clone(),
                label: label.clone(),
            },
        });
        let list = list.collect::<Vec<_>>();
        let values = list.iter().map(|choice| choice.value.as_str());
        if list.is_empty() || values.collect::<BTreeSet<_>>().len() < list.len() {
            self.note(choices, "choices are at least one, and all different");
            return None;
        }
        // Several are written between commas.
        if raw.form == RawForm::ManyOf && list.iter().any(|choice| choice.value.contains(',')) {
            self.note(choices, "a choice among many has no comma");
        }
        Some(list)
    }

    fn default(&mut self, raw: &Spanned<Value>, form: &Form) -> Option<Default> {
        if let Some(text) = raw.get_ref().as_str()
            && text.contains("{{")
        {
            if let Err(reason) = fill::is_plain(text) {
                self.note(raw, &format!("`{text}`: {reason}"));
                return None;
            }
            return Some(Default::From(text.to_owned()));
        }
        self.answer(raw, form).map(Default::Is)
    }

    fn answer(&mut self, raw: &Spanned<Value>, form: &Form) -> Option<Answer> {
        let Some(answer) = questions::typed(raw.get_ref()) else {
            self.note(
                raw,
                "an answer is a text, a whole number, true or false, or a list of texts",
            );
            return None;
        };
        match form.accepts(answer) {
            Ok(answer) => Some(answer),
            Err(expected) => {
                self.note(raw, &expected);
                None
            }
        }
    }

    fn condition(&mut self, when: &Spanned<String>) -> String {
        let text = when.get_ref();
        if let Err(reason) = fill::is_condition(text) {
            self.note(when, &format!("`{text}`: {reason}"));
        }
        text.clone()
    }

    fn rule(&mut self, raw: &RawRule) -> Option<Rule> {
        let when = self.condition(&raw.when);
        match glob::Pattern::new(raw.path.get_ref()) {
            Ok(path) => Some(Rule { path, when }),
            Err(error) => {
                self.note(&raw.path, &format!("`{}`: {error}", raw.path.get_ref()));
                None
            }
        }
    }

    fn hook(&mut self, raw: RawHook) -> Option<Hook> {
        let when = raw.when.as_ref().map(|when| self.condition(when));
        if raw.run.get_ref().is_empty() {
            self.note(&raw.run, "there is nothing to run");
            return None;
        }
        Some(Hook {
            run: raw.run.into_inner(),
            when,
        })
    }

    fn sample(&mut self, raw: RawSample, questions: &[Question]) -> Option<Sample> {
        if !is_word(raw.name.get_ref(), &['-', '_']) {
            let what = "a name is lower-case letters, digits, `-` and `_`, a letter first";
            self.note(&raw.name, what);
        }
        let mut answers = Vec::new();
        for (name, value) in raw.answers {
            match questions.iter().find(|question| question.name == name) {
                Some(question) => {
                    answers.push((name, self.answer(&value, &question.form)?));
                }
                None => self.note(&value, &format!("nothing asks for `{name}`")),
            }
        }
        Some(Sample {
            name: raw.name.into_inner(),
            answers,
            parts: (raw.with, raw.without),
            golden: raw.golden,
        })
    }
}

fn is_word(text: &str, and: &[char]) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || and.contains(&c);
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= 64 && text.chars().all(good)
}
