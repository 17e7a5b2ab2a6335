//! The environment's part of the settings. The variables are a value, so that tests need
//! not change those of the process.

use std::collections::BTreeMap;
use std::env;

use super::Error;
use super::layer::Layer;
use crate::atlas::Places;
use crate::{NAME, Realm};

/// Says which realm this is.
const REALM: &str = "REALM";
/// Says where the realms' files are.
const CONFIG_DIR: &str = "CONFIG_DIR";
/// Set by platforms, without our prefix, to say which port they expect.
const PORT: &str = "PORT";
/// Without our prefix, too: by them all find the same Atlas.
const PLACES: [&str; 5] = [
    "ATLAS_DIR",
    "ATLAS",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "HOME",
];

/// Environment variables: name to value.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process that concern the service.
    ///
    /// # Errors
    /// If the value of one of them is no UTF-8.
    pub fn of_process() -> Result<Self, Error> {
        let mut variables = BTreeMap::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| concerns_us(name)) else {
                continue;
            };
            match value.into_string() {
                Ok(text) => drop(variables.insert(name.to_owned(), text)),
                Err(_) if PLACES.contains(&name) => (),
                Err(_) => {
                    return Err(Error::Invalid {
                        key: key_of(name),
                        problem: "found bytes that are no UTF-8".to_owned(),
                        origin: origin(name),
                    });
                }
            }
        }
        Ok(Self(variables))
    }

    /// Where this process runs: `<PREFIX>_REALM`, `local` if it is not set.
    pub(super) fn realm(&self) -> Result<Realm, Error> {
        let name = variable(REALM);
        let Some(text) = self.0.get(&name) else {
            return Ok(Realm::default());
        };
        text.parse().map_err(|error| Error::Invalid {
            key: key_of(&name),
            problem: format!("{error}"),
            origin: origin(&name),
        })
    }

    /// `<PREFIX>_CONFIG_DIR`.
    pub(super) fn config_directory(&self) -> Option<&str> {
        self.0.get(&variable(CONFIG_DIR)).map(String::as_str)
    }

    /// Where Atlas is.
    pub(super) fn places(&self) -> Places {
        Places::find(|name| self.0.get(name).cloned())
    }

    /// One layer for each variable, so that an error can name it. The platform's `PORT`
    /// comes first: our own name for it is the more deliberate one, and wins.
    pub(super) fn layers(&self) -> Vec<Layer> {
        let prefix = variable("");
        let reserved = [variable(REALM), variable(CONFIG_DIR)];
        let platform = self.0.get_key_value(PORT);
        let foreign = |name: &String| reserved.contains(name) || PLACES.contains(&&**name);
        let own = (self.0.iter()).filter(|(name, _)| name.starts_with(&prefix) && !foreign(name));
        (platform.into_iter().chain(own))
            .map(|(name, value)| Layer::value(origin(name), &key_of(name), value.as_str()))
            .collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let owned = |(name, value): (N, V)| (name.into(), value.into());
        Self(variables.into_iter().map(owned).collect())
    }
}

/// The full name of the variable for a key: `REALM` is `ORDERS_REALM` in `orders`.
pub fn variable(key: &str) -> String {
    format!("{}_{key}", NAME.to_uppercase().replace('-', "_"))
}

fn concerns_us(name: &str) -> bool {
    name == PORT || PLACES.contains(&name) || name.starts_with(&variable(""))
}

/// `ORDERS_LOG__FILTER` stands for the key `log.filter`.
fn key_of(name: &str) -> String {
    let key = name.strip_prefix(&variable("")).unwrap_or(name);
    key.to_lowercase().replace("__", ".")
}

fn origin(name: &str) -> String {
    format!("environment variable {name}")
}
