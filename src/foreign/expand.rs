//! Expands a template by cargo-generate, in the child.
//!
//! cargo-generate is called with every door shut: no configuration or environment of the user, no
//! repository, no workspace, no questions. What it still would take from the template itself, a
//! repository to found, is left out of the copy it works on.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cargo_generate::{GenerateArgs, TemplatePath, Vcs};
use toml_edit::DocumentMut;

use super::capture::Capture;
use super::check::{Checker, mention};
use super::inspect::uses;
use super::tree::{Tree, descend, join, text};
use super::{Expansion, Foreign, builtins, inspect, place, tell, wrong};
use crate::child::Product;
use crate::error::{Error, Kind, Result};
use crate::questions::Answers;
use crate::template::File;

/// Files a template may come to, and their bytes.
const FILES: usize = 200_000;
const BYTES: u64 = 512 << 20;

/// Expands the template among `files` in the private directory `house`.
pub fn expand(job: &Expansion, files: Vec<File>, house: &Path, walled: bool) -> Result<Product> {
    let foreign = inspect(&files, job.subfolder.as_deref())?;
    scripts_inside(&files, &foreign, walled || job.commands)?;
    let capture = Capture::of(&foreign, &job.answers);
    let tree = Tree::of(&files);
    let run = |dir: &str, capture: Option<&Capture>| {
        let dir = house.join(dir);
        Run {
            job,
            foreign: &foreign,
            files: &files,
            capture,
            dir,
        }
        .generate()
    };
    let made = match run("first", capture.as_ref())? {
        Err(text) if Capture::failed(&text) => run("second", None)?,
        made => made,
    };
    let own = builtins(
        &job.name,
        &job.author,
        job.within_cargo_project,
        foreign.is_init(),
    );
    let settled = foreign.settle(&job.answers, &own);
    let made = made.map_err(|text| {
        let (foreign, tree, given, settled) = (&foreign, &tree, &job.answers, &settled);
        tell::failure(
            &text,
            &tell::Context {
                foreign,
                tree,
                given,
                settled,
            },
        )
    })?;
    let mut files = collect(&made)?;
    let found = Capture::take_from(&mut files);
    let mut known = settled.known;
    known.extend(found.unwrap_or_default());
    let checker = Checker::new(&known, &settled.lists);
    let warnings = look(&foreign.dir, &tree, &mut files, &checker);
    known.retain(|name, _| !own.contains_key(name) || job.answers.contains_key(name));
    Ok(Product {
        files,
        answers: known,
        warnings,
        said: String::new(),
    })
}

/// One call of cargo-generate, in a directory of its own.
struct Run<'a> {
    job: &'a Expansion,
    foreign: &'a Foreign,
    files: &'a [File],
    capture: Option<&'a Capture>,
    dir: PathBuf,
}

impl Run<'_> {
    /// Where the project is, or what cargo-generate has to say.
    fn generate(&self) -> Result<std::result::Result<PathBuf, String>> {
        let io = |error: std::io::Error| Error::io("prepare", &self.dir, &error);
        self.prepare().map_err(io)?;
        let made = cargo_generate::generate(self.arguments());
        Ok(made.map_err(|error| format!("{error:#}")))
    }

    fn prepare(&self) -> std::io::Result<()> {
        let mut files = self.files.to_vec();
        if let Some(config) = &self.foreign.config {
            let liquid = format!("{config}.liquid");
            let named = |file: &&mut File| file.path == *config || file.path == liquid;
            files.iter_mut().filter(named).for_each(without_repository);
        }
        if let Some(capture) = self.capture {
            capture.add_to(&mut files);
        }
        write(&self.template(), &files)?;
        let project = self.out().join(&self.job.name);
        fs::create_dir_all(if self.foreign.is_init() {
            project
        } else {
            self.out()
        })?;
        if self.job.within_cargo_project {
            fs::write(self.out().join("Cargo.toml"), "")?;
        }
        fs::write(self.dir.join("config.toml"), "")?;
        fs::write(self.dir.join("values.toml"), values(&self.job.answers))
    }

    fn arguments(&self) -> GenerateArgs {
        let init = self.foreign.is_init();
        let dir = &self.foreign.dir;
        GenerateArgs {
            template_path: TemplatePath {
                path: Some(self.template().display().to_string()),
                // With a path, this is the directory in it.
                auto_path: (!dir.is_empty()).then(|| dir.clone()),
                ..TemplatePath::default()
            },
            name: Some(self.job.name.clone()),
            force: true,
            quiet: true,
            silent: true,
            template_values_file: Some(self.dir.join("values.toml").display().to_string()),
            config: Some(self.dir.join("config.toml")),
            vcs: Some(Vcs::None),
            // The default would make libraries.
            lib: false,
            bin: true,
            init,
            destination: Some(if init {
                self.out().join(&self.job.name)
            } else {
                self.out()
            }),
            allow_commands: self.job.commands,
            skip_submodules: true,
            no_workspace: true,
            ..GenerateArgs::default()
        }
    }

    fn template(&self) -> PathBuf {
        self.dir.join("template")
    }

    fn out(&self) -> PathBuf {
        self.dir.join("out")
    }
}

/// The template's word counts more than ours, and this build of cargo-generate has no git.
fn without_repository(config: &mut File) {
    let document = text(config).and_then(|text| text.parse::<DocumentMut>().ok());
    let Some(mut document) = document else { return };
    let template = document
        .get_mut("template")
        .and_then(|item| item.as_table_like_mut());
    if template
        .and_then(|template| template.remove("vcs"))
        .is_some()
    {
        config.bytes = Cow::Owned(document.to_string().into_bytes());
    }
}

