//! What a build was made of, by cargo's own word: its messages of `--message-format json`.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

/// What cargo knows by one hash: a library, a build script, or the run of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    /// Name and version of its package.
    pub package: String,
    /// Where it lies below the target directory: `debug`.
    pub place: String,
    /// The hash in the names of its files.
    pub hash: String,
}

/// A message, as far as it says that.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    filenames: Vec<String>,
    #[serde(default)]
    out_dir: String,
}

/// The units of registry packages in `messages` of a build whose target directory is `target`.
#[must_use]
pub fn read(messages: &str, target: &Path) -> BTreeSet<Made> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut made = BTreeSet::new();
    for message in messages {
        let Some(package) = package(&message.package_id) else {
            continue;
        };
        let files = message.filenames.iter().chain([&message.out_dir]);
        let units = files.filter_map(|file| unit(Path::new(file), target));
        made.extend(units.map(|(place, hash)| Made {
            package: package.clone(),
            place,
            hash,
        }));
    }
    made
}

/// `serde 1.0.228` of `registry+https://…#serde@1.0.228`. What comes from elsewhere has sources
/// that can change under the same name.
fn package(id: &str) -> Option<String> {
    let registry = id.starts_with("registry+") || id.starts_with("sparse+");
    let (_, spec) = id.rsplit_once('#')?;
    let (name, version) = spec.split_once('@')?;
    registry.then(|| format!("{name} {version}"))
}

/// `debug` and the hash of `…/target/debug/deps/libserde-0123456789abcdef.rlib`, of
/// `…/target/debug/build/serde-0123456789abcdef/build-script-build` or of `…/out` beside it.
fn unit(file: &Path, target: &Path) -> Option<(String, String)> {
    let below = file.strip_prefix(target).ok()?.to_str()?;
    let (place, name) = below
        .split_once("/deps/")
        .or_else(|| below.split_once("/build/"))?;
    let name = name.split(['/', '.']).next()?;
    let (_, hash) = name.rsplit_once('-')?;
    Some((place.to_owned(), hash.to_owned()))
}
