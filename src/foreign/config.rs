//! `cargo-generate.toml`, and where in it something is wrong.

use std::ops::Range;

use regex::Regex;
use semver::VersionReq;
use toml_edit::{Array, Document, Item, TableLike, Value};

use super::wrong;
use crate::error::Result;
use crate::questions::{Answer, Choice, Condition, Default as Preset, Form, Question};

/// What a configuration says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub requires: Option<VersionReq>,
    pub sub_templates: Option<Vec<String>>,
    /// The template is expanded as by `cargo generate --init`.
    pub init: bool,
    pub lists: Lists,
    pub questions: Vec<Question>,
    /// By phase: init, pre, post.
    pub hooks: [Vec<String>; 3],
    pub conditionals: Vec<Conditional>,
}

/// What holds only where an expression does.
#[derive(Clone, Debug)]
pub struct Conditional {
    pub expression: String,
    pub lists: Lists,
    pub questions: Vec<Question>,
}

/// Which files are rendered and which are left out.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub include: Option<Vec<String>>,
    pub exclude: Option<Vec<String>>,
    pub ignore: Option<Vec<String>>,
}

/// Names that are not free for questions.
const RESERVED: [&str; 7] = [
    "authors",
    "os-arch",
    "project-name",
    "crate_name",
    "crate_type",
    "within_cargo_project",
    "is_init",
];

/// A configuration being read.
struct Reader<'a> {
    path: &'a str,
    text: &'a str,
}

/// Reads the configuration `text` at `path`.
pub fn read(path: &str, text: &str) -> Result<Config> {
    let document = Document::parse(text.to_owned()).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        wrong(path, text, at, &error.message().replace('\n', ", "))
    })?;
    let reader = Reader { path, text };
    let root = document.as_table();
    let mut config = Config::default();
    if let Some(template) = reader.table(root, "template")? {
        reader.template(template, &mut config)?;
    }
    config.questions = reader.questions(root, None)?;
    if let Some(hooks) = reader.table(root, "hooks")? {
        for (list, phase) in config.hooks.iter_mut().zip(["init", "pre", "post"]) {
            *list = reader.list(hooks, phase)?.unwrap_or_default();
        }
    }
    if let Some(conditionals) = reader.table(root, "conditional")? {
        for (expression, _) in conditionals.iter() {
            let conditional = reader.conditional(conditionals, expression)?;
            config.conditionals.push(conditional);
        }
    }
    Ok(config)
}

