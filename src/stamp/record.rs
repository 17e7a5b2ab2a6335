//! `service.toml`, the record of a service: who it is, what it was made from, what was answered.

use std::borrow::Cow;

use toml_edit::{Array, DocumentMut, Item, Table, Value, value};

use super::{edit, replace};
use crate::error::{Error, Kind, Result};
use crate::questions::{Answer, Answers};
use crate::render::Request;
use crate::repo;
use crate::template::{self, File, Shape, Template};

/// The record's name.
const FILE: &str = "service.toml";

const HEAD: &str = "# The service's record, for generate-service; its Sidecar and its clients read it, too.\n\
     [service]\nname = \"\"\ndescription = \"\"\nport = 0\n";

/// Writes the record into `files`, where a template brings one over its values.
pub fn write(
    files: &mut Vec<File>,
    template: &Template,
    request: &Request,
    answers: &Answers,
) -> Result<()> {
    let tree = repo::tree_id(files.iter().filter(|file| file.path != FILE))?;
    let text = match template::text(files, FILE) {
        Ok(text) => text.to_owned(),
        Err(_) => HEAD.to_owned(),
    };
    let mut record = edit(FILE, &text)?;
    for name in ["service", "template", "answers"] {
        table(&mut record, name)?;
    }
    replace(&mut record["service"]["name"], request.name.as_str());
    replace(&mut record["service"]["description"], request.description);
    replace(&mut record["service"]["port"], i64::from(request.port));
    origin(&mut record, template, &tree);
    answered(&mut record, template, request, answers);
    put(files, record.to_string());
    Ok(())
}

/// The template's place in the record: what `update` starts from.
fn origin(record: &mut DocumentMut, template: &Template, tree: &str) {
    let ours = &mut record["template"];
    replace(&mut ours["name"], template.name.as_str());
    if !template.version.is_empty() {
        replace(&mut ours["version"], template.version.as_str());
    }
    if let Some(origin) = &template.origin {
        let format = match template.shape {
            Shape::Native(_) => "generate-service",
            Shape::Foreign(_) => "cargo-generate",
        };
        ours["format"] = value(format);
        ours["source"] = value(&origin.id);
        if let Some(dir) = &origin.subfolder {
            ours["subfolder"] = value(dir);
        }
        if let Some((kind, name)) = &origin.wanted {
            ours[kind] = value(name);
        }
        if let Some(commit) = &origin.commit {
            ours["commit"] = value(commit);
        }
        // Of the template's own tree, whereas `tree` is the one it made, this file aside.
        ours["from"] = value(&origin.tree);
    }
    ours["tree"] = value(tree);
}

fn answered(record: &mut DocumentMut, template: &Template, request: &Request, answers: &Answers) {
    if !template.parts.is_empty() {
        let parts = request.parts.iter().map(String::as_str);
        record["answers"]["parts"] = value(parts.collect::<Array>());
    }
    for (name, answer) in answers {
        record["answers"][name] = Item::Value(match answer {
            Answer::Bool(yes) => Value::from(*yes),
            Answer::Integer(number) => Value::from(*number),
            Answer::Text(text) => Value::from(text.as_str()),
            Answer::Many(values) => {
                Value::from(values.iter().map(String::as_str).collect::<Array>())
            }
        });
    }
}

/// The table `name`, which is there or can be.
fn table(record: &mut DocumentMut, name: &str) -> Result<()> {
    let item = record.entry(name).or_insert(Item::Table(Table::new()));
    if item.is_table_like() {
        return Ok(());
    }
    let message = format!("the template's {FILE}: `{name}` is not a table");
    Err(Error::new(Kind::Template, message))
}

fn put(files: &mut Vec<File>, text: String) {
    let bytes = Cow::Owned(text.into_bytes());
    match files.binary_search_by(|file| file.path.as_str().cmp(FILE)) {
        Ok(at) => files[at].bytes = bytes,
        Err(at) => files.insert(
            at,
            File {
                path: FILE.to_owned(),
                executable: false,
                bytes,
            },
        ),
    }
}