/// All answers as texts, as `--define` would give them, of any number of lines.
fn values(answers: &Answers) -> String {
    let mut document = DocumentMut::new();
    document["values"] = toml_edit::table();
    for (name, answer) in answers {
        document["values"][name] = toml_edit::value(answer.to_string());
    }
    document.to_string()
}

fn write(dir: &Path, files: &[File]) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    for file in files {
        let path = dir.join(&file.path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(&path, &file.bytes)?;
        if file.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// Scripts that files run are removed afterwards, wherever they are: none may be elsewhere. Where
/// no wall stands, none may be named by anything but a plain text.
fn scripts_inside(files: &[File], foreign: &Foreign, walled: bool) -> Result<()> {
    for (path, file) in Tree::of(files).below(&foreign.dir) {
        let said = text(file).unwrap_or_default();
        for script in uses(said).into_iter().chain(uses(path)) {
            let inside = script.map_or(walled, |script| descend("", script).is_ok());
            if !inside {
                let named = script.map_or("a script it does not name".to_owned(), |script| {
                    format!("the script `{script}`, which is outside of the template")
                });
                let at = said.find(script.unwrap_or("rhai")).unwrap_or(0);
                let path = join(&foreign.dir, path);
                return Err(wrong(&path, said, at, &format!("this runs {named}")));
            }
        }
    }
    Ok(())
}

/// The files below `dir`, sorted by path.
fn collect(dir: &Path) -> Result<Vec<File>> {
    let mut found = (Vec::new(), 0);
    enter(dir, "", &mut found)?;
    let (mut files, _) = found;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn enter(dir: &Path, below: &str, found: &mut (Vec<File>, u64)) -> Result<()> {
    let io = |error: std::io::Error| Error::io("read", dir, &error);
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let refused = |what: &str| {
            let path = join(below, &name.to_string_lossy());
            Error::new(
                Kind::Template,
                format!("the template makes {what}: `{}`", path.escape_debug()),
            )
        };
        let path = name
            .to_str()
            .ok_or_else(|| refused("a file whose name is not UTF-8"))?;
        let path = join(below, path);
        check_path(&path)?;
        let meta = entry.path().symlink_metadata().map_err(io)?;
        if meta.is_dir() {
            enter(&entry.path(), &path, found)?;
            continue;
        }
        if !meta.is_file() {
            return Err(refused("what is neither file nor directory"));
        }
        found.1 += meta.len();
        if found.1 > BYTES || found.0.len() >= FILES {
            let limit = format!("more than {FILES} files or {} MiB", BYTES >> 20);
            return Err(Error::new(
                Kind::Template,
                format!("the template makes {limit}"),
            ));
        }
        found.0.push(File {
            executable: meta.permissions().mode() & 0o111 != 0,
            bytes: Cow::Owned(fs::read(entry.path()).map_err(io)?),
            path,
        });
    }
    Ok(())
}

/// Refuses a path that would be something else to git, to Windows or to a human.
fn check_path(path: &str) -> Result<()> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let device = ["con", "prn", "aux", "nul"].contains(&stem.as_str())
        || ["com", "lpt"].iter().any(|port| {
            stem.strip_prefix(port)
                .is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']))
        });
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let why = if name.eq_ignore_ascii_case(".git") {
        "belongs to git"
    } else if device {
        "is a device on Windows"
    } else if name.contains(hidden) {
        "has letters that cannot be seen"
    } else if name.contains(['\\', ':', '<', '>', '"', '|', '?', '*']) || name.ends_with(['.', ' '])
    {
        "cannot be the name of a file on Windows"
    } else {
        return Ok(());
    };
    let message = format!(
        "the template makes a file that nobody should have: `{}` {why}",
        path.escape_debug()
    );
    Err(Error::new(Kind::Template, message))
}

/// Mends the executable bits of what cargo-generate `made` of the directory `dir`, and tells what
/// else went wrong there without a word.
fn look(dir: &str, tree: &Tree, made: &mut [File], checker: &Checker) -> Vec<String> {
    if tree.is_cache(dir) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for (path, file) in tree.below(dir) {
        let Some(end) = rendered_path(checker, path).filter(|_| checker.renders(path)) else {
            continue;
        };
        let Ok(at) = made.binary_search_by(|made| made.path.cmp(&end)) else {
            continue;
        };
        if let Some(text) = text(file).filter(|text| is_liquid(text)) {
            warnings.extend(warn(checker, &join(dir, path), text));
        }
        if end != path && file.executable && !made[at].executable {
            made[at].executable = true;
            warnings.push(format!(
                "`{end}` stays executable, which `cargo generate` forgets of files with templated names"
            ));
        }
    }
    warnings
}

fn is_liquid(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// What the path of a file comes to; nothing if that cannot be told.
fn rendered_path(checker: &Checker, path: &str) -> Option<String> {
    if !is_liquid(path) {
        return Some(path.to_owned());
    }
    let parts = path.split('/').map(|part| checker.see(part).text);
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

fn warn(checker: &Checker, path: &str, text: &str) -> Vec<String> {
    let seen = checker.see(text);
    let at = |name: &str| {
        let (line, column) = place(text, mention(text, name));
        format!("template file {path}, line {line}, column {column}")
    };
    if let Some(failure) = seen.failure {
        let file = format!("template file {path}");
        return vec![format!(
            "{file} is copied as it stands, nothing in it is rendered: {failure}"
        )];
    }
    let unknown = seen.unknown.iter();
    let warnings = unknown.map(|name| {
        format!(
            "{}: nobody knows `{name}`, so nothing stands in its place",
            at(name)
        )
    });
    warnings.collect()
}
