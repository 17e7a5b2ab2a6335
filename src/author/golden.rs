//! Golden trees: what a sample came to when somebody last looked at it and found it good.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use toml_edit::value;

use crate::error::{Error, Result};
use crate::manifest::{Golden, HOME};
use crate::repo;
use crate::template::{File, Template};

/// The record of a service, which says where its template lies.
const RECORD: &str = "service.toml";

/// `files` without what differs from machine to machine, or with each edit of a golden tree.
pub fn steady(files: &[File]) -> Vec<File> {
    let mut files = files.to_vec();
    for file in files.iter_mut().filter(|file| file.path == RECORD) {
        let text = String::from_utf8_lossy(&file.bytes);
        if let Ok(mut record) = text.parse::<toml_edit::DocumentMut>()
            && let Some(table) = record.get_mut("template").and_then(|it| it.as_table_mut())
        {
            for key in ["source", "from", "tree"] {
                if table.contains_key(key) {
                    table[key] = value("…");
                }
            }
            file.bytes = Cow::Owned(record.to_string().into_bytes());
        }
    }
    files
}

/// The golden files of a sample: those of a tree, or the one that is a listing.
pub fn of(template: &Template, sample: &str, golden: Golden) -> Vec<File> {
    let (prefix, list) = (format!("{HOME}golden/{sample}/"), listing_of(sample));
    let files = template.files.iter().filter_map(|file| {
        let path = match golden {
            Golden::Tree => file.path.strip_prefix(&prefix)?,
            Golden::Listing if file.path == list => list.as_str(),
            Golden::Listing => return None,
        };
        Some(File {
            path: path.to_owned(),
            ..file.clone()
        })
    });
    files.collect()
}

/// What has to be kept of `files`, which are steady.
pub fn kept(sample: &str, golden: Golden, files: Vec<File>) -> Result<Vec<File>> {
    if golden == Golden::Tree {
        return Ok(files);
    }
    let mut text = String::new();
    for file in &files {
        let mode = if file.executable { "100755" } else { "100644" };
        let id = repo::blob_id(&file.bytes)?;
        text.push_str(&format!("{mode} {id} {}\n", file.path.escape_debug()));
    }
    Ok(vec![File {
        path: listing_of(sample),
        executable: false,
        bytes: Cow::Owned(text.into_bytes()),
    }])
}

fn listing_of(sample: &str) -> String {
    format!("{HOME}golden/{sample}.txt")
}

/// How `new` differs from `old`, file by file, as unified diffs.
pub fn differences(old: &[File], new: &[File]) -> Vec<String> {
    let by_path = |files: &'_ [File]| {
        let files = files.iter().map(|file| (file.path.clone(), file.clone()));
        files.collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (by_path(old), by_path(new));
    let paths = old.keys().chain(new.keys());
    let paths = paths.collect::<std::collections::BTreeSet<_>>();
    let differ = |path: &&String| difference(path, old.get(*path), new.get(*path));
    paths.iter().filter_map(differ).collect()
}

fn difference(path: &str, old: Option<&File>, new: Option<&File>) -> Option<String> {
    if old == new {
        return None;
    }
    let bytes =
        |file: Option<&File>| file.map_or(Cow::Borrowed(&[][..]), |file| file.bytes.clone());
    let (before, after) = (bytes(old), bytes(new));
    let name = |prefix: &str, file: Option<&File>| match file {
        Some(_) => format!("{prefix}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (from, to) = (name("golden", old), name("rendered", new));
    let mode = |file: &File| if file.executable { "100755" } else { "100644" };
    let mut text = String::new();
    if let (Some(old), Some(new)) = (old, new)
        && old.executable != new.executable
    {
        text.push_str(&format!(
            "{path}: mode {} is {} now\n",
            mode(old),
            mode(new)
        ));
    }
    match (std::str::from_utf8(&before), std::str::from_utf8(&after)) {
        (Ok(before), Ok(after)) if before.is_empty() && after.is_empty() => {
            text.push_str(&format!("--- {from}\n+++ {to}\n"));
        }
        (Ok(before), Ok(after)) => {
            let diff = TextDiff::from_lines(before, after);
            text.push_str(&diff.unified_diff().header(&from, &to).to_string());
        }
        _ => text.push_str(&format!("{from} and {to} differ, and are no texts\n")),
    }
    Some(text)
}

/// Puts `files` in the place of the golden ones of a sample, whole or not at all.
pub fn write(dir: &Path, sample: &str, golden: Golden, files: &[File]) -> Result<()> {
    if golden == Golden::Listing {
        let [list] = files else {
            return Ok(());
        };
        let path = dir.join(&list.path);
        make_dir(path.parent().unwrap_or(dir))?;
        return crate::swap::write(&path, &String::from_utf8_lossy(&list.bytes));
    }
    let home = dir.join(HOME).join("golden");
    make_dir(&home)?;
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&home);
    let new = new.map_err(|error| Error::io("write in", &home, &error))?;
    let (come, gone) = (new.path().join("come"), new.path().join("gone"));
    write_all(&come, files)?;
    let place = home.join(sample);
    if place.exists() {
        rename(&place, &gone)?;
    }
    rename(&come, &place).inspect_err(|_| {
        let _ = fs::rename(&gone, &place);
    })
}

/// Writes `files` below `dir`, which is made.
pub fn write_all(dir: &Path, files: &[File]) -> Result<()> {
    make_dir(dir)?;
    for file in files {
        let path: PathBuf = dir.join(&file.path);
        make_dir(path.parent().unwrap_or(dir))?;
        let mode = Permissions::from_mode(if file.executable { 0o755 } else { 0o644 });
        fs::write(&path, &file.bytes)
            .and_then(|()| fs::set_permissions(&path, mode))
            .map_err(|error| Error::io("write", &path, &error))?;
    }
    Ok(())
}

fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| Error::io("create", path, &error))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::io("write", to, &error))
}
