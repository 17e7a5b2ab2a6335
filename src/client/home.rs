//! The service that calls: what it must have, and where a client stands in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::seal;
use crate::dirs::tilde;
use crate::error::{Error, Kind, Result};
use crate::process::{self, Limits};
use crate::swap::Undo;

const FORMAT: Limits = Limits {
    time: Duration::from_mins(1),
    bytes: 1 << 20,
};

/// Where clients are, below the service's directory.
const DIR: &str = "src/clients";

/// What makes up for a missing part.
const WITH_API: &str =
    "copy `src/api` from a service that has it: generate-service NAME --with api";

/// The text of a list of clients that has none.
const LIST: &str =
    "//! Clients of other services: `generate-service client SOURCE` writes them.\n\n";

/// A service that can take a client.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
}

/// A file that changes.
struct Edit {
    path: PathBuf,
    old: Option<String>,
    new: String,
}

impl Home {
    /// The service in `root`, if it is one that can call others.
    pub fn at(root: &Path) -> Result<Self> {
        let refused = |what: &str| Error::new(Kind::Usage, format!("`{}` {what}", tilde(root)));
        if !root.join("service.toml").is_file() {
            return Err(refused("is no service: it has no `service.toml`")
                .help("cd into the service that calls, or name it: --into SERVICE_DIR"));
        }
        if !root.join("src/api.rs").is_file() {
            return Err(refused("cannot call others: it has no part `api`").help(WITH_API));
        }
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// `text` in the service's own style, by its own toolchain.
    pub fn formatted(&self, text: &str) -> Result<String> {
        let failed = |what: &str| {
            Error::new(Kind::Tool, format!("`rustfmt` {what}")).help("rustup component add rustfmt")
        };
        let dir = tempfile::tempdir()
            .map_err(|error| Error::io("create a directory in", &std::env::temp_dir(), &error))?;
        let path = dir.path().join("client.rs");
        fs::write(&path, text).map_err(|error| Error::io("write", &path, &error))?;
        if process::find("rustfmt").is_none() {
            return Err(failed("is missing"));
        }
        let mut command = Command::new("rustfmt");
        command.args(["--edition", "2024"]).arg(&path);
        if let Some(style) = self.style() {
            command.arg("--config-path").arg(style);
        }
        command.current_dir(&self.root);
        let mut said = Vec::new();
        let outcome = process::run_within(FORMAT, &mut command, |line| said.push(line.to_owned()))?;
        if !outcome.success {
            return Err(failed(&format!("failed: {}", said.join(" "))));
        }
        fs::read_to_string(&path).map_err(|error| Error::io("read", &path, &error))
    }

    /// The file that says how the service wants its code, in the nearest directory.
    fn style(&self) -> Option<PathBuf> {
        let names = ["rustfmt.toml", ".rustfmt.toml"];
        let root = self.root.canonicalize().ok()?;
        let mut paths = root
            .ancestors()
            .flat_map(|dir| names.map(|name| dir.join(name)));
        paths.find(|path| path.is_file())
    }

    /// Puts the client `module` in its place and makes it known; returns its path and the names
    /// of the files that changed. They change in an order in which the service can be built
    /// after each.
    pub fn put(&self, module: &str, text: &str, force: bool) -> Result<(PathBuf, Vec<String>)> {
        let _lock = self.lock()?;
        let file = self.root.join(DIR).join(format!("{module}.rs"));
        let edits = [
            Self::client(&file, text, force)?,
            self.list(module)?,
            self.main()?,
        ];
        let edits: Vec<_> = edits.into_iter().flatten().collect();
        let dir = self.root.join(DIR);
        let was_there = dir.is_dir();
        fs::create_dir_all(&dir).map_err(|error| Error::io("create", &dir, &error))?;
        let mut undo = Undo::new(Kind::Destination);
        for edit in &edits {
            if let Err(error) = undo.swap(&edit.path, edit.old.as_deref(), &edit.new) {
                drop(undo);
                if !was_there {
                    // Empty again, unless somebody else was busy there.
                    let _ = fs::remove_dir(&dir);
                }
                return Err(error);
            }
        }
        undo.forget();
        let below = |edit: &Edit| {
            let path = edit.path.strip_prefix(&self.root);
            path.unwrap_or(&edit.path).display().to_string()
        };
        Ok((file, edits.iter().map(below).collect()))
    }

    /// Two runs in one service come one after the other.
    fn lock(&self) -> Result<File> {
        let failed = |error| Error::io("lock", &self.root, &error);
        let lock = File::open(&self.root).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(lock)
    }

    fn client(path: &Path, text: &str, force: bool) -> Result<Option<Edit>> {
        let old = read(path)?;
        if let Some(old) = &old
            && old != text
            && !force
            && !seal::is_whole(old)
        {
            let message = format!("`{}` was edited by hand", tilde(path));
            return Err(Error::new(Kind::Destination, message)
                .help("keep the edits elsewhere, then replace it: --force"));
        }
        Ok(edit(path, old, text.to_owned()))
    }

    /// The list of clients, `src/clients.rs` or in the older place.
    fn list(&self, module: &str) -> Result<Option<Edit>> {
        let older = self.root.join(DIR).join("mod.rs");
        let path = if older.is_file() {
            older
        } else {
            self.root.join(format!("{DIR}.rs"))
        };
        let old = read(&path)?;
        let new = with_module(old.as_deref().unwrap_or(LIST), module);
        Ok(edit(&path, old, new))
    }

    fn main(&self) -> Result<Option<Edit>> {
        let path = self.root.join("src/main.rs");
        let old = read(&path)?.unwrap_or_default();
        if modules(&old).all(|(_, name)| name != "api") {
            let message = format!("`{}` has no line `pub mod api;`", tilde(&path));
            return Err(Error::new(Kind::Usage, message).help(WITH_API));
        }
        let new = with_module(&old, "clients");
        Ok(edit(&path, Some(old), new))
    }
}

fn edit(path: &Path, old: Option<String>, new: String) -> Option<Edit> {
    let path = path.to_owned();
    (old.as_ref() != Some(&new)).then_some(Edit { path, old, new })
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// The lines that name modules: the number of the line, and the name.
fn modules(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let name = line.strip_prefix("mod ")?.trim_end().strip_suffix(';')?;
        Some((number, name.trim_start_matches("r#")))
    })
}

/// `text` with a line for `module`, where the alphabet wants it.
fn with_module(text: &str, module: &str) -> String {
    if modules(text).any(|(_, name)| name == module) {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let next = modules(text).find(|(_, name)| *name > module);
    let last = modules(text).last();
    let mut at = match (next, last) {
        (Some((number, _)), _) => number,
        (None, Some((number, _))) => number + 1,
        (None, None) => lines.len(),
    };
    // What stands directly above a module belongs to it.
    let belongs = |line: &&str| line.starts_with("#[") || line.starts_with("//");
    while next.is_some() && at > 0 && lines.get(at - 1).is_some_and(belongs) {
        at -= 1;
    }
    let (before, after) = lines.split_at(at);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = before.concat();
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        end
    };
    format!("{before}{gap}pub mod {module};{end}{}", after.concat())
}
