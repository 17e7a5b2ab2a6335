//! Embeds the template: its files, their executable bits, and which lines belong to which part.
//!
//! `cargo package` leaves out every directory that holds a `Cargo.toml`, and `template/` is a live
//! crate. So the package takes the template through links: each entry of `src/embedded` points at
//! one entry of `template/`, and none of the directories seen that way holds a manifest. A link
//! whose name ends in `.in` stands for the file without it: `Cargo.toml.in`, lest this directory
//! be taken for a package in turn, and `.gitignore.in`, lest git obey it here.

#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

#[path = "../src/parts/cuts.rs"]
mod cuts;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cuts::{Cut, When};
use walkdir::WalkDir;

const LINKS: &str = "src/embedded";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/parts/cuts.rs");
    println!("cargo::rerun-if-changed={LINKS}");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(LINKS);
    let mut table = String::from("&[\n");
    for entry in WalkDir::new(&root)
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
            let path = name(entry.path().strip_prefix(&root)?);
            let executable = executable(&entry.metadata()?);
            let bytes = entry.path().display().to_string();
            let cuts = cuts_of(&path, entry.path())?;
            writeln!(
                table,
                "Embedded {{ path: {path:?}, executable: {executable}, cuts: {cuts}, bytes: include_bytes!({bytes:?}) }},"
            )?;
        }
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("embedded.rs"), table)?;
    Ok(())
}

/// The parts of a Rust file, as a table in Rust; other files have none.
fn cuts_of(path: &str, file: &Path) -> Result<String, Box<dyn Error>> {
    if file.extension().is_none_or(|extension| extension != "rs") {
        return Ok("&[]".to_owned());
    }
    let cuts = cuts::of(path, &fs::read_to_string(file)?)?;
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
