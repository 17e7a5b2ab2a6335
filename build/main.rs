//! Embeds the template, today's and every released one: files, their executable bits, and which
//! lines belong to which part.
//!
//! `cargo package` leaves out every directory that holds a `Cargo.toml`, and `template/` is a live
//! crate. So the package takes the template through links: each entry of `src/embedded` points at
//! one entry of `template/`, and none of the directories seen that way holds a manifest. A link
//! whose name ends in `.in` stands for the file without it: `Cargo.toml.in`, lest this directory
//! be taken for a package in turn, and `.gitignore.in`, lest git obey it here. Of `.template` only
//! the CHANGELOG is linked: golden trees are for the template's authors.
//!
//! A release is one file of `src/history` and costs the program only what differs: each text is
//! embedded once, whichever versions have it.

#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

#[path = "../src/parts/cuts.rs"]
mod cuts;
mod history;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cuts::{Cut, When};
use walkdir::WalkDir;

const LINKS: &str = "src/embedded";
const HISTORY: &str = "src/history";

/// A file of a template.
struct File {
    path: String,
    executable: bool,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/parts/cuts.rs");
    println!("cargo::rerun-if-changed={LINKS}");
    println!("cargo::rerun-if-changed={HISTORY}");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut blobs = Blobs::new(&PathBuf::from(env::var("OUT_DIR")?))?;
    let today = today(&root.join(LINKS))?;
    let version = version(&today)?;
    let today = blobs.table(&today)?;
    let mut releases = String::new();
    for release in history::read(&root.join(HISTORY))? {
        let (version, table) = (&release.version, blobs.table(&release.files)?);
        writeln!(releases, "({version:?}, {table}),")?;
    }
    let statics = format!(
        "const PRESENT: &str = {version:?};\n\
         static TODAY: &[Embedded] = {today};\n\
         static RELEASES: &[(&str, &[Embedded])] = &[\n{releases}];\n"
    );
    fs::write(blobs.dir.join("embedded.rs"), blobs.statics + &statics)?;
    Ok(())
}

/// The files that the links lead to.
fn today(root: &Path) -> Result<Vec<File>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root)
        .follow_links(true)
        .min_depth(1)
        .sort_by_file_name()
    {
        let entry = entry?;
        // Directories too: an added file is a change of its directory.
        println!(
            "cargo::rerun-if-changed={}",
            fs::canonicalize(entry.path())?.display()
        );
        if entry.file_type().is_file() {
            files.push(File {
                path: name(entry.path().strip_prefix(root)?),
                executable: executable(&entry.metadata()?),
                bytes: fs::read(entry.path())?,
            });
        }
    }
    Ok(files)
}

/// The version the template says it has.
fn version(files: &[File]) -> Result<String, Box<dyn Error>> {
    let file = files.iter().find(|file| file.path == "template.toml");
    let text = std::str::from_utf8(&file.ok_or("there is no template.toml")?.bytes)?;
    let manifest = text.parse::<toml_edit::DocumentMut>()?;
    let version = manifest.get("template").and_then(|it| it.get("version"));
    let version = version.and_then(toml_edit::Item::as_str);
    Ok(version.ok_or("the template has no version")?.to_owned())
}

/// What the files say, each text once.
struct Blobs {
    /// Where they are written, since a release has no files of its own.
    dir: PathBuf,
    /// Their numbers.
    known: BTreeMap<Vec<u8>, usize>,
    /// Their statics in Rust.
    statics: String,
}

impl Blobs {
    fn new(out: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(out.join("blobs"))?;
        Ok(Self {
            dir: out.to_owned(),
            known: BTreeMap::new(),
            statics: String::new(),
        })
    }

    /// The name of the static that holds `bytes`.
    fn name(&mut self, bytes: &[u8]) -> Result<String, Box<dyn Error>> {
        if let Some(number) = self.known.get(bytes) {
            return Ok(format!("BLOB_{number}"));
        }
        let number = self.known.len();
        let file = self.dir.join("blobs").join(number.to_string());
        fs::write(&file, bytes)?;
        let file = file.display().to_string();
        writeln!(
            self.statics,
            "static BLOB_{number}: &[u8] = include_bytes!({file:?});"
        )?;
        self.known.insert(bytes.to_owned(), number);
        Ok(format!("BLOB_{number}"))
    }

    /// The files of a template, as a table in Rust.
    fn table(&mut self, files: &[File]) -> Result<String, Box<dyn Error>> {
        let mut table = String::from("&[\n");
        for file in files {
            let File {
                path,
                executable,
                bytes,
            } = file;
            let cuts = cuts_of(path, bytes)?;
            let blob = self.name(bytes)?;
            writeln!(
                table,
                "Embedded {{ path: {path:?}, executable: {executable}, cuts: {cuts}, bytes: {blob} }},"
            )?;
        }
        table.push(']');
        Ok(table)
    }
}

/// The parts of a Rust file, as a table in Rust; other files have none.
fn cuts_of(path: &str, bytes: &[u8]) -> Result<String, Box<dyn Error>> {
    if path.strip_suffix(".rs").is_none() {
        return Ok("&[]".to_owned());
    }
    let cuts = cuts::of(path, std::str::from_utf8(bytes)?)?;
    let rows = cuts.iter().map(|cut| {
        let Cut {
            lines,
            attribute,
            when,
            module,
        } = cut;
        let when = condition(when);
        let module = format!("std::borrow::Cow::Borrowed({module:?})");
        format!(
            "crate::parts::Cut {{ lines: {lines:?}, attribute: {attribute:?}, when: {when}, module: {module} }}"
        )
    });
    Ok(format!("&[{}]", rows.collect::<Vec<_>>().join(", ")))
}

/// A condition, as an expression in Rust.
fn condition(when: &When) -> String {
    let list = |kind: &str, inner: &[When]| {
        let inner = inner.iter().map(condition).collect::<Vec<_>>().join(", ");
        format!("crate::parts::When::{kind}(std::borrow::Cow::Borrowed(&[{inner}]))")
    };
    match when {
        When::Part(name) => {
            format!("crate::parts::When::Part(std::borrow::Cow::Borrowed({name:?}))")
        }
        When::Any(inner) => list("Any", inner),
        When::All(inner) => list("All", inner),
        When::None(inner) => list("None", inner),
    }
}

/// The path in the template.
fn name(path: &Path) -> String {
    let path = path.display().to_string();
    match path.strip_suffix(".in") {
        Some(stem) if !path.contains('/') => stem.to_owned(),
        _ => path,
    }
}

fn executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}
