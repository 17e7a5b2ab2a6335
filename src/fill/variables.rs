//! What templates speak of, found by reading and not by rendering: variables, helpers, partials.

use std::collections::{BTreeSet, HashMap};

use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement,
};

/// The helpers there are.
pub const HELPERS: [&str; 26] = [
    "if",
    "unless",
    "each",
    "with",
    "lookup",
    "raw",
    "log",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
    "inline",
    "lowerCamelCase",
    "upperCamelCase",
    "snakeCase",
    "kebabCase",
    "shoutySnakeCase",
    "shoutyKebabCase",
    "titleCase",
    "trainCase",
];

/// How deep brackets in one tag and blocks in each other may go: the parser takes its stack, and
/// tries each bracket more than once.
const BRACKETS: usize = 12;
const BLOCKS: usize = 200;

/// Something a template speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// What.
    pub what: What,
    /// Its name.
    pub name: String,
    /// The line of the tag it stands in, from 1.
    pub line: usize,
    /// The column of that tag, from 1, in characters.
    pub column: usize,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A value, by the first part of its path; fields of items of lists are not looked at.
    Variable,
    /// A helper.
    Helper,
    /// Another template.
    Partial,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// From 1, if it is known.
    pub place: Option<(usize, usize)>,
    /// Why.
    pub reason: String,
}

/// Everything `source` speaks of, in the order of its tags.
pub fn uses(source: &str) -> Result<Vec<Use>, Broken> {
    goes_too_deep(source)?;
    let template = Template::compile(source).map_err(|error| Broken {
        place: error.pos(),
        reason: error.reason().to_string(),
    })?;
    let mut walk = Walk::default();
    walk.template(&template);
    Ok(walk.uses)
}

/// The variables of a condition, or none if it is broken.
#[must_use]
pub fn of_condition(condition: &str) -> BTreeSet<String> {
    of_text(&format!("{{{{#if {condition}}}}}{{{{/if}}}}"))
}

/// The variables of a text, or none if it is broken.
#[must_use]
pub fn of_text(source: &str) -> BTreeSet<String> {
    let uses = uses(source).unwrap_or_default().into_iter();
    let variables = uses.filter(|found| found.what == What::Variable);
    variables.map(|found| found.name).collect()
}

