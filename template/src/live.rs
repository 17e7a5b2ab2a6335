//! Settings that change in Atlas while the service runs.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use tracing::{info, warn};

use crate::App;
use crate::atlas::document;
use crate::config::{self, Environment};

/// How soon a change is noticed.
const PAUSE: Duration = Duration::from_secs(1);

/// Puts the settings together anew whenever those in Atlas change, for as long as the service
/// runs. What cannot be used changes nothing, and the log says so.
pub fn follow(app: &App, environment: Environment) {
    let atlas = &app.config.atlas;
    let path = document::path(&atlas.places, app.realm.as_str());
    let Some(path) = path.filter(|_| atlas.enabled) else {
        return;
    };
    let app = app.clone();
    let mut known = state(&path);
    tokio::spawn(async move {
        loop {
            sleep(PAUSE).await;
            let now = state(&path);
            if now != known {
                known = now;
                apply(&app, &environment);
            }
        }
    });
}

fn apply(app: &App, environment: &Environment) {
    match config::load(environment) {
        Ok((_, config)) if config == *app.settings().borrow() => (),
        Ok((_, config)) => {
            app.set_settings(config);
            info!("settings changed in Atlas");
        }
        Err(error) => warn!(%error, "the settings in Atlas cannot be used and change nothing"),
    }
}

/// What tells one state of the document from another: they are written aside and renamed.
fn state(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    let of = |file: Metadata| (file.ino(), file.modified().ok());
    fs::metadata(path).ok().map(of)
}
