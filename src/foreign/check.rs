//! What cargo-generate does wrong in silence, found by doing it once more with open eyes.
//!
//! A variable nobody knows is rendered as nothing, and a file that fails to render is copied as
//! it stands; neither is an error there. So each file is rendered again, by the same parser and
//! with the same variables, only to see what happens.

use std::borrow::Cow;
use std::fmt;

use heck::{
    ToKebabCase, ToLowerCamelCase, ToPascalCase, ToShoutyKebabCase, ToShoutySnakeCase, ToSnakeCase,
    ToTitleCase, ToUpperCamelCase,
};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use liquid::model::Value;
use liquid::{Object, Parser, ParserBuilder, ValueView};
use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Filter, FilterReflection, ParseFilter, Runtime};
use regex::Regex;

use super::config::Lists;
use super::wrong;
use crate::error::{Error, Kind};
use crate::questions::{Answer, Answers};

/// How many variables of one file may be unknown before nobody counts them.
const ENOUGH: usize = 1000;

/// Something wrong with a file that cargo-generate would render.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be rendered; the run fails.
    Unreadable(Error),
    /// A variable that nobody knows, and where it stands, in bytes.
    Unknown(String, usize),
    /// It would be copied as it is, for this reason.
    Copied(String),
}

/// Renders as cargo-generate does.
pub struct Checker {
    parser: Parser,
    known: Object,
    matcher: Matcher,
}

/// What rendering a text shows.
pub struct Seen {
    /// What it comes to, unless it stays as it is.
    pub text: Option<String>,
    /// The variables that nobody knows.
    pub unknown: Vec<String>,
    /// Why it stays as it is.
    pub failure: Option<String>,
}

/// Which files are rendered.
enum Matcher {
    All,
    Include(Gitignore),
    Exclude(Gitignore),
}

impl Checker {
    /// One that knows `known`.
    #[must_use]
    pub fn new(known: &Answers, lists: &Lists) -> Self {
        let known = known
            .iter()
            .map(|(name, answer)| (name.clone().into(), value(answer)));
        Self {
            parser: parser(),
            known: known.collect(),
            matcher: Matcher::new(lists),
        }
    }

    /// Whether the file at `path` is rendered.
    #[must_use]
    pub fn renders(&self, path: &str) -> bool {
        let listed = |list: &Gitignore| list.matched_path_or_any_parents(path, false).is_ignore();
        match &self.matcher {
            Matcher::All => true,
            Matcher::Include(list) => listed(list),
            Matcher::Exclude(list) => !listed(list),
        }
    }

    /// All that is wrong with the file at `path`, if it is rendered.
    pub fn troubles(&self, path: &str, bytes: &[u8]) -> Vec<Trouble> {
        if !self.renders(path) {
            return Vec::new();
        }
        if let Some(error) = objection(path, bytes) {
            return vec![Trouble::Unreadable(error)];
        }
        let text = String::from_utf8_lossy(bytes);
        let seen = self.see(&text);
        let unknown = seen.unknown.into_iter();
        let unknown = unknown.map(|name| {
            let at = mention(&text, &name);
            Trouble::Unknown(name, at)
        });
        unknown.chain(seen.failure.map(Trouble::Copied)).collect()
    }

    /// Renders `text`.
    #[must_use]
    pub fn see(&self, text: &str) -> Seen {
        let mut known = Cow::Borrowed(&self.known);
        let mut seen = Seen {
            text: None,
            unknown: Vec::new(),
            failure: None,
        };
        let Ok(template) = self.parser.parse(text) else {
            return seen;
        };
        loop {
            match template.render(known.as_ref()) {
                Ok(text) => seen.text = Some(text),
                Err(error) => {
                    let message = error.to_string();
                    let name = missing(&message);
                    if let Some(name) = name.filter(|name| !known.contains_key(*name))
                        && seen.unknown.len() < ENOUGH
                    {
                        known
                            .to_mut()
                            .insert(name.to_owned().into(), Value::scalar(String::new()));
                        seen.unknown.push(name.to_owned());
                        continue;
                    }
                    seen.failure = Some(reason(&message));
                }
            }
            return seen;
        }
    }
}

/// Why cargo-generate cannot render `bytes`, the file at `path`; nothing, if it can.
pub fn objection(path: &str, bytes: &[u8]) -> Option<Error> {
    let exclude = |error: Error| {
        let pattern = serde_json::to_string(path).unwrap_or_default();
        let raw = if error.message.contains("${{") {
            ", or {% raw %}…{% endraw %} around GitHub's ${{ … }}"
        } else {
            ""
        };
        error.help(format!(
            "in `[template]` of cargo-generate.toml: exclude = [{pattern}]{raw}"
        ))
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]);
            let byte = bytes.get(at).copied().unwrap_or_default();
            let what = format!("the byte 0x{byte:02x} is not UTF-8, so this is no text to render");
            return Some(exclude(wrong(path, &before, at, &what)));
        }
    };
    let error = parser().parse(text).err()?;
    Some(exclude(malformed(path, text, &error.to_string())))
}

