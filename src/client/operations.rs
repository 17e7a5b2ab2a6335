//! The operations of a description, each as a method of the client or as a reason why not.

use serde_json::Value;

use super::document::{Document, is, text};
use super::model::{Answer, Api, Body, LeftOut, Operation, Parameter, Piece, Place, Type};
use super::names::{self, Names};
use super::schemas::Schemas;
use crate::error::{Error, Kind, Result};

/// The schema of what has none.
static ANYTHING: Value = Value::Bool(true);

const METHODS: [&str; 6] = ["get", "head", "put", "post", "patch", "delete"];

/// The variables of every method, which no argument may hide.
const VARIABLES: &[&str] = &["api", "body", "call", "one"];

/// The API of `service`, which is the one described.
pub fn read(service: &str, document: &Document) -> Result<Api> {
    let mut reader = Reader {
        document,
        schemas: Schemas::new(document),
        names: Names::beside(&["new"]),
    };
    let (mut operations, mut left_out) = (Vec::new(), Vec::new());
    for (path, item) in document.paths() {
        let item = document.follow(item).unwrap_or(item);
        for method in METHODS {
            let Some(operation) = item.get(method).filter(|it| !is_for_operators(it)) else {
                continue;
            };
            match reader.operation((method, path), item, operation) {
                Ok(operation) => operations.push(operation),
                Err(reason) => left_out.push(LeftOut {
                    operation: format!("{} {}", method.to_uppercase(), path.escape_debug()),
                    reason,
                }),
            }
        }
    }
    if operations.is_empty() {
        return Err(nothing_to_call(service, &left_out));
    }
    let mut types = reader.schemas.definitions;
    types.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Api {
        service: service.to_owned(),
        version: document.version().to_owned(),
        operations,
        left_out,
        types,
    })
}

/// Health checks and the like are not for callers.
fn is_for_operators(operation: &Value) -> bool {
    let tags = operation.get("tags").and_then(Value::as_array);
    tags.is_some_and(|tags| tags.iter().any(|tag| tag == "operations"))
}

fn nothing_to_call(service: &str, left_out: &[LeftOut]) -> Error {
    let message = format!("`{service}` describes nothing that a client could call");
    let error = Error::new(Kind::Source, message);
    match left_out.first() {
        Some(left_out) => error.help(left_out.to_string()),
        None => error.help("name its handlers in src/openapi.rs"),
    }
}

struct Reader<'a> {
    document: &'a Document,
    schemas: Schemas<'a>,
    names: Names,
}

impl<'a> Reader<'a> {
    fn operation(
        &mut self,
        (method, path): (&'static str, &str),
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<Operation, String> {
        let id = match text(operation, "operationId") {
            "" => format!("{method}_{path}"),
            id => id.to_owned(),
        };
        let wanted = names::snake(&id, "operation");
        let document = self.document;
        let (parameters, body, answer) = self.schemas.attempt(|schemas| {
            let mut part = Part {
                document,
                schemas,
                hint: names::pascal(&id, "Operation"),
            };
            let parameters = part.parameters(item, operation)?;
            Ok((parameters, part.body(operation)?, part.answer(operation)?))
        })?;
        let full = format!("{}{path}", document.base());
        Ok(Operation {
            path: pieces(&full, &parameters)?,
            name: self.names.take(&wanted),
            method,
            template: path.to_owned(),
            docs: docs(operation),
            parameters,
            body,
            answer,
        })
    }
}

/// What an operation is made of.
struct Part<'a, 's> {
    document: &'a Document,
    schemas: &'s mut Schemas<'a>,
    /// What the names of types that have none begin with.
    hint: String,
}

impl<'a> Part<'a, '_> {
    /// Those of the path first; those of the operation stand before those of all its path.
    fn parameters(
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

    fn body(&mut self, operation: &'a Value) -> Result<Option<Body>, String> {
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

    fn answer(&mut self, operation: &'a Value) -> Result<Answer, String> {
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

/// The path in pieces.
fn pieces(path: &str, parameters: &[Parameter]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    for (i, part) in path.split('{').enumerate() {
        let (name, rest) = match (i, part.split_once('}')) {
            (0, None) => (None, part),
            (1.., Some((name, rest))) => (Some(name), rest),
            _ => return Err("its path makes no sense".to_owned()),
        };
        if let Some(wire) = name {
            let place = parameters
                .iter()
                .position(|it| it.wire == wire && it.place == Place::Path);
            let Some(place) = place else {
                return Err(format!(
                    "nothing describes the parameter `{wire}` of its path"
                ));
            };
            pieces.push(Piece::Parameter(place));
        }
        let fits =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
        if !rest.bytes().all(fits) {
            return Err("its path makes no sense".to_owned());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
    }
    Ok(pieces)
}

fn docs(operation: &Value) -> String {
    let (summary, description) = (text(operation, "summary"), text(operation, "description"));
    let mut docs = match (summary, description) {
        (summary, "") => summary.to_owned(),
        ("", description) => description.to_owned(),
        (summary, description) => format!("{summary}\n\n{description}"),
    };
    if is(operation, "deprecated") {
        docs.push_str("\n\nDeprecated.");
    }
    docs
}
