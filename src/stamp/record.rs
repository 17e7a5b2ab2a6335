//! `service.toml`, the record of a service: who it is, what it was made from, what was answered.
//!
//! `update` starts from it: what stands here has to be enough to render the same tree once more.

use std::borrow::Cow;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

use super::{edit, replace};
use crate::error::{Error, Kind, Result, position};
use crate::foreign::Author;
use crate::questions::{Answer, Answers, typed};
use crate::render::{self, Request};
use crate::repo;
use crate::template::{self, File, Shape, Template};

/// The record's name.
pub const FILE: &str = "service.toml";
/// The tables of it that only this program writes.
pub const OURS: [&str; 2] = ["template", "answers"];
/// What names the version that was wished for.
const WANTED: [&str; 3] = ["branch", "tag", "rev"];

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The service's name.
    pub name: String,
    /// One line that says what it is for.
    pub description: String,
    /// Its HTTP port.
    pub port: u16,
    /// The template's name.
    pub template: String,
    /// Its version, if it has one.
    pub version: String,
    /// Where it comes from, unless it is the embedded one.
    pub source: Option<Place>,
    /// Whether it was made as the member of a workspace.
    pub member: bool,
    /// Whom it names as the author, where the template asks for one.
    pub author: Option<Author>,
    /// The id of the tree it made, this file aside.
    pub tree: String,
    /// The parts the service has.
    pub parts: Vec<String>,
    /// What was answered, secrets aside.
    pub answers: Answers,
}

/// Where the template of a record comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The URL, without a password, or the absolute path.
    pub id: String,
    /// The directory of it that the template stands in.
    pub subfolder: Option<String>,
    /// The version that was wished for: `branch`, `tag` or `rev`, and its name.
    pub wanted: Option<(&'static str, String)>,
    /// The commit it was read from.
    pub commit: Option<String>,
    /// The id of the template's own tree.
    pub from: Option<String>,
}

impl Record {
    /// What the text of a record says, or why it cannot be used.
    pub fn read(text: &str) -> Result<Self> {
        let record = text.parse::<DocumentMut>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (line, column) = position(text, at);
            let what = error.message().replace('\n', ", ");
            unusable(&format!("line {line}, column {column}: {what}"))
        })?;
        let service = Section::of(&record, "service")?;
        let template = Section::of(&record, "template")?;
        let port = service.need("port", Item::as_integer)?;
        Ok(Self {
            name: service.text("name")?,
            description: service.text("description").unwrap_or_default(),
            port: u16::try_from(port).map_err(|_| unusable("`service.port` is no port"))?,
            template: template.text("name")?,
            version: template.text("version").unwrap_or_default(),
            source: template.text("source").ok().map(|id| Place {
                id,
                subfolder: template.text("subfolder").ok(),
                wanted: WANTED
                    .into_iter()
                    .find_map(|kind| Some((kind, template.text(kind).ok()?))),
                commit: template.text("commit").ok(),
                from: template.text("from").ok(),
            }),
            author: template
                .text("author")
                .ok()
                .map(|text| Author::parse(&text)),
            member: template.need("member", Item::as_bool).unwrap_or(false),
            tree: template.text("tree")?,
            parts: parts(&record),
            answers: answers(&record)?,
        })
    }
}

/// A table of a record.
struct Section<'a> {
    name: &'a str,
    table: &'a dyn TableLike,
}

impl<'a> Section<'a> {
    fn of(record: &'a DocumentMut, name: &'a str) -> Result<Self> {
        let table = record.get(name).and_then(Item::as_table_like);
        let table = table.ok_or_else(|| unusable(&format!("it has no table `[{name}]`")))?;
        Ok(Self { name, table })
    }

    fn need<T>(&self, key: &str, read: impl Fn(&'a Item) -> Option<T>) -> Result<T> {
        let found = self.table.get(key).and_then(read);
        found.ok_or_else(|| unusable(&format!("`{}.{key}` is missing or odd", self.name)))
    }

    fn text(&self, key: &str) -> Result<String> {
        Ok(self.need(key, Item::as_str)?.to_owned())
    }
}

fn parts(record: &DocumentMut) -> Vec<String> {
    let parts = record.get("answers").and_then(|table| table.get("parts"));
    let parts = parts.and_then(Item::as_array).into_iter().flatten();
    let parts = parts.filter_map(Value::as_str);
    parts.map(str::to_owned).collect()
}

fn answers(record: &DocumentMut) -> Result<Answers> {
    let mut answers = Answers::new();
    let text = record.get("answers").map(ToString::to_string);
    let table = text.unwrap_or_default().parse::<toml::Table>();
    for (name, value) in table.unwrap_or_default() {
        if name != "parts" {
            let answer = typed(&value);
            let answer =
                answer.ok_or_else(|| unusable(&format!("`answers.{name}` is no answer")))?;
            answers.insert(name, answer);
        }
    }
    Ok(answers)
}

/// A record that says too little to go on from.
fn unusable(what: &str) -> Error {
    Error::new(Kind::Record, format!("{FILE}: {what}")).help(format!("git log -p -- {FILE}"))
}

const HEAD: &str = "# The service's record, for generate-service; its Sidecar and its clients read it, too.\n\
     [service]\nname = \"\"\ndescription = \"\"\nport = 0\n";

/// Writes the record into `files`, where a template brings one over its values.
pub fn write(
    files: &mut Vec<File>,
    template: &Template,
    request: &Request,
    (answers, member): (&Answers, bool),
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
    if member {
        record["template"]["member"] = value(true);
    }
    if names_author(template) {
        record["template"]["author"] = value(render::author(request)?.authors());
    }
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

/// Whether what a template makes depends on who makes it.
fn names_author(template: &Template) -> bool {
    let names = ["authors", "username"];
    let says = |file: &File| {
        let text = String::from_utf8_lossy(&file.bytes);
        names.iter().any(|name| text.contains(name))
    };
    template.is_foreign() && template.files.iter().any(says)
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