impl Reader<'_> {
    fn template(&self, template: &dyn TableLike, config: &mut Config) -> Result<()> {
        config.sub_templates = self.list(template, "sub_templates")?;
        config.lists = self.lists(template)?;
        config.init = match template.get("init") {
            None => false,
            Some(item) => item
                .as_bool()
                .ok_or_else(|| self.not(item, "`init`", "a bool"))?,
        };
        if let Some(item) = template.get("cargo_generate_version") {
            let wanted = item.as_str();
            let wanted =
                wanted.ok_or_else(|| self.not(item, "`cargo_generate_version`", "a string"))?;
            let wanted = VersionReq::parse(wanted)
                .map_err(|error| self.wrong(item, &format!("`{wanted}`: {error}")))?;
            config.requires = Some(wanted);
        }
        match template.get("vcs") {
            Some(item) if !matches!(item.as_str(), Some("Git" | "None")) => {
                Err(self.not(item, "`vcs`", "`\"Git\"` or `\"None\"`"))
            }
            _ => Ok(()),
        }
    }

    fn lists(&self, table: &dyn TableLike) -> Result<Lists> {
        Ok(Lists {
            include: self.list(table, "include")?,
            exclude: self.list(table, "exclude")?,
            ignore: self.list(table, "ignore")?,
        })
    }

    fn conditional(&self, all: &dyn TableLike, expression: &str) -> Result<Conditional> {
        let table = self.table(all, expression)?;
        let Some(table) = table else {
            return Err(self.at(0, "a conditional is missing"));
        };
        Ok(Conditional {
            expression: expression.to_owned(),
            lists: self.lists(table)?,
            questions: self.questions(table, Some(expression))?,
        })
    }

    /// What `table` asks. What is wrong under a condition is only wrong where that holds.
    fn questions(&self, table: &dyn TableLike, when: Option<&str>) -> Result<Vec<Question>> {
        let Some(placeholders) = self.table(table, "placeholders")? else {
            return Ok(Vec::new());
        };
        let questions = placeholders.iter().map(|(name, item)| {
            let mut question = self.question(name, item)?;
            question.when = when.map(|expression| Condition::Rhai(expression.to_owned()));
            Ok(question)
        });
        match when {
            None => questions.collect(),
            Some(_) => Ok(questions.filter_map(Result::ok).collect()),
        }
    }

    fn question(&self, name: &str, item: &Item) -> Result<Question> {
        if RESERVED.contains(&name) {
            return Err(self.wrong(item, &format!("`{name}` is known already, and not asked")));
        }
        let what = |field: &str| format!("`{field}` of placeholder `{name}`");
        let table = item.as_table_like();
        let table =
            table.ok_or_else(|| self.not(item, &format!("placeholder `{name}`"), "a table"))?;
        let string = |field: &str| match table.get(field) {
            None => Ok(None),
            Some(item) => match item.as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(self.not(item, &what(field), "a string")),
            },
        };
        let ask = string("prompt")?;
        let ask = ask.ok_or_else(|| self.wrong(item, &format!("{} is missing", what("prompt"))))?;
        let kind = string("type")?.unwrap_or("string");
        let form = self.form(name, item, kind)?;
        let default = match table.get("default") {
            None => None,
            Some(item) => Some(self.default(item, &what("default"), &form)?),
        };
        Ok(Question {
            name: name.to_owned(),
            ask: ask.to_owned(),
            form,
            default,
            when: None,
            secret: false,
        })
    }

    /// What answers to the placeholder `name` of the type `kind` are good.
    fn form(&self, name: &str, item: &Item, kind: &str) -> Result<Form> {
        let what = |field: &str| format!("`{field}` of placeholder `{name}`");
        let Some(table) = item.as_table_like() else {
            return Err(self.not(item, &format!("placeholder `{name}`"), "a table"));
        };
        let regex = self.regex(name, kind, table)?;
        Ok(match (kind, self.choices(name, kind, table)?) {
            ("bool", _) => Form::Bool,
            ("array", choices) => Form::Many(choices.unwrap_or_default()),
            ("string", Some(choices)) => Form::One(choices),
            ("string" | "text" | "editor", _) => Form::Text {
                regex,
                length: (0, usize::MAX),
            },
            _ => {
                let kinds = "`string`, `text`, `editor`, `bool` or `array`";
                let at = table.get("type").unwrap_or(item);
                return Err(self.not(at, &what("type"), kinds));
            }
        })
    }

    fn regex(&self, name: &str, kind: &str, table: &dyn TableLike) -> Result<Option<Regex>> {
        let Some(item) = table.get("regex") else {
            return Ok(None);
        };
        let what = format!("`regex` of placeholder `{name}`");
        if matches!(kind, "bool" | "array") {
            return Err(self.wrong(item, &format!("{what} is of no use to the type `{kind}`")));
        }
        let text = item.as_str();
        let text = text.ok_or_else(|| self.not(item, &what, "a string"))?;
        let regex = Regex::new(text).map_err(|error| {
            let why = error.to_string().replace('\n', " ");
            self.wrong(item, &format!("{what}: {why}"))
        })?;
        Ok(Some(regex))
    }

    fn choices(
        &self,
        name: &str,
        kind: &str,
        table: &dyn TableLike,
    ) -> Result<Option<Vec<Choice>>> {
        let Some(item) = table.get("choices") else {
            return Ok(None);
        };
        let what = format!("`choices` of placeholder `{name}`");
        let array = item.as_array();
        let array = array.ok_or_else(|| self.not(item, &what, "an array"))?;
        if matches!(kind, "bool" | "text" | "editor") {
            return Err(self.wrong(item, &format!("{what} is of no use to the type `{kind}`")));
        }
        if array.is_empty() && kind == "string" {
            return Err(self.wrong(item, &format!("{what} is empty")));
        }
        let choices = array.iter().map(|value| {
            choice(value).ok_or_else(|| {
                let wanted = "a string or a table of `value` and `label`";
                self.at_value(value, &format!("a choice of `{name}` is not {wanted}"))
            })
        });
        choices.collect::<Result<_>>().map(Some)
    }

    fn default(&self, item: &Item, what: &str, form: &Form) -> Result<Preset> {
        let text = |wanted: &str| item.as_str().ok_or_else(|| self.not(item, what, wanted));
        let answer = match form {
            Form::Bool => Answer::Bool(
                item.as_bool()
                    .ok_or_else(|| self.not(item, what, "a bool"))?,
            ),
            Form::Many(choices) => {
                let values = item.as_array().and_then(strings);
                let values = values.ok_or_else(|| self.not(item, what, "an array of strings"))?;
                if let Some(odd) = values.iter().find(|value| !is_among(value, choices)) {
                    return Err(self.not(
                        item,
                        &format!("`{odd}` in {what}"),
                        "one of the choices",
                    ));
                }
                Answer::Many(values)
            }
            Form::One(choices) => {
                let text = text("a string")?;
                if !is_among(text, choices) {
                    return Err(self.not(item, what, "one of the choices"));
                }
                Answer::Text(text.to_owned())
            }
            Form::Text { regex, .. } => {
                let text = text("a string")?;
                if regex.as_ref().is_some_and(|regex| !regex.is_match(text)) {
                    return Err(self.wrong(item, &format!("{what} does not match its `regex`")));
                }
                Answer::Text(text.to_owned())
            }
            Form::Integer(..) => return Err(self.not(item, what, "a string")),
        };
        Ok(Preset::Is(answer))
    }

    fn table<'t>(&self, above: &'t dyn TableLike, name: &str) -> Result<Option<&'t dyn TableLike>> {
        match above.get(name) {
            None => Ok(None),
            Some(item) => match item.as_table_like() {
                Some(table) => Ok(Some(table)),
                None => Err(self.not(item, &format!("`{name}`"), "a table")),
            },
        }
    }

    fn list(&self, table: &dyn TableLike, name: &str) -> Result<Option<Vec<String>>> {
        let Some(item) = table.get(name) else {
            return Ok(None);
        };
        let list = item.as_array().and_then(strings);
        let list = list.ok_or_else(|| self.not(item, &format!("`{name}`"), "an array of strings"));
        list.map(Some)
    }

    fn not(&self, item: &Item, what: &str, wanted: &str) -> crate::error::Error {
        self.wrong(item, &format!("{what} is not {wanted}"))
    }

    fn wrong(&self, item: &Item, what: &str) -> crate::error::Error {
        self.at(start(item.span()), what)
    }

    fn at_value(&self, value: &Value, what: &str) -> crate::error::Error {
        self.at(start(value.span()), what)
    }

    fn at(&self, at: usize, what: &str) -> crate::error::Error {
        wrong(self.path, self.text, at, what)
    }
}

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

fn strings(array: &Array) -> Option<Vec<String>> {
    array
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

fn choice(value: &Value) -> Option<Choice> {
    let (value, label) = match value {
        Value::String(text) => (text.value(), text.value()),
        Value::InlineTable(table) => {
            let value = table.get("value")?;
            (
                as_string(value)?,
                as_string(table.get("label").unwrap_or(value))?,
            )
        }
        _ => return None,
    };
    Some(Choice {
        value: value.clone(),
        label: label.clone(),
    })
}

fn as_string(value: &Value) -> Option<&String> {
    match value {
        Value::String(text) => Some(text.value()),
        _ => None,
    }
}

fn is_among(value: &str, choices: &[Choice]) -> bool {
    choices.iter().any(|choice| choice.value == value)
}
