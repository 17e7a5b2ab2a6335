//! What one operation wants and answers.

use serde_json::Value;

use crate::client::document::{Document, is, text};
use crate::client::model::{Answer, Body, Parameter, Place, Type};
use crate::client::names::{self, Names};
use crate::client::schemas::Schemas;

/// The schema of what has none.
static ANYTHING: Value = Value::Bool(true);

/// The variables of every method, which no argument may hide.
const VARIABLES: &[&str] = &["api", "body", "call", "one"];

/// What an operation is made of.
pub struct Part<'a, 's> {
    /// Where it stands.
    pub document: &'a Document,
    /// The types it needs.
    pub schemas: &'s mut Schemas<'a>,
    /// What the names of types that have none begin with.
    pub hint: String,
}

impl<'a> Part<'a, '_> {
    /// Those of the path first; those of the operation stand before those of all its path.
    pub fn parameters(
        &mut self,
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<Vec<Parameter>, String> {
        let lists = [operation, item].map(|of| of.get("parameters").and_then(Value::as_array));
        let mut parameters: Vec<Parameter> = Vec::new();
        for given in lists.into_iter().flatten().flatten() {
            let given = self.document.follow(given)?;
            if let Some(one) = self.parameter(given)?
                && !parameters
                    .iter()
                    .any(|it| it.wire == one.wire && it.place == one.place)
            {
                parameters.push(one);
            }
        }
        parameters.sort_by_key(|it| (!it.required, it.place));
        let mut names = Names::beside(VARIABLES);
        for parameter in &mut parameters {
            parameter.name = names.take(&parameter.name);
        }
        Ok(parameters)
    }

    fn parameter(&mut self, given: &'a Value) -> Result<Option<Parameter>, String> {
        let wire = text(given, "name");
        let place = match text(given, "in") {
            "path" => Place::Path,
            "query" => Place::Query,
            // OpenAPI says that these are described elsewhere.
            "header"
                if ["accept", "authorization", "content-type"].contains(&&*wire.to_lowercase()) =>
            {
                return Ok(None);
            }
            "header" if is_header(wire) => Place::Header,
            _ if !is(given, "required") => return Ok(None),
            other => return Err(format!("parameter `{wire}` goes into a {other}")),
        };
        let hint = format!("{}{}", self.hint, names::pascal(wire, "Parameter"));
        let of = self
            .schemas
            .of(given.get("schema").unwrap_or(&ANYTHING), &hint)?;
        let (many, of) = match bare(of) {
            Type::List(of) if place == Place::Query && is_repeated(given) => (true, bare(*of)),
            of => (false, of),
        };
        let plain = !matches!(
            of,
            Type::Any | Type::List(_) | Type::Map(_) | Type::Struct(_)
        );
        let required = place == Place::Path || is(given, "required");
        match (plain, required) {
            (true, _) => Ok(Some(Parameter {
                name: names::snake(wire, "parameter"),
                wire: wire.to_owned(),
                place,
                required,
                many,
                of,
            })),
            (false, true) => Err(format!("parameter `{wire}` is no plain value")),
            (false, false) => Ok(None),
        }
    }

    pub fn body(&mut self, operation: &'a Value) -> Result<Option<Body>, String> {
        let Some(body) = operation.get("requestBody") else {
            return Ok(None);
        };
        let body = self.document.follow(body)?;
        let Some(schema) = json(body) else {
            return Err("its body is no JSON".to_owned());
        };
        let of = self.schemas.of(schema, &format!("{}Body", self.hint))?;
        let required = is(body, "required");
        Ok(Some(Body { required, of }))
    }

    pub fn answer(&mut self, operation: &'a Value) -> Result<Answer, String> {
        let answers = operation.get("responses").and_then(Value::as_object);
        let good = answers.into_iter().flatten();
        let good = good.filter(|(status, _)| status.len() == 3 && status.starts_with('2'));
        let mut all: Vec<Answer> = Vec::new();
        for (_, answer) in good {
            let answer = self.document.follow(answer)?;
            all.push(match json(answer) {
                Some(schema) => {
                    Answer::Json(self.schemas.of(schema, &format!("{}Answer", self.hint))?)
                }
                None if content(answer).next().is_none() => Answer::Nothing,
                None => Answer::Raw,
            });
        }
        let first = all.pop().unwrap_or(Answer::Raw);
        Ok(if all.iter().all(|it| *it == first) {
            first
        } else {
            Answer::Raw
        })
    }
}

/// A parameter that is null is one that is not there.
fn bare(of: Type) -> Type {
    match of {
        Type::Option(of) => *of,
        of => of,
    }
}

/// Whether a list in the query is one `name=value` an item.
fn is_repeated(given: &Value) -> bool {
    matches!(text(given, "style"), "" | "form") && given.get("explode") != Some(&Value::Bool(false))
}

fn is_header(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(letter)
}

fn content(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.get("content")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

/// The schema of the JSON among the contents; nothing if there is no JSON.
fn json(of: &Value) -> Option<&Value> {
    let is_json = |kind: &str| {
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        matches!(kind.as_str(), "application/json" | "*/*" | "application/*")
            || kind.ends_with("+json")
    };
    let (_, found) = content(of).find(|(kind, _)| is_json(kind))?;
    Some(found.get("schema").unwrap_or(&ANYTHING))
}
