//! What the words of one schema mean, whatever it refers to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::document::{is, text};
use crate::client::model::Variant;
use crate::client::names::{self, Names};

/// The schema that another one wraps, say to allow null besides.
pub fn only_one(schema: &Value) -> Option<(&Value, bool)> {
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

pub fn is_nullable(schema: &Value) -> bool {
    let holds_null = |key: &str, null: &Value| {
        let list = schema.get(key).and_then(Value::as_array);
        list.is_some_and(|list| list.contains(null))
    };
    is(schema, "nullable") || holds_null("type", &"null".into()) || holds_null("enum", &Value::Null)
}

/// What `type` says, null aside; nothing if it says several things or nothing.
pub fn kind(schema: &Value) -> &str {
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
pub fn words(schema: &Value) -> Option<Vec<&str>> {
    let list = schema.get("enum")?.as_array()?;
    let list = list.iter().filter(|word| !word.is_null());
    let words: Option<Vec<_>> = list.map(Value::as_str).collect();
    words.filter(|words| !words.is_empty())
}

pub fn variants(words: &[&str]) -> Vec<Variant> {
    let mut names = Names::default();
    let words = words.iter().collect::<BTreeSet<_>>();
    let variants = words.into_iter().map(|&wire| Variant {
        name: names.take(&names::pascal(wire, "Word")),
        wire: wire.to_owned(),
    });
    variants.collect()
}

/// A least value of 0 is how unsigned integers are described that have no format of their own.
pub fn integer(schema: &Value) -> &'static str {
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
pub fn said(schema: &Value) -> String {
    match text(schema, "description") {
        "" => text(schema, "title").to_owned(),
        description => description.to_owned(),
    }
}
