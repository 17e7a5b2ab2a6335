//! JSON schemas as types of Rust.
//!
//! What Rust can say becomes a type; what leaves open what it is, or allows several things, is
//! `serde_json::Value`. Only a reference to nothing and endless nesting cannot be said at all.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Document, is, reference};
use super::model::{Definition, Field, Shape, Type};
use super::names::{self, Names};
use words::{integer, is_nullable, kind, only_one, said, variants, words};

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
