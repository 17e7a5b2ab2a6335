//! What is there before anything is decided: looked at, never touched.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::answers;
use crate::error::{Error, Kind, Result, plain};
use crate::foreign;
use crate::parts;
use crate::ports::{self, Offer};
use crate::questions::Answers;
use crate::render::{self, Rendered, Request};
use crate::repo::{self, Surrounding};
use crate::settings::Settings;
use crate::template::{Shape, Template};
use crate::trust;
use crate::workspace::{self, Workspace};
use crate::{plan, process};

/// The facts a plan is made of.
#[derive(Debug)]
pub struct World {
    /// The directory the service's directory will be created in: absolute, without links.
    pub parent: PathBuf,
    /// What stands in the way there.
    pub obstacles: Vec<Obstacle>,
    /// The repository around the destination.
    pub repository: Option<Surrounding>,
    /// The branch a new repository would start on.
    pub branch: String,
    /// The workspace the service would join.
    pub workspace: Option<Workspace>,
    /// The port that is free now, or who has the one that was wished for.
    pub port: Result<Offer>,
    /// What was answered to the questions of the template.
    pub answers: Result<Answers>,
    /// What came of a template that is not the embedded one, if everything it needs is there.
    pub rendered: Result<Option<Rendered>>,
    /// What the template would run that nobody has agreed to.
    pub consent: Result<()>,
    /// Whether cargo is on PATH.
    pub has_cargo: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Why nothing can be created at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A directory that holds something.
    Occupied(PathBuf),
    /// A file, a socket, …
    NotADirectory(PathBuf),
    /// A symbolic link.
    Link(PathBuf),
    /// The directory above is not there.
    ParentMissing(PathBuf),
    /// The directory above takes no entries.
    ParentUnusable(PathBuf, String),
    /// Longer than what the system takes, in bytes.
    TooLong(PathBuf, usize),
}

/// Linux's `PATH_MAX` less what cargo and git put below a service's directory.
const LONGEST_PATH: usize = 4096 - 512;

impl World {
    /// Looks at everything the settings point to; a template of others is not rendered yet. `cwd`
    /// is absolute.
    pub fn look(settings: &Settings, cwd: &Path, template: &Template) -> Result<Self> {
        let asked = settings.into.clone().unwrap_or_else(|| cwd.to_owned());
        let (parent, mut obstacles) = match fs::canonicalize(&asked) {
            Ok(parent) => (parent, Vec::new()),
            Err(error) => (asked.clone(), vec![unreachable_parent(asked, &error)]),
        };
        let given = settings.name.as_deref().filter(|name| is_plain(name));
        let destination = parent.join(given.unwrap_or("service"));
        let answers = answers(settings, &parent, template);
        let mut world = Self {
            parent,
            obstacles: Vec::new(),
            repository: None,
            branch: repo::default_branch()?,
            workspace: None,
            port: Err(Error::new(Kind::Port, "no port was looked for")),
            answers,
            rendered: Ok(None),
            consent: consent(settings, template),
            has_cargo: process::find("cargo").is_some(),
            warnings: Vec::new(),
        };
        if obstacles.is_empty() && given.is_some() {
            obstacles.extend(obstacle(&world.parent, &destination));
            world.look_around(settings, &destination)?;
        }
        world.obstacles = obstacles;
        // A bad name does not keep us from saying what is wrong with the port.
        let name = plan::name(settings, &world, template);
        let name = name.map_or_else(|_| "service".to_owned(), |name| name.to_string());
        (world.port, world.warnings) = ports::look(settings, &name, &destination);
        Ok(world)
    }