fn parser() -> Parser {
    let mut builder = ParserBuilder::with_stdlib();
    for filter in FILTERS {
        builder = builder.filter(filter);
    }
    builder.build().expect("no partials, nothing to fail")
}

/// The variable that a failed rendering asked for.
fn missing(message: &str) -> Option<&str> {
    let (_, name) = message.rsplit_once("requested variable=")?;
    name.lines().next()
}

fn reason(message: &str) -> String {
    let lines = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let lines = lines.filter(|line| *line != "with:");
    let text = lines.collect::<Vec<_>>().join(", ");
    text.strip_prefix("liquid: ").unwrap_or(&text).to_owned()
}

/// The parser's ` --> 3:7`, and the line it shows, in our own words.
fn malformed(path: &str, text: &str, message: &str) -> Error {
    let place = Regex::new(r"--> (\d+):(\d+)").expect("the expression is one");
    let expected = message
        .lines()
        .find_map(|line| line.trim().strip_prefix("= "));
    if let Some(found) = place.captures(message)
        && let (Ok(line), Ok(column)) = (found[1].parse::<usize>(), found[2].parse::<usize>())
    {
        let said = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let said = said.trim().chars().take(80).collect::<String>();
        let why = expected.unwrap_or("it is not understood");
        let message = format!(
            "template file {path}, line {line}, column {column}: `{said}` is no liquid: {why}"
        );
        return Error::new(Kind::Template, message);
    }
    let context = message.lines().find_map(|line| line.strip_prefix("from: "));
    let at = context.and_then(|context| text.find(context.trim()));
    let at = at.or_else(|| text.find("{{")).or_else(|| text.find("{%"));
    wrong(path, text, at.unwrap_or(0), &reason(message))
}

/// Where `text` says `name` in a tag.
pub fn mention(text: &str, name: &str) -> usize {
    let name = regex::escape(name);
    let tag = format!(r"\{{[{{%][^}}\n]*?\b{name}\b");
    let found = Regex::new(&tag)
        .ok()
        .and_then(|tag| Some(tag.find(text)?.start()));
    found.unwrap_or(0)
}

fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Bool(yes) => Value::scalar(*yes),
        Answer::Integer(number) => Value::scalar(number.to_string()),
        Answer::Text(text) => Value::scalar(text.clone()),
        Answer::Many(values) => Value::Array(values.iter().cloned().map(Value::scalar).collect()),
    }
}

impl Matcher {
    fn new(lists: &Lists) -> Self {
        let list = |patterns: &[String]| {
            let mut builder = GitignoreBuilder::new("");
            for pattern in patterns {
                // A pattern that is none has failed the rendering before.
                let _ = builder.add_line(None, pattern);
            }
            builder.build().unwrap_or_else(|_| Gitignore::empty())
        };
        match (&lists.include, &lists.exclude) {
            (Some(include), _) => Self::Include(list(include)),
            (None, Some(exclude)) => Self::Exclude(list(exclude)),
            (None, None) => Self::All,
        }
    }
}

/// A filter that cargo-generate adds to those of liquid.
#[derive(Clone)]
struct Added {
    name: &'static str,
    apply: fn(&str) -> String,
}

/// `rhai` runs a script, which is not to be run a second time.
const FILTERS: [Added; 9] = [
    added("kebab_case", <str as ToKebabCase>::to_kebab_case),
    added(
        "lower_camel_case",
        <str as ToLowerCamelCase>::to_lower_camel_case,
    ),
    added("pascal_case", <str as ToPascalCase>::to_pascal_case),
    added(
        "shouty_kebab_case",
        <str as ToShoutyKebabCase>::to_shouty_kebab_case,
    ),
    added(
        "shouty_snake_case",
        <str as ToShoutySnakeCase>::to_shouty_snake_case,
    ),
    added("snake_case", <str as ToSnakeCase>::to_snake_case),
    added("title_case", <str as ToTitleCase>::to_title_case),
    added(
        "upper_camel_case",
        <str as ToUpperCamelCase>::to_upper_camel_case,
    ),
    added("rhai", |_| String::new()),
];

const fn added(name: &'static str, apply: fn(&str) -> String) -> Added {
    Added { name, apply }
}

impl FilterReflection for Added {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        ""
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for Added {
    fn parse(&self, mut arguments: FilterArguments) -> liquid_core::Result<Box<dyn Filter>> {
        if arguments.positional.next().is_some() || arguments.keyword.next().is_some() {
            let message = format!("the filter `{}` takes no arguments", self.name);
            return Err(liquid_core::Error::with_msg(message));
        }
        Ok(Box::new(self.clone()))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

impl Filter for Added {
    fn evaluate(&self, input: &dyn ValueView, _: &dyn Runtime) -> liquid_core::Result<Value> {
        let input = input.as_scalar();
        let input = input.ok_or_else(|| liquid_core::Error::with_msg("String expected"))?;
        Ok(Value::scalar((self.apply)(&input.into_string())))
    }
}

impl fmt::Debug for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
