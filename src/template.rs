//! The template: the embedded tree, or one read from a directory, and what it says of itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::Document;

use crate::error::{Error, Kind, Result};
use crate::parts::{self, Cut, Part};

/// A template as a list of files in memory.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name, from `[template]` of its `service.toml`.
    pub name: String,
    /// Its version, from the same place.
    pub version: String,
    /// Its files, sorted by path.
    pub files: Vec<File>,
    /// The parts a service can have or not.
    pub parts: Vec<Part>,
    /// Which lines of its Rust files belong to which parts.
    pub cuts: BTreeMap<&'static str, &'static [Cut]>,
}

/// One file, of a template or of a rendered tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// Whether it can be run.
    pub executable: bool,
    /// What it says.
    pub bytes: Cow<'static, [u8]>,
}

/// A file as `build/main.rs` embeds it.
struct Embedded {
    path: &'static str,
    executable: bool,
    cuts: &'static [Cut],
    bytes: &'static [u8],
}

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl Template {
    /// The template this program carries.
    ///
    /// # Panics
    /// Never in a program that was built: a test reads the record of the embedded tree.
    #[must_use]
    pub fn embedded() -> Self {
        let files = EMBEDDED.iter().map(|file| File {
            path: file.path.to_owned(),
            executable: file.executable,
            bytes: Cow::Borrowed(file.bytes),
        });
        let mut template = Self::of(files.collect()).expect("the embedded template has a record");
        let cuts = EMBEDDED.iter().filter(|file| !file.cuts.is_empty());
        template.cuts = cuts.map(|file| (file.path, file.cuts)).collect();
        template
    }

    /// The template in `dir`, whatever lies there: a template's own `.gitignore` speaks to the
    /// services made from it.
    pub fn read(dir: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(dir).min_depth(1).sort_by_file_name() {
            let entry = entry.map_err(|error| unreadable(dir, &error.to_string()))?;
            if entry.file_type().is_file() {
                files.push(read_file(dir, entry.path())?);
            }
        }
        Self::of(files)
    }

    /// The file at `path`, as text.
    pub fn text(&self, path: &str) -> Result<&str> {
        text(&self.files, path)
    }

    /// The crates the rendered manifest depends on directly: normal, dev and build.
    pub fn dependencies(&self) -> Result<Vec<String>> {
        let manifest = parse("Cargo.toml", self.text("Cargo.toml")?)?;
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = tables
            .iter()
            .filter_map(|name| manifest.get(name)?.as_table_like());
        Ok(tables
            .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()))
            .collect())
    }

    fn of(mut files: Vec<File>) -> Result<Self> {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let record = parse("service.toml", text(&files, "service.toml")?)?;
        let field = |name: &str| {
            let value = record
                .get("template")
                .and_then(|table| table.get(name)?.as_str());
            let message = format!("service.toml: `template.{name}` is missing");
            value
                .map(str::to_owned)
                .ok_or_else(|| Error::new(Kind::Template, message))
        };
        Ok(Self {
            name: field("name")?,
            version: field("version")?,
            parts: text(&files, parts::LIST).map_or(Ok(Vec::new()), parts::list)?,
            cuts: BTreeMap::new(),
            files,
        })
    }
}

/// The text of the file at `path` among `files`.
fn text<'a>(files: &'a [File], path: &str) -> Result<&'a str> {
    let wrong = |what: &str| Error::new(Kind::Template, format!("the template's {path} {what}"));
    let file = files
        .binary_search_by(|file| file.path.as_str().cmp(path))
        .map_err(|_| wrong("is missing"))?;
    std::str::from_utf8(&files[file].bytes).map_err(|_| wrong("is not valid UTF-8"))
}

/// `text` as TOML.
pub fn parse(path: &str, text: &str) -> Result<Document<String>> {
    Document::parse(text.to_owned()).map_err(|error| {
        let message = error.message().replace('\n', ", ");
        Error::new(Kind::Template, format!("the template's {path}: {message}"))
    })
}

fn read_file(dir: &Path, path: &Path) -> Result<File> {
    let relative = path.strip_prefix(dir).unwrap_or(path);
    let name = relative
        .to_str()
        .ok_or_else(|| unreadable(path, "its name is not UTF-8"))?;
    let io = |error: std::io::Error| Error::io("read", path, &error);
    Ok(File {
        path: name.to_owned(),
        executable: executable(&path.metadata().map_err(io)?),
        bytes: Cow::Owned(std::fs::read(path).map_err(io)?),
    })
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(
        Kind::Template,
        format!("cannot read the template {}: {why}", path.display()),
    )
}

fn executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}
