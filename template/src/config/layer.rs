//! One source of settings that can say its name.

use std::fs;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::Error;

/// Settings from one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    /// A file that has to be there.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::toml(origin, &text),
            Err(error) => Err(Error::Unreadable {
                path: origin,
                error,
            }),
        }
    }

    /// What the service's record holds for us: the port. The rest is for others.
    pub fn record(text: &str) -> Result<Self, Error> {
        let mut layer = Self::toml("service.toml".to_owned(), text)?;
        let service = layer.values.remove("service");
        let port = service.and_then(|service| service.find("port"));
        layer.values = port
            .map(|port| ("port".to_owned(), port))
            .into_iter()
            .collect();
        Ok(layer)
    }

    /// One value at `key`, which may be nested: `log.filter`.
    pub fn value(origin: String, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let values = match figment::util::nest(key, value.clone()).into_dict() {
            Some(values) => values,
            None => Dict::from([(String::new(), value)]),
        };
        Self { origin, values }
    }

    fn toml(origin: String, text: &str) -> Result<Self, Error> {
        match toml::from_str(text) {
            Ok(values) => Ok(Self { origin, values }),
            Err(error) => {
                let before = error.span().and_then(|span| text.get(..span.start));
                Err(Error::Syntax {
                    problem: error.message().replace('\n', ", "),
                    line: before.unwrap_or_default().matches('\n').count() + 1,
                    origin,
                })
            }
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}
