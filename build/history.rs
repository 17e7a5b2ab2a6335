//! Reads the released templates: `src/history/<version>.txt`, one file for all files of a version.
//!
//! Before each file stands a line with its mode, its length in bytes and its path; behind it a
//! line ends, so that the whole can be read and reviewed as a text:
//!
//! ```text
//! 100644 8 .gitignore
//! /target
//!
//! 100755 20 bin/run
//! ```
//!
//! `tests/it/history.rs` writes such files, and sees to it that none of them ever changes.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::File;

/// A released template.
pub struct Release {
    pub version: String,
    pub files: Vec<File>,
}

/// Every release in `dir`, in the order of their names.
pub fn read(dir: &Path) -> Result<Vec<Release>, Box<dyn Error>> {
    let mut releases = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(version) = name.and_then(|name| name.strip_suffix(".txt")) else {
            continue;
        };
        println!("cargo::rerun-if-changed={}", path.display());
        let files = files(&fs::read(&path)?);
        let files = files.map_err(|error| format!("{}: {error}", path.display()));
        releases.push(Release {
            version: version.to_owned(),
            files: files?,
        });
    }
    releases.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(releases)
}

fn files(mut rest: &[u8]) -> Result<Vec<File>, Box<dyn Error>> {
    let mut files = Vec::new();
    while !rest.is_empty() {
        let (file, after) = first(rest)?;
        files.push(file);
        rest = after;
    }
    Ok(files)
}

/// The first file of `text`, and what comes after it.
fn first(text: &[u8]) -> Result<(File, &[u8]), Box<dyn Error>> {
    let end = text.iter().position(|byte| *byte == b'\n');
    let (head, rest) = text.split_at(end.ok_or("a line without an end")?);
    let head = std::str::from_utf8(head)?;
    let wrong = || format!("`{head}` is not mode, length and path");
    let mut words = head.splitn(3, ' ');
    let mut word = || words.next().ok_or_else(wrong);
    let (mode, length, path) = (word()?, word()?, word()?);
    let executable = match mode {
        "100644" => false,
        "100755" => true,
        _ => return Err(wrong().into()),
    };
    let length = length.parse::<usize>().map_err(|_| wrong())?;
    let rest = &rest[1..];
    let bytes = rest.get(..length).ok_or_else(wrong)?.to_owned();
    let Some((b'\n', after)) = rest[length..].split_first() else {
        return Err(format!("`{head}` is not what follows: the length is another").into());
    };
    let path = path.to_owned();
    let file = File {
        path,
        executable,
        bytes,
    };
    Ok((file, after))
}
