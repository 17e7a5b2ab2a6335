//! An `OpenAPI` description, version 3: what stands in it and where.

use serde_json::{Map, Value};

use super::source::Description;
use crate::error::{Error, Kind, Result};

/// So many references may lead from one to the next.
const LONGEST_CHAIN: usize = 32;

/// A description that is one.
#[derive(Debug)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Reads the description; only version 3 is known.
    pub fn parse(description: &Description) -> Result<Self> {
        let from = &description.from;
        let failed = |what: String| Error::new(Kind::Source, format!("{from} {what}"));
        let root: Value = serde_json::from_slice(&description.json)
            .map_err(|error| failed(format!("is not JSON: {error}")))?;
        let version = root.get("openapi").and_then(Value::as_str);
        match (version, root.get("paths")) {
            (Some(version), Some(Value::Object(_))) if version.starts_with("3.") => {
                Ok(Self { root })
            }
            (Some(version), Some(Value::Object(_))) => Err(failed(format!(
                "is OpenAPI {}; only version 3 is known",
                version.escape_debug()
            ))),
            _ => Err(failed("is no OpenAPI description of version 3".to_owned())),
        }
    }

    /// The name the API gives itself.
    pub fn title(&self) -> Option<&str> {
        self.root.pointer("/info/title")?.as_str()
    }

    /// The version of the API.
    pub fn version(&self) -> &str {
        let version = self.root.pointer("/info/version");
        version.and_then(Value::as_str).unwrap_or("unknown")
    }

    /// What is answered at which path.
    pub fn paths(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.root
            .get("paths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    /// The names of the shared schemas.
    pub fn schema_names(&self) -> impl Iterator<Item = &String> {
        let schemas = self.root.pointer("/components/schemas");
        schemas
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
    }

    /// The path below which all others stand: `/api/v1`.
    pub fn base(&self) -> &str {
        let url = self.root.pointer("/servers/0/url");
        let url = url.and_then(Value::as_str).unwrap_or_default();
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => url,
        };
        path.trim_end_matches('/')
    }

    /// What `value` says, or what it refers to.
    pub fn follow<'a>(&'a self, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..LONGEST_CHAIN {
            match reference(value) {
                Some(reference) => value = self.at(reference)?,
                None => return Ok(value),
            }
        }
        Err("its references go round in circles".to_owned())
    }

    /// What a reference refers to.
    pub fn at(&self, reference: &str) -> Result<&Value, String> {
        let pointer = reference.strip_prefix('#');
        let target = pointer.and_then(|pointer| self.root.pointer(pointer));
        target.ok_or_else(|| {
            format!(
                "there is no `{}` in the description",
                reference.escape_debug()
            )
        })
    }
}

/// The reference that `value` is.
pub fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// The text `key` of `value`, or nothing.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether `key` of `value` is `true`.
pub fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}
