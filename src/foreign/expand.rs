//! Expands a template by cargo-generate, in the child.
//!
//! cargo-generate is called with every door shut: no configuration or environment of the user, no
//! repository, no workspace, no questions. What it still would take from the template itself, a
//! repository to found, is left out of the copy it works on.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cargo_generate::{GenerateArgs, TemplatePath, Vcs};
use toml_edit::DocumentMut;

use super::aside::Parted;
use super::capture::Capture;
use super::check::Checker;
use super::collect::collect;
use super::inspect::uses;
use super::look::look;
use super::tree::{Tree, is_inside, join, text};
use super::{Expansion, Foreign, builtins, inspect, tell, wrong};
use crate::child::Product;
use crate::error::{Error, Kind, Result};
use crate::questions::{Answer, Answers};
use crate::source::limits::check_path;
use crate::template::File;

/// Expands the template among `files` in the private directory `house`.
pub fn expand(job: &Expansion, files: &[File], house: &Path, walled: bool) -> Result<Product> {
    let foreign = inspect(files, job.subfolder.as_deref())?;
    scripts_inside(files, &foreign, walled || job.commands)?;
    let tree = Tree::of(files);
    let own = builtins(
        &job.name,
        &job.author,
        job.within_cargo_project,
        foreign.is_init(),
    );
    let settled = foreign.settle(&job.answers, &own);
    let ignored = settled.lists.ignore.as_deref().unwrap_or_default();
    let before = Checker::new(&settled.known, &settled.lists);
    let parted = Parted::of(files, &foreign, ignored, &before);
    let run = Run {
        job,
        foreign: &foreign,
        files: &parted.rendered,
        capture: Capture::of(&foreign, &job.answers),
        dir: house.join("first"),
    };
    let made = run.with_a_second_try()?;
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
    let mut files = with_plain(collect(&made)?, parted.plain)?;
    let mut answers = settled.known;
    let found = Capture::take_from(&mut files).unwrap_or_default();
    let found = own_answers(found, &answers, &foreign);
    answers.extend(found);
    let checker = Checker::new(&answers, &settled.lists);
    let warnings = look(&foreign.dir, &tree, &mut files, &checker);
    answers.retain(|name, _| !own.contains_key(name) || job.answers.contains_key(name));
    Ok(Product {
        files,
        answers,
        warnings,
        said: String::new(),
    })
}

/// All files together, if they can be.
fn with_plain(mut files: Vec<File>, plain: Vec<File>) -> Result<Vec<File>> {
    for file in &plain {
        check_path(&file.path)?;
    }
    files.extend(plain);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut paths = HashSet::new();
    let twice = files.iter().find(|file| !paths.insert(file.path.as_str()));
    let above = |path: &str| {
        path.match_indices('/')
            .any(|(at, _)| paths.contains(&path[..at]))
    };
    let odd = twice.or_else(|| files.iter().find(|file| above(&file.path)));
    if let Some(file) = odd {
        let message = format!("the template makes `{}` twice, or below a file", file.path);
        return Err(Error::new(Kind::Template, message));
    }
    Ok(files)
}

/// What of the variables `found` are answers: cargo-generate makes those empty that nobody knows.
fn own_answers(found: Answers, known: &Answers, foreign: &Foreign) -> Answers {
    let named = |name: &str| {
        let quoted = format!("\"{name}\"");
        foreign.hooks.iter().any(|hook| hook.text.contains(&quoted))
    };
    let nothing = Answer::Text(String::new());
    let found = found.into_iter();
    found
        .filter(|(name, answer)| *answer != nothing || known.contains_key(name) || named(name))
        .collect()
}

/// One call of cargo-generate, in a directory of its own.
struct Run<'a> {
    job: &'a Expansion,
    foreign: &'a Foreign,
    files: &'a [&'a File],
    capture: Option<Capture>,
    dir: PathBuf,
}

impl Run<'_> {
    /// As `generate`; where our own hook is in the way of the template, once more without it.
    fn with_a_second_try(self) -> Result<std::result::Result<PathBuf, String>> {
        match self.generate()? {
            Err(text) if Capture::failed(&text) => Self {
                capture: None,
                dir: self.dir.with_file_name("second"),
                ..self
            }
            .generate(),
            made => Ok(made),
        }
    }

    /// Where the project is, or what cargo-generate has to say.
    fn generate(&self) -> Result<std::result::Result<PathBuf, String>> {
        let io = |error: std::io::Error| Error::io("prepare", &self.dir, &error);
        self.prepare().map_err(io)?;
        let made = cargo_generate::generate(self.arguments());
        Ok(made.map_err(|error| format!("{error:#}")))
    }

    fn prepare(&self) -> std::io::Result<()> {
        let config = self.foreign.config.as_deref().unwrap_or_default();
        let liquid = format!("{config}.liquid");
        let is_config = |file: &&&File| file.path == config || file.path == liquid;
        let mut changed = self
            .files
            .iter()
            .filter(is_config)
            .map(|file| (*file).clone())
            .collect();
        without_repository(&mut changed);
        if let Some(capture) = &self.capture {
            capture.add_to(&mut changed);
        }
        fs::create_dir_all(self.template().join(&self.foreign.dir))?;
        write(&self.template(), self.files)?;
        write(&self.template(), &changed.iter().collect::<Vec<_>>())?;
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
fn without_repository(configs: &mut Vec<File>) {
    for config in configs {
        let document = text(config).and_then(|text| text.parse::<DocumentMut>().ok());
        let Some(mut document) = document else {
            continue;
        };
        let template = document.get_mut("template");
        let template = template.and_then(|template| template.as_table_like_mut());
        if template
            .and_then(|template| template.remove("vcs"))
            .is_some()
        {
            config.bytes = Cow::Owned(document.to_string().into_bytes());
        }
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

fn write(dir: &Path, files: &[&File]) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    for file in files {
        if !is_inside("", &file.path) {
            return Err(std::io::Error::other(format!(
                "`{}` is outside of it",
                file.path
            )));
        }
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
            let inside = script.map_or(walled, |script| is_inside("", script));
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
