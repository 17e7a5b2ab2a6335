//! JSON schemas as types of Rust.
//!
//! What Rust can say becomes a type; what leaves open what it is, or allows several things, is
//! `serde_json::Value`. Only a reference to nothing and endless nesting cannot be said at all.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Document, is, reference, text};
use super::model::{Definition, Field, Shape, Type, Variant};
use super::names::{self, Names};

/// Deeper schemas are circles of mere names.
const DEEPEST: usize = 150;

/// What the client itself and the language call so.
const TAKEN: &[&str] = &[
    "Api",
    "BTreeMap",
    "Box",
    "Client",
    "Deserialize",
    "Err",
    "None",
    "Ok",
    "Option",
    "Result",
    "Serialize",
    "Some",
    "String",
    "Vec",
];

/// Types, made as they are asked for.
#[derive(Debug)]
pub struct Schemas<'a> {
    document: &'a Document,
    names: Names,
    /// The names of the types of shared schemas, by reference.
    shared: BTreeMap<String, String>,
    /// What was found for a reference.
    known: BTreeMap<String, Found>,
    /// The references in `known`, in the order in which they came.
    order: Vec<String>,
    /// The types that are being defined.
    open: BTreeSet<String>,
    depth: usize,
    /// The types so far.
    pub definitions: Vec<Definition>,
}

/// What a schema means.
#[derive(Clone, Debug)]
struct Found {
    of: Type,
    nullable: bool,
}

/// The properties of an object, its own and those of what it is composed of.
#[derive(Debug, Default)]
struct Object<'a> {
    properties: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
    seen: BTreeSet<&'a str>,
}

impl<'a> Schemas<'a> {
    /// No types yet, but a name for each shared schema.
    pub fn new(document: &'a Document) -> Self {
        let mut names = Names::beside(TAKEN);
        let name = |schema: &String| {
            let reference = format!("#/components/schemas/{schema}");
            (reference, names.take(&names::pascal(schema, "Type")))
        };
        Self {
            shared: document.schema_names().map(name).collect(),
            document,
            names,
            known: BTreeMap::new(),
            order: Vec::new(),
            open: BTreeSet::new(),
            depth: 0,
            definitions: Vec::new(),
        }
    }

