//! Stub.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    dead_code
)]
use crate::error::{Error, Kind, Result};
use crate::template::File;
use std::path::{Path, PathBuf};
pub enum Source {
    Directory(PathBuf),
    Archive(PathBuf),
    Git { url: String, want: Want },
}
pub enum Want {
    Default,
    Branch(String),
    Tag(String),
    Rev(String),
}
pub struct Parsed {
    pub source: Source,
    pub subfolder: Option<String>,
}
pub struct Ways {
    pub offline: bool,
    pub human: bool,
}
pub struct Obtained {
    pub files: Vec<File>,
    pub id: String,
    pub commit: Option<String>,
    pub tree: String,
    pub warnings: Vec<String>,
}
pub fn parse(text: &str, base: &Path, _want: Want) -> Result<Parsed> {
    Ok(Parsed {
        source: Source::Directory(base.join(text)),
        subfolder: None,
    })
}
pub fn obtain(source: &Source, _ways: Ways) -> Result<Obtained> {
    use std::os::unix::fs::PermissionsExt as _;
    let Source::Directory(dir) = source else {
        return Err(Error::new(Kind::Template, "stub"));
    };
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(dir)
        .sort_by_file_name()
        .into_iter()
        .flatten()
    {
        if entry.file_type().is_file() {
            files.push(File {
                path: entry
                    .path()
                    .strip_prefix(dir)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
                executable: entry.metadata().unwrap().permissions().mode() & 0o111 != 0,
                bytes: std::fs::read(entry.path()).unwrap().into(),
            });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let tree = crate::repo::tree_id(&files)?;
    Ok(Obtained {
        files,
        id: dir.display().to_string(),
        commit: None,
        tree,
        warnings: Vec::new(),
    })
}
pub mod limits {
    pub fn check_names<'a>(_: impl IntoIterator<Item = &'a str>) -> crate::error::Result<()> {
        Ok(())
    }
}