    /// The files of a template that is not the embedded one: somebody else's code makes them, so
    /// that they are found and not decided. Nothing, if something else is missing that the plan
    /// will name.
    pub fn render(&self, settings: &Settings, template: &Template) -> Result<Option<Rendered>> {
        let (Ok(name), Ok(port)) = (plan::name(settings, self, template), &self.port) else {
            return Ok(None);
        };
        let chosen = parts::choose(&template.parts, &settings.with, &settings.without);
        let (Ok(answers), Ok(parts), Ok(())) = (&self.answers, chosen, &self.consent) else {
            return Ok(None);
        };
        if template.is_embedded() || !settings.wrong.is_empty() {
            return Ok(None);
        }
        let description = plan::description(settings, &name);
        let request = Request {
            name: &name,
            description: &description,
            port: port.number,
            parts: &parts,
            answers,
            beside: settings.given.beside(template.questions()),
            destination: &self.parent.join(name.as_str()),
            human: settings.human,
            author: None,
        };
        render::others(template, &request).map(Some)
    }

    fn look_around(&mut self, settings: &Settings, destination: &Path) -> Result<()> {
        if settings.flags.git {
            self.repository = repo::surrounding(destination)?;
        }
        if settings.flags.workspace {
            self.workspace = workspace::find(destination)?;
        }
        Ok(())
    }
}

/// What the questions of a template may depend on, whatever else is wrong. `parent` is where the
/// service's directory will be.
pub fn ground(settings: &Settings, parent: &Path, template: &Template) -> Result<Value> {
    let name = settings.name.clone();
    let name = name.unwrap_or_else(|| "my-service".to_owned());
    if let Shape::Foreign(foreign) = &template.shape {
        let within = render::is_within_cargo_project(&parent.join("service"));
        let known = foreign::builtins(&name, &repo::author(parent)?, within, foreign.is_init());
        return Ok(serde_json::to_value(known).unwrap_or_default());
    }
    let description = settings.description.clone();
    let description = description.unwrap_or_else(|| plan::describe(&name));
    let chosen = parts::choose(&template.parts, &settings.with, &settings.without);
    let chosen = chosen.unwrap_or_default();
    Ok(render::ground(template, &name, &description, &chosen))
}

fn answers(settings: &Settings, parent: &Path, template: &Template) -> Result<Answers> {
    let ground = ground(settings, parent, template)?;
    let ground = render::ground_of(template, &ground);
    answers::settle(template.questions(), &settings.given, ground)
}

/// A dry run builds nothing, and runs no hooks but those that decide what there is.
fn consent(settings: &Settings, template: &Template) -> Result<()> {
    let open = trust::open(template, settings, trust::items(template, settings))?;
    if open.is_empty() {
        return Ok(());
    }
    Err(trust::refusal(template, &open))
}

/// Whether a name is one part of a path at all: what else it must be is for its parser to say.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

fn unreachable_parent(path: PathBuf, error: &std::io::Error) -> Obstacle {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Obstacle::ParentMissing(path);
    }
    Obstacle::ParentUnusable(path, plain(error))
}

fn obstacle(parent: &Path, destination: &Path) -> Option<Obstacle> {
    let bytes = destination.as_os_str().len();
    if bytes > LONGEST_PATH {
        return Some(Obstacle::TooLong(destination.to_owned(), bytes));
    }
    if parent.to_str().is_none() {
        let why = "its path is not valid UTF-8, and cargo builds nowhere else";
        return Some(Obstacle::ParentUnusable(parent.to_owned(), why.to_owned()));
    }
    if let Some(why) = unwritable(parent) {
        return Some(Obstacle::ParentUnusable(parent.to_owned(), why));
    }
    let Ok(meta) = destination.symlink_metadata() else {
        return None;
    };
    let path = destination.to_owned();
    if meta.is_symlink() {
        Some(Obstacle::Link(path))
    } else if !meta.is_dir() {
        Some(Obstacle::NotADirectory(path))
    } else if fs::read_dir(destination).is_ok_and(|mut entries| entries.next().is_none()) {
        None
    } else {
        Some(Obstacle::Occupied(path))
    }
}

/// Asks the system, which knows of read-only mounts and access lists.
fn unwritable(dir: &Path) -> Option<String> {
    if !dir.is_dir() {
        return Some("it is not a directory".to_owned());
    }
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let refusal = rustix::fs::access(dir, access).err()?;
    Some(plain(&refusal.into()))
}
