//! The model as Rust; a formatter has the last word on how it looks.

mod types;

use super::model::{Answer, Api, Body, Operation, Parameter, Piece, Place, Shape, Type};
use types::{docs, literal, rust, word};

/// The text of the client's module.
pub fn render(api: &Api) -> String {
    let mut text = head(api);
    text.push_str(&client(api));
    for definition in &api.types {
        let shown = matches!(definition.shape, Shape::Enum(_)) && is_shown(api, &definition.name);
        text.push_str(&types::definition(definition, shown));
    }
    for left_out in &api.left_out {
        text.push_str(&format!(
            "\n// Left out: {}.\n",
            types::line(&left_out.to_string())
        ));
    }
    text
}

/// Whether values of an enumeration become part of URLs or headers.
fn is_shown(api: &Api, name: &str) -> bool {
    let mut parameters = api.operations.iter().flat_map(|it| &it.parameters);
    parameters.any(|it| matches!(&it.of, Type::Enum(of) if of == name))
}

fn head(api: &Api) -> String {
    let version = types::line(&api.version);
    let mut text = format!(
        "//! The API of `{}`, version {version}, for those who call it.\n\n\
         #![allow(clippy::all, clippy::pedantic, rustdoc::all, reason = \"names, shapes and words are another service's\")]\n\n",
        api.service
    );
    let all = format!("{:?}{:?}", api.types, api.operations);
    if all.contains("Map(") {
        text.push_str("use std::collections::BTreeMap;\n");
    }
    if api.types.iter().any(|it| is_shown(api, &it.name)) {
        text.push_str("use std::fmt;\n");
    }
    if !api.types.is_empty() {
        text.push_str("\nuse serde::{Deserialize, Serialize};\n");
    }
    text.push_str("\nuse crate::api::{self, Api};\n\n");
    text
}

fn client(api: &Api) -> String {
    let service = &api.service;
    let mut text = format!(
        "/// A client of `{service}`: cheap to clone.\n\
         #[derive(Clone, Debug)]\n\
         pub struct Client {{ api: Api }}\n\n\
         impl Client {{\n\
         /// Calls go through `api`, which is `app.api.clone()`.\n\
         pub fn new(api: Api) -> Self {{ Self {{ api }} }}\n"
    );
    for operation in &api.operations {
        text.push('\n');
        text.push_str(&method(service, operation));
    }
    text + "}\n"
}

fn method(service: &str, operation: &Operation) -> String {
    let said = &operation.docs;
    let wire = format!(
        "`{} {}`",
        operation.method.to_uppercase(),
        operation.template
    );
    let errors = match &operation.answer {
        Answer::Json(_) => {
            "If there is no answer, if it is no success, or if it is not what was expected."
        }
        _ => "If there is no answer, or if it is no success.",
    };
    let mut text = docs(&format!("{said}\n\n{wire}\n\n# Errors\n{errors}"), "");
    let arguments = operation.parameters.iter().map(argument);
    let arguments = arguments.chain(operation.body.as_ref().map(body_argument));
    text.push_str(&format!(
        "pub async fn {}(&self, {}) -> Result<{}, api::Error> {{\n{}}}\n",
        operation.name,
        arguments.collect::<Vec<_>>().join(", "),
        match &operation.answer {
            Answer::Nothing => "()".to_owned(),
            Answer::Json(of) => rust(of),
            Answer::Raw => "api::Response".to_owned(),
        },
        code(service, operation)
    ));
    text
}

fn argument(parameter: &Parameter) -> String {
    let of = borrowed(&parameter.of);
    let of = match (parameter.many, parameter.required) {
        (true, _) => format!("&[{of}]"),
        (false, true) => of,
        (false, false) => format!("Option<{of}>"),
    };
    format!("{}: {of}", parameter.name)
}

fn body_argument(body: &Body) -> String {
    let of = match &body.of {
        Type::Text => "&str".to_owned(),
        Type::List(of) => format!("&[{}]", rust(of)),
        of => format!("&{}", rust(of)),
    };
    if body.required {
        format!("body: {of}")
    } else {
        format!("body: Option<{of}>")
    }
}

fn borrowed(of: &Type) -> String {
    match of {
        Type::Text => "&str".to_owned(),
        of => rust(of),
    }
}

fn code(service: &str, operation: &Operation) -> String {
    let sure = |it: &&Parameter| it.required && !it.many;
    let mut call = format!("self.api.{}({})", operation.method, url(service, operation));
    for parameter in operation.parameters.iter().filter(sure) {
        call.push_str(&sent(parameter, &parameter.name));
    }
    let mut steps = String::new();
    for parameter in operation.parameters.iter().filter(|it| !sure(it)) {
        let name = &parameter.name;
        let (head, value) = if parameter.many {
            (format!("for one in {name}"), "one")
        } else {
            (format!("if let Some({name}) = {name}"), name.as_str())
        };
        steps.push_str(&format!(
            "{head} {{ call = call{}; }}\n",
            sent(parameter, value)
        ));
    }
    match &operation.body {
        Some(body) if body.required => call.push_str(".json(body)"),
        Some(_) => steps.push_str("if let Some(body) = body { call = call.json(body); }\n"),
        None => {}
    }
    let last = match &operation.answer {
        Answer::Nothing => ".send().await?.success().map(drop)",
        Answer::Json(_) => ".fetch().await",
        Answer::Raw => ".send().await?.success()",
    };
    if steps.is_empty() {
        format!("let call = {call};\ncall{last}\n")
    } else {
        format!("let mut call = {call};\n{steps}call{last}\n")
    }
}

/// How a value gets into a request; what stands in the path is there already.
fn sent(parameter: &Parameter, value: &str) -> String {
    let wire = literal(&parameter.wire);
    match (parameter.place, &parameter.of) {
        (Place::Path, _) => String::new(),
        (Place::Query, _) => format!(".query({wire}, {value})"),
        (Place::Header, Type::Text) => format!(".header({wire}, {value})"),
        (Place::Header, _) => format!(".header({wire}, {value}.to_string())"),
    }
}

fn url(service: &str, operation: &Operation) -> String {
    let mut format = format!("service://{service}");
    let mut values = Vec::new();
    for piece in &operation.path {
        match piece {
            Piece::Text(text) => format.push_str(text),
            Piece::Parameter(place) => {
                let parameter = &operation.parameters[*place];
                let name = &parameter.name;
                match &parameter.of {
                    Type::Text => values.push(format!("api::encode({name})")),
                    Type::Enum(_) => values.push(format!("api::encode({name}.as_str())")),
                    _ if name.starts_with("r#") => values.push(name.clone()),
                    _ => {
                        format.push_str(&format!("{{{name}}}"));
                        continue;
                    }
                }
                format.push_str("{}");
            }
        }
    }
    let values = values.iter().map(|value| format!(", {value}"));
    let format = format!("{}{}", word(&format), values.collect::<String>());
    if format.contains('{') {
        format!("format!({format})")
    } else {
        format
    }
}
