//! The settings, and the one place where they are put together.
//!
//! Later layers win, key by key:
//!
//! 1. the defaults below;
//! 2. `service.toml`, compiled in: the port, which other tools read there, too;
//! 3. `config/<realm>.toml`, or the same in the directory `<PREFIX>_CONFIG_DIR`;
//! 4. Atlas, what `atlas settings set` said for this service;
//! 5. the environment: `PORT`, then `<PREFIX>_<KEY>`, with `__` between nested keys.
//!
//! The prefix is the package's name in capitals, `-` as `_`. A directory that was named
//! must exist, and a directory that exists must have the realm's file, unless the realm
//! is `local`: a misspelt realm must not start with the defaults.

#[cfg(feature = "api")]
pub mod api;
mod atlas;
#[cfg(feature = "database")]
mod database;
pub mod environment;
mod error;
mod layer;
mod limits;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "redis")]
mod redis;
mod settings;

use std::path::Path;

use figment::Figment;
use figment::value::Value;

pub use atlas::Atlas;
#[cfg(feature = "database")]
pub use database::{Database, DatabaseUrl};
pub use environment::Environment;
pub use error::Error;
pub use limits::{Health, Http, Shutdown};
#[cfg(feature = "otel")]
pub use otel::Otel;
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisUrl};
pub use settings::{Config, Format, Log};

use crate::Realm;
use crate::atlas::{Places, document};
use layer::Layer;

/// Puts the layers together, for the realm that `environment` names.
///
/// # Errors
/// The first setting that cannot be used, with the layer it stands in.
pub fn load(environment: &Environment) -> Result<(Realm, Config), Error> {
    let realm = environment.realm()?;
    let files = Figment::new()
        .merge(Layer::record(include_str!("../service.toml"))?)
        .merge(realm_layer(&realm, environment.config_directory())?);
    let variables = environment.layers();
    let merged =
        |figment: Figment, layers: &[Layer]| layers.iter().cloned().fold(figment, Figment::merge);
    let places = environment.places();
    let mut kept = Vec::new();
    if is_atlas_wanted(&merged(files.clone(), &variables)) {
        kept = atlas_layers(&places, &realm)?;
    }
    let figment = merged(merged(files, &kept), &variables);
    // Lossy: the environment knows only strings, and "5000" is a number where one is due.
    let mut config: Config = figment.extract_lossy()?;
    config.atlas.places = places;
    Ok((realm, config))
}

/// Who does not want Atlas is not told its settings either.
fn is_atlas_wanted(figment: &Figment) -> bool {
    let wanted = figment.find_value("atlas.enabled");
    !wanted.is_ok_and(|value| value.to_bool_lossy() == Some(false))
}

/// One for each setting in Atlas; none where nobody ever set one.
fn atlas_layers(places: &Places, realm: &Realm) -> Result<Vec<Layer>, Error> {
    let Some(path) = document::path(places, realm.as_str()) else {
        return Ok(Vec::new());
    };
    let path_text = path.display().to_string();
    let settings = document::read(&path).map_err(|problem| Error::Registry {
        path: path_text.clone(),
        problem,
    })?;
    let origin = format!("Atlas ({path_text})");
    let layer = |(key, value): (String, Value)| Layer::value(origin.clone(), &key, value);
    Ok(settings.into_iter().map(layer).collect())
}

/// The realm's file; empty if there is none and none is due.
fn realm_layer(realm: &Realm, named: Option<&str>) -> Result<Layer, Error> {
    let directory = Path::new(named.unwrap_or("config"));
    let path = directory.join(format!("{realm}.toml"));
    let dispensable = if directory.is_dir() {
        realm.is_local() && !path.exists()
    } else {
        named.is_none()
    };
    if dispensable {
        Ok(Layer::default())
    } else {
        Layer::file(&path)
    }
}

#[cfg(test)]
mod tests;
