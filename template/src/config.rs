//! The settings, and the one place where they are put together.
//!
//! Later layers win, key by key:
//!
//! 1. the defaults below;
//! 2. `service.toml`, compiled in: the port, which other tools read there, too;
//! 3. `config/<realm>.toml`, or the same in the directory `<PREFIX>_CONFIG_DIR`;
//! 4. the environment: `PORT`, then `<PREFIX>_<KEY>`, with `__` between nested keys.
//!
//! The prefix is the package's name in capitals, `-` as `_`. A directory that was named
//! must exist, and a directory that exists must have the realm's file, unless the realm
//! is `local`: a misspelt realm must not start with the defaults.

#[cfg(feature = "api")]
pub mod api;
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
    let figment = environment.layers().into_iter().fold(files, Figment::merge);
    // Lossy: the environment knows only strings, and "5000" is a number where one is due.
    let config = figment.extract_lossy()?;
    Ok((realm, config))
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