fn goes_too_deep(source: &str) -> Result<(), Broken> {
    let too_deep = |line: usize, what: &str| Broken {
        place: Some((line, 1)),
        reason: format!("{what} go too deep"),
    };
    let mut blocks = 0_usize;
    for (number, line) in source.lines().enumerate() {
        let (mut brackets, mut rest) = (0_usize, line);
        while let Some(at) = rest.find(['{', '(', '[', ')', ']', '}']) {
            match rest.as_bytes()[at] {
                b'{' if rest[at..].starts_with("{{#") => blocks += 1,
                b'{' if rest[at..].starts_with("{{/") => blocks = blocks.saturating_sub(1),
                b'(' | b'[' => brackets += 1,
                b')' | b']' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            rest = &rest[at + 1..];
            if brackets > BRACKETS && line.contains("{{") {
                return Err(too_deep(number + 1, "its brackets"));
            }
        }
        if blocks > BLOCKS {
            return Err(too_deep(number + 1, "its blocks"));
        }
    }
    Ok(())
}

/// A walk through the tags of a template.
#[derive(Default)]
struct Walk {
    uses: Vec<Use>,
    /// The blocks around: names they define, and whether they stand for another value.
    around: Vec<(Vec<String>, bool)>,
    /// Templates that are defined in this one.
    inline: BTreeSet<String>,
    at: (usize, usize),
}

impl Walk {
    fn template(&mut self, template: &Template) {
        let before = self.at;
        for (i, element) in template.elements.iter().enumerate() {
            self.at = template
                .mapping
                .get(i)
                .map_or(before, |place| (place.0, place.1));
            self.element(element);
        }
        self.at = before;
    }

    fn element(&mut self, element: &TemplateElement) {
        match element {
            TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                self.expression(tag);
            }
            TemplateElement::HelperBlock(tag) => self.block(tag),
            TemplateElement::PartialExpression(tag) | TemplateElement::PartialBlock(tag) => {
                self.partial(tag);
            }
            TemplateElement::DecoratorExpression(tag) | TemplateElement::DecoratorBlock(tag) => {
                self.decorator(tag);
            }
            // Text and comments, and whatever handlebars may have some day.
            _ => {}
        }
    }

    /// One name alone is a value, unless a helper has that name.
    fn expression(&mut self, tag: &HelperTemplate) {
        if tag.params.is_empty() && tag.hash.is_empty() {
            let helper = tag.name.as_name().filter(|name| HELPERS.contains(name));
            if helper.is_none() {
                self.parameter(&tag.name);
            }
            return;
        }
        self.helper(&tag.name);
        self.parameters(&tag.params, &tag.hash);
    }

    fn block(&mut self, tag: &HelperTemplate) {
        self.helper(&tag.name);
        self.parameters(&tag.params, &tag.hash);
        let names = match &tag.block_param {
            Some(BlockParam::Single(one)) => names([one]),
            Some(BlockParam::Pair((one, other))) => names([one, other]),
            _ => Vec::new(),
        };
        let moves = matches!(tag.name.as_name(), Some("each" | "with"));
        self.around.push((names, moves));
        if let Some(template) = &tag.template {
            self.template(template);
        }
        self.around.pop();
        if let Some(inverse) = &tag.inverse {
            self.template(inverse);
        }
    }

    fn partial(&mut self, tag: &DecoratorTemplate) {
        if let Some(name) = tag.name.as_name()
            && !self.inline.contains(name)
        {
            self.note(What::Partial, name);
        }
        self.parameters(&tag.params, &tag.hash);
        if let Some(template) = &tag.template {
            self.template(template);
        }
    }

    fn decorator(&mut self, tag: &DecoratorTemplate) {
        self.helper(&tag.name);
        if let Some(Parameter::Literal(name)) = tag.params.first() {
            self.inline
                .extend(name.as_str().map(std::borrow::ToOwned::to_owned));
        }
        // What it is called with is not known here.
        self.around.push((Vec::new(), true));
        if let Some(template) = &tag.template {
            self.template(template);
        }
        self.around.pop();
    }

    fn helper(&mut self, name: &Parameter) {
        match name {
            Parameter::Subexpression(inner) => self.element(inner.as_element()),
            name => {
                if let Some(name) = name.as_name() {
                    self.note(What::Helper, name);
                }
            }
        }
    }

    fn parameters(&mut self, list: &[Parameter], hash: &HashMap<String, Parameter>) {
        let mut hash = hash.iter().collect::<Vec<_>>();
        hash.sort_by_key(|(name, _)| *name);
        let all = list.iter().chain(hash.into_iter().map(|(_, value)| value));
        all.for_each(|parameter| self.parameter(parameter));
    }

    fn parameter(&mut self, parameter: &Parameter) {
        match parameter {
            Parameter::Subexpression(inner) => self.element(inner.as_element()),
            Parameter::Literal(_) => {}
            name => {
                if let Some(path) = name.as_name() {
                    self.path(path);
                }
            }
        }
    }

    /// Notes the variable that `path` begins with, if it can be told which one that is.
    fn path(&mut self, path: &str) {
        if let Some(rest) = path.strip_prefix("@root") {
            self.root(rest.trim_start_matches(['.', '/']));
            return;
        }
        if path.starts_with('@') {
            return;
        }
        let (mut ups, mut rest) = (0, path);
        while let Some(shorter) = rest.strip_prefix("../") {
            (ups, rest) = (ups + 1, shorter);
        }
        let is_defined = |name: &str| {
            self.around
                .iter()
                .any(|(names, _)| names.iter().any(|known| known == name))
        };
        if ups == 0 && is_defined(first(rest)) {
            return;
        }
        let moved = self.around.iter().filter(|(_, moves)| *moves).count();
        if moved <= ups {
            self.root(rest);
        }
    }

    fn root(&mut self, path: &str) {
        let path = path
            .strip_prefix("this")
            .filter(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
            .map_or(path, |rest| rest.trim_start_matches(['.', '/']));
        let name = first(path.trim_start_matches("./"));
        if !matches!(name, "" | ".") {
            self.note(What::Variable, name);
        }
    }

    fn note(&mut self, what: What, name: &str) {
        let (line, column) = self.at;
        let found = Use {
            what,
            name: name.to_owned(),
            line,
            column,
        };
        // A tag that says a name twice says it once too often for one message.
        if !self.uses.contains(&found) {
            self.uses.push(found);
        }
    }
}

/// The first part of a path.
fn first(path: &str) -> &str {
    let name = path.split(['.', '/']).next().unwrap_or(path);
    name.trim_matches(['[', ']'])
}

fn names<const N: usize>(parameters: [&Parameter; N]) -> Vec<String> {
    let names = parameters.into_iter().filter_map(Parameter::as_name);
    names.map(str::to_owned).collect()
}