    /// What `work` makes; if it fails, no type that it began is left.
    pub fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let (known, defined, names) =
            (self.order.len(), self.definitions.len(), self.names.clone());
        let made = work(self);
        if made.is_err() {
            for reference in self.order.drain(known..) {
                self.known.remove(&reference);
            }
            self.definitions.truncate(defined);
            self.names = names;
            self.open.clear();
            self.depth = 0;
        }
        made
    }

    /// The type of a schema; `hint` names it if it has to be defined.
    pub fn of(&mut self, schema: &'a Value, hint: &str) -> Result<Type, String> {
        let found = self.find(schema, hint)?;
        Ok(if found.nullable {
            optional(found.of)
        } else {
            found.of
        })
    }

    fn find(&mut self, schema: &'a Value, hint: &str) -> Result<Found, String> {
        if self.depth == DEEPEST {
            return Err(format!("schema `{hint}` is nested too deeply"));
        }
        self.depth += 1;
        let found = match reference(schema) {
            Some(reference) => self.referred(reference, hint),
            None => self.inline(schema, hint),
        };
        self.depth -= 1;
        found
    }

    fn referred(&mut self, reference: &'a str, hint: &str) -> Result<Found, String> {
        if let Some(found) = self.known.get(reference) {
            return Ok(found.clone());
        }
        let schema = self.document.at(reference)?;
        let last = reference.rsplit('/').next().unwrap_or(hint);
        let hint = names::pascal(last, "Type");
        let found = if self.is_defined(schema) {
            let name = match self.shared.get(reference) {
                Some(name) => name.clone(),
                None => self.names.take(&hint),
            };
            let found = defined(schema, &name);
            self.remember(reference, &found);
            self.define(schema, &name)?;
            found
        } else {
            let found = self.find(schema, &hint)?;
            self.remember(reference, &found);
            found
        };
        Ok(found)
    }

    fn remember(&mut self, reference: &str, found: &Found) {
        self.known.insert(reference.to_owned(), found.clone());
        self.order.push(reference.to_owned());
    }

    fn inline(&mut self, schema: &'a Value, hint: &str) -> Result<Found, String> {
        let nullable = is_nullable(schema);
        if let Some((one, or_null)) = only_one(schema) {
            let found = self.find(one, hint)?;
            let nullable = found.nullable || nullable || or_null;
            return Ok(Found { nullable, ..found });
        }
        if self.is_defined(schema) {
            let name = self.names.take(hint);
            self.define(schema, &name)?;
            return Ok(defined(schema, &name));
        }
        let of = match kind(schema) {
            "string" => Type::Text,
            "boolean" => Type::Bool,
            "number" => Type::Float,
            "integer" => Type::Integer(integer(schema)),
            "array" => Type::List(Box::new(self.within(schema.get("items"), hint, "Item")?)),
            "object" => {
                let values = schema.get("additionalProperties");
                Type::Map(Box::new(self.within(values, hint, "Value")?))
            }
            _ => Type::Any,
        };
        Ok(Found { of, nullable })
    }

    /// The type of the schema within another; none, `true` and `false` say nothing.
    fn within(
        &mut self,
        schema: Option<&'a Value>,
        hint: &str,
        suffix: &str,
    ) -> Result<Type, String> {
        match schema {
            Some(schema) if schema.is_object() => self.of(schema, &format!("{hint}{suffix}")),
            _ => Ok(Type::Any),
        }
    }

    /// Whether a schema wants a type of its own.
    fn is_defined(&self, schema: &'a Value) -> bool {
        only_one(schema).is_none() && (words(schema).is_some() || self.object(schema).is_some())
    }

    fn define(&mut self, schema: &'a Value, name: &str) -> Result<(), String> {
        let shape = match (words(schema), self.object(schema)) {
            (Some(words), _) => Shape::Enum(variants(&words)),
            (None, object) => {
                self.open.insert(name.to_owned());
                let fields = self.fields(&object.unwrap_or_default(), name)?;
                self.open.remove(name);
                Shape::Struct(fields)
            }
        };
        self.definitions.push(Definition {
            name: name.to_owned(),
            docs: said(schema),
            shape,
        });
        Ok(())
    }

    fn fields(&mut self, object: &Object<'a>, owner: &str) -> Result<Vec<Field>, String> {
        let mut names = Names::default();
        let mut fields = Vec::new();
        for (&wire, &schema) in &object.properties {
            let hint = format!("{owner}{}", names::pascal(wire, "Field"));
            let found = self.find(schema, &hint);
            let found = found.map_err(|error| format!("schema `{owner}`, `{wire}`: {error}"))?;
            let boxed = matches!(&found.of, Type::Struct(name) if self.open.contains(name));
            let one_way = is(schema, "readOnly") || is(schema, "writeOnly");
            fields.push(Field {
                name: names.take(&names::snake(wire, "field")),
                wire: wire.to_owned(),
                docs: said(schema),
                required: object.required.contains(wire) && !one_way,
                of: if found.nullable {
                    optional(found.of)
                } else {
                    found.of
                },
                boxed,
            });
        }
        Ok(fields)
    }

    /// The properties of a schema, if it is an object that has some and nothing besides.
    fn object(&self, schema: &'a Value) -> Option<Object<'a>> {
        let mut object = Object::default();
        let gathered = self.gather(schema, &mut object, 0);
        Some(object).filter(|object| gathered && !object.properties.is_empty())
    }

    fn gather(&self, schema: &'a Value, object: &mut Object<'a>, depth: usize) -> bool {
        if let Some(reference) = reference(schema) {
            let is_new = object.seen.insert(reference);
            let target = self.document.at(reference).ok();
            return target.is_some_and(|target| !is_new || self.gather(target, object, depth + 1));
        }
        let others = ["oneOf", "anyOf"]
            .iter()
            .any(|key| schema.get(key).is_some());
        if others || !matches!(kind(schema), "object" | "") || depth > DEEPEST {
            return false;
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.into_iter().flatten();
        object
            .properties
            .extend(properties.map(|(name, schema)| (name.as_str(), schema)));
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        object.required.extend(required);
        let parts = schema.get("allOf").and_then(Value::as_array);
        let mut parts = parts.into_iter().flatten();
        parts.all(|part| self.gather(part, object, depth + 1))
    }
}

fn defined(schema: &Value, name: &str) -> Found {
    let of = match words(schema) {
        Some(_) => Type::Enum(name.to_owned()),
        None => Type::Struct(name.to_owned()),
    };
    Found {
        of,
        nullable: is_nullable(schema),
    }
}

/// `Option`, once; what may be anything may be null.
fn optional(of: Type) -> Type {
    match of {
        Type::Any | Type::Option(_) => of,
        of => Type::Option(Box::new(of)),
    }
}

/// The schema that another one wraps, say to allow null besides.
fn only_one(schema: &Value) -> Option<(&Value, bool)> {
    let plain = schema.get("properties").is_none();
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    if let Some([one]) = list("allOf").map(Vec::as_slice).filter(|_| plain) {
        return Some((one, false));
    }
    let list = list("oneOf").or(list("anyOf")).filter(|_| plain)?;
    let mut others = list.iter().filter(|schema| kind(schema) != "null");
    let one = others.next()?;
    let or_null = list.iter().any(|schema| kind(schema) == "null");
    others.next().is_none().then_some((one, or_null))
}

fn is_nullable(schema: &Value) -> bool {
    let holds_null = |key: &str, null: &Value| {
        let list = schema.get(key).and_then(Value::as_array);
        list.is_some_and(|list| list.contains(null))
    };
    is(schema, "nullable") || holds_null("type", &"null".into()) || holds_null("enum", &Value::Null)
}

/// What `type` says, null aside; nothing if it says several things or nothing.
fn kind(schema: &Value) -> &str {
    let Some(Value::Array(kinds)) = schema.get("type") else {
        return match (text(schema, "type"), schema.get("items")) {
            ("", Some(_)) => "array",
            (kind, _) => kind,
        };
    };
    let mut kinds = kinds.iter().filter_map(Value::as_str);
    let mut others = kinds.clone().filter(|kind| *kind != "null");
    match (others.next(), others.next()) {
        (Some(kind), None) => kind,
        (None, _) => kinds.next().unwrap_or_default(),
        _ => "several",
    }
}

/// The words of an enumeration of strings, null aside.
fn words(schema: &Value) -> Option<Vec<&str>> {
    let list = schema.get("enum")?.as_array()?;
    let list = list.iter().filter(|word| !word.is_null());
    let words: Option<Vec<_>> = list.map(Value::as_str).collect();
    words.filter(|words| !words.is_empty())
}

fn variants(words: &[&str]) -> Vec<Variant> {
    let mut names = Names::default();
    let words = words.iter().collect::<BTreeSet<_>>();
    let variants = words.into_iter().map(|&wire| Variant {
        name: names.take(&names::pascal(wire, "Word")),
        wire: wire.to_owned(),
    });
    variants.collect()
}

/// A least value of 0 is how unsigned integers are described that have no format of their own.
fn integer(schema: &Value) -> &'static str {
    let unsigned = schema.get("minimum").and_then(Value::as_f64) == Some(0.0);
    match (text(schema, "format"), unsigned) {
        ("int8", false) => "i8",
        ("int16", false) => "i16",
        ("int32", false) => "i32",
        ("uint8", _) => "u8",
        ("uint16", _) => "u16",
        ("uint32", _) | ("int32", true) => "u32",
        ("uint64", _) | (_, true) => "u64",
        _ => "i64",
    }
}

/// What is said of a schema.
fn said(schema: &Value) -> String {
    match text(schema, "description") {
        "" => text(schema, "title").to_owned(),
        description => description.to_owned(),
    }
}
