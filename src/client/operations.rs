//! The operations of a description, each as a method of the client or as a reason why not.

mod part;

use serde_json::Value;

use super::document::{Document, is, text};
use super::model::{Api, LeftOut, Operation, Parameter, Piece, Place};
use super::names::{self, Names};
use super::schemas::Schemas;
use crate::error::{Error, Kind, Result};
use part::Part;

const METHODS: [&str; 6] = ["get", "head", "put", "post", "patch", "delete"];

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
