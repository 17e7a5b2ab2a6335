//! What the files say. One JSON object per file, on one line, with its version in `v`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Host, Owner};

/// Larger files are none of ours.
const LIMIT: u64 = 16 * 1024;

/// The content of a claim and of the promise that it becomes.
#[derive(Serialize, Deserialize)]
struct Promise {
    v: u8,
    service: String,
    directory: Directory,
    /// In a registry of several machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<Host>,
    since: String,
}

/// The content of `services/<name>`.
#[derive(Serialize, Deserialize)]
struct Hint {
    v: u8,
    port: u16,
    directory: Directory,
}

/// JSON has no word for a path that is not UTF-8, and a lossy one would be another directory's.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Directory {
    Text(String),
    Bytes(Vec<u8>),
}

/// What a promise or a claim turned out to say.
pub(crate) enum Found {
    Nothing,
    Owner(Owner),
    /// There is something, but it says nothing to us.
    Garbage,
}

/// Reads the promise at a path.
pub(crate) fn read(path: &Path) -> Found {
    match File::open(path) {
        Ok(file) => read_file(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(_) => Found::Garbage,
    }
}

/// Reads the promise in an open file.
pub(crate) fn read_file(file: &File) -> Found {
    found(parse(file))
}

/// Reads a promise that was read already.
pub(crate) fn read_text(text: &[u8]) -> Found {
    found(serde_json::from_slice(text).ok())
}

fn found(promise: Option<Promise>) -> Found {
    promise
        .filter(|promise| promise.v == 1)
        .and_then(|promise| {
            let owner = Owner::new(promise.service, promise.directory).ok()?;
            Some(match promise.host {
                Some(host) => owner.on(host),
                None => owner,
            })
        })
        .map_or(Found::Garbage, Found::Owner)
}

/// Writes the promise to an owner, as of now.
pub(crate) fn write(mut file: &File, owner: &Owner) -> io::Result<()> {
    file.write_all(text(owner).as_bytes())
}

/// The promise to an owner, as of now: one line.
pub(crate) fn text(owner: &Owner) -> String {
    let now = jiff::Timestamp::now();
    let since = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    let promise = Promise {
        v: 1,
        service: owner.service().to_owned(),
        directory: Directory::from(owner.directory()),
        host: owner.host().cloned(),
        since: since.to_string(),
    };
    serde_json::to_string(&promise).expect("texts and numbers are JSON") + "\n"
}

/// The port that a hint names, if it speaks of this owner's directory.
pub(crate) fn hinted(path: &Path, owner: &Owner) -> Option<u16> {
    let hint: Hint = parse(&File::open(path).ok()?)?;
    let directory = PathBuf::from(hint.directory);
    (hint.v == 1 && directory == owner.directory()).then_some(hint.port)
}

/// Replaces a hint, by way of a temporary file. Not synced: a hint is checked when it is used.
pub(crate) fn write_hint(
    path: &Path,
    temporary: &Path,
    owner: &Owner,
    port: u16,
) -> io::Result<()> {
    let hint = Hint {
        v: 1,
        port,
        directory: Directory::from(owner.directory()),
    };
    print(&File::create(temporary)?, &hint)?;
    fs::rename(temporary, path)
}

fn parse<T: for<'de> Deserialize<'de>>(file: &File) -> Option<T> {
    let mut text = Vec::new();
    file.take(LIMIT).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn print(mut file: &File, record: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)
}

impl From<&Path> for Directory {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes(path.as_os_str().as_bytes().to_owned()),
        }
    }
}

impl From<Directory> for PathBuf {
    fn from(directory: Directory) -> Self {
        match directory {
            Directory::Text(text) => Self::from(text),
            Directory::Bytes(bytes) => Self::from(std::ffi::OsString::from_vec(bytes)),
        }
    }
}
