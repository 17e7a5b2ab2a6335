//! The settings that are kept in Atlas for this service, `atlas settings set NAME KEY VALUE`:
//! one document, keys with dots.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::places::Places;
use crate::NAME;

/// The version of the format; others are not read.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Document<V> {
    v: u32,
    settings: BTreeMap<String, V>,
}

/// Where it is, if it is there.
pub fn path(places: &Places, realm: &str) -> Option<PathBuf> {
    let folder = places.data.as_ref()?.join(realm).join("settings");
    Some(folder.join(format!("{NAME}.json")))
}

/// What stands there; empty where nothing was ever set.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read<V: DeserializeOwned>(path: &Path) -> Result<BTreeMap<String, V>, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.to_string()),
    };
    let document = serde_json::from_slice::<Document<V>>(&text);
    match document.map_err(|error| error.to_string())? {
        document if document.v == FORMAT => Ok(document.settings),
        document => Err(format!("version {} of the format is unknown", document.v)),
    }
}
