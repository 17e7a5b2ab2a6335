//! Every decision, before anything is written.
//!
//! `World` is what was found, `Settings` is what was asked; `Plan::fresh` brings them together
//! without any I/O and refuses whatever has to be refused, all at once. Printing a plan *is* the
//! dry run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cache::Bounds;
use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};
use crate::fill;
use crate::name::{Neighbours, ServiceName};
use crate::parts::{self, Chosen};
use crate::ports::Offer;
use crate::questions::Answers;
use crate::render::{self, Rendered, Request};
use crate::repo::{self, Surrounding};
use crate::report::Step;
use crate::settings::{Build, Settings};
use crate::stamp;
use crate::template::{self, File, Origin, Shape, Template};
use crate::workspace::Workspace;
use crate::world::{Obstacle, World};

/// A run, decided.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one decision")]
pub struct Plan {
    /// The name, from which package, crate, binary and variables derive.
    pub name: ServiceName,
    /// One line that says what the service is for.
    pub description: String,
    /// Where the service will be: absolute, without links.
    pub destination: PathBuf,
    /// Its HTTP port.
    pub port: u16,
    /// Name and version of the template.
    pub template: (String, String),
    /// Where the template comes from, unless it is the embedded one.
    pub origin: Option<Origin>,
    /// What was answered to its questions, secrets aside.
    pub answers: Answers,
    /// Commands of the template that run in the new service.
    pub hooks: Vec<Vec<String>>,
    /// The rendered tree, sorted by path.
    pub files: Vec<File>,
    /// The id git gives to that tree.
    pub tree: String,
    /// The parts it has, in the order of their names.
    pub parts: Vec<String>,
    /// Whether those are the ones it has if nobody chooses.
    pub usual_parts: bool,
    /// What becomes of it in Git.
    pub git: Git,
    /// The workspace it joins.
    pub workspace: Option<Workspace>,
    /// How far cargo goes.
    pub build: Build,
    /// Whether cargo may still change the lock file.
    pub settles_lock: bool,
    /// How much is kept of what it compiles, if anything is shared with other services.
    pub cache: Option<Bounds>,
    /// Whether cargo may use the network.
    pub offline: bool,
    /// What a failed run does with what it made.
    pub keep_on_failure: bool,
    /// What the user should know, though it stops nothing.
    pub warnings: Vec<String>,
    /// What scripts of the template said while it was rendered.
    pub said: Vec<String>,
}

/// What becomes of the service in Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Git {
    /// Nothing: `--no-git`.
    Without,
    /// A repository of its own, with one commit on this branch.
    Own {
        /// The branch's name.
        branch: String,
    },
    /// It stands in this repository, and nothing is committed.
    Inside(Surrounding),
    /// It is committed in this repository.
    CommitInside(Surrounding),
}

impl Plan {
    /// Decides, or says everything that stands against it.
    pub fn fresh(settings: &Settings, world: &World, template: &Template) -> Result<Self> {
        let Agreed {
            name,
            port,
            chosen,
            answers,
            rendered,
        } = Agreed::of(settings, world, template)?;
        let description = description(settings, &name);
        let request = Request {
            name: &name,
            description: &description,
            port: port.number,
            parts: &chosen,
            answers: &answers,
            beside: BTreeMap::new(),
            destination: &world.parent.join(name.as_str()),
            human: false,
            author: None,
        };
        let rendered = rendered.map_or_else(|| render::embedded(template, &request), Ok)?;
        let stamped = stamp::stamp(rendered, template, &request, world.workspace.is_some())?;
        unlike_dependencies(&name, &stamped.files)?;
        let warnings = world.warnings.iter().cloned().chain(port.caution);
        let origin = template.origin.clone();
        let left_out = origin.iter().flat_map(|origin| origin.warnings.clone());
        Ok(Self {
            destination: world.parent.join(name.as_str()),
            port: port.number,
            template: (template.name.clone(), template.version.clone()),
            tree: repo::tree_id(stamped.files.iter())?,
            hooks: hooks(template, &request)?,
            files: stamped.files,
            answers: stamped.answers,
            usual_parts: chosen == parts::usual(&template.parts),
            git: git(settings, world),
            workspace: world.workspace.clone().filter(|_| !stamped.is_root),
            build: settings.build,
            settles_lock: origin.is_some(),
            // What others' builds make is nothing to lend to a service of somebody else.
            cache: (settings.flags.cache && template.is_embedded()).then_some(settings.bounds),
            offline: settings.flags.offline,
            keep_on_failure: settings.flags.keep_on_failure,
            warnings: warnings.chain(left_out).chain(stamped.warnings).collect(),
            said: stamped.said,
            parts: chosen.into_iter().collect(),
            origin,
            name,
            description,
        })
    }

    /// A service in `parent` that nobody keeps: what it compiles is what one with the chosen parts
    /// compiles.
    pub fn throwaway(settings: &Settings, parent: PathBuf, template: &Template) -> Result<Self> {
        let mut unasked = settings.clone();
        unasked.name = Some("any-service".to_owned());
        let world = World {
            parent,
            obstacles: Vec::new(),
            repository: None,
            branch: String::new(),
            workspace: None,
            port: Ok(Offer::of(*settings.port_range.start())),
            answers: Ok(Answers::new()),
            rendered: Ok(None),
            consent: Ok(()),
            has_cargo: true,
            warnings: Vec::new(),
        };
        let plan = Self::fresh(&unasked, &world, template)?;
        Ok(Self {
            git: Git::Without,
            ..plan
        })
    }

    /// What the first commit says.
    #[must_use]
    pub fn message(&self) -> String {
        let (template, version) = &self.template;
        let version = match version.as_str() {
            "" => String::new(),
            version => format!(" {version}"),
        };
        let by = env!("CARGO_PKG_VERSION");
        format!(
            "Generate {}\n\nTemplate {template}{version}, HTTP port {}, by generate-service {by}.\n",
            self.name, self.port
        )
    }

    /// Files outside the destination that change, and how.
    #[must_use]
    pub fn edits(&self) -> Vec<(PathBuf, String)> {
        let Some(workspace) = &self.workspace else {
            return Vec::new();
        };
        let Some(edited) = &workspace.edited else {
            return Vec::new();
        };
        vec![(
            workspace.root.join("Cargo.toml"),
            difference(&workspace.manifest, edited),
        )]
    }

    /// What happens, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Generate];
        if !self.hooks.is_empty() {
            steps.push(Step::Hooks);
        }
        if self.build != Build::None {
            steps.push(Step::Fetch);
        }
        if matches!(self.git, Git::Own { .. }) {
            // What others' templates leave to cargo and to hooks belongs to the first commit.
            let at = if self.origin.is_none() {
                1
            } else {
                steps.len()
            };
            steps.insert(at, Step::Git);
        }
        if self.build != Build::None {
            steps.push(Step::Build);
        }
        if self.build == Build::Test {
            steps.push(Step::Test);
        }
        steps
    }
}

/// What a plan is made of, when nothing stands against it.
struct Agreed {
    name: ServiceName,
    port: Offer,
    chosen: Chosen,
    answers: Answers,
    rendered: Option<Rendered>,
}

impl Agreed {
    fn of(settings: &Settings, world: &World, template: &Template) -> Result<Self> {
        let mut wrong = settings.wrong.clone();
        let mut note = |error: Error| wrong.push(error);
        let name = name(settings, world, template).map_err(&mut note).ok();
        let port = world.port.clone().map_err(&mut note).ok();
        let chosen = parts::choose(&template.parts, &settings.with, &settings.without);
        let chosen = chosen.map_err(&mut note).unwrap_or_default();
        let answers = world.answers.clone().map_err(&mut note).unwrap_or_default();
        let rendered = world
            .rendered
            .clone()
            .map_err(&mut note)
            .unwrap_or_default();
        if let Err(error) = &world.consent {
            note(error.clone());
        }
        for obstacle in &world.obstacles {
            note(obstacle.refusal());
        }
        if settings.build != Build::None && !world.has_cargo {
            note(no_cargo());
        }
        Error::all(wrong)?;
        let (Some(name), Some(port)) = (name, port) else {
            unreachable!("a missing answer is among the errors")
        };
        Ok(Self {
            name,
            port,
            chosen,
            answers,
            rendered,
        })
    }
}

/// The lines that go and those that come, for texts that differ in one place.
fn difference(old: &str, new: &str) -> String {
    let (old, new) = (
        old.lines().collect::<Vec<_>>(),
        new.lines().collect::<Vec<_>>(),
    );
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let head = same(&mut old.iter().zip(&new));
    let tail = same(&mut old[head..].iter().rev().zip(new[head..].iter().rev()));
    let gone = old[head..old.len() - tail]
        .iter()
        .map(|line| format!("- {line}\n"));
    let come = new[head..new.len() - tail]
        .iter()
        .map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

/// The one parser, with the names that are taken where the service will live.
pub fn name(settings: &Settings, world: &World, template: &Template) -> Result<ServiceName> {
    let Some(given) = &settings.name else {
        return Err(Error::new(Kind::Usage, "the service's name is missing")
            .help("generate-service my-service"));
    };
    let dependencies = template.dependencies()?;
    let members = world
        .workspace
        .as_ref()
        .map_or(&[][..], |workspace| &workspace.members);
    Ok(ServiceName::parse(
        given,
        Neighbours {
            dependencies: &dependencies,
            members,
        },
    )?)
}

/// The description of whoever gives none.
#[must_use]
pub fn describe(name: &str) -> String {
    format!("The {name} service")
}

/// The description: the one that was given, or the usual one.
#[must_use]
pub fn description(settings: &Settings, name: &ServiceName) -> String {
    let given = settings.description.clone();
    given.unwrap_or_else(|| describe(name.as_str()))
}

/// A manifest that had to be rendered first may have a dependency of the service's name.
fn unlike_dependencies(name: &ServiceName, files: &[File]) -> Result<()> {
    let dependencies = template::dependencies(files).unwrap_or_default();
    let beside = Neighbours {
        dependencies: &dependencies,
        members: &[],
    };
    ServiceName::parse(name.as_str(), beside)?;
    Ok(())
}

/// The commands of a native template that run, with what was answered.
fn hooks(template: &Template, request: &Request) -> Result<Vec<Vec<String>>> {
    let Shape::Native(manifest) = &template.shape else {
        return Ok(Vec::new());
    };
    let values = render::values(template, request).json();
    let mut hooks = Vec::new();
    for hook in &manifest.hooks {
        let when = hook.when.as_deref();
        let runs = when.map_or(Ok(true), |when| fill::holds(when, &values));
        let runs = runs.map_err(|reason| {
            let line = crate::trust::line(&hook.run);
            Error::new(Kind::Template, format!("hook `{line}`, `when`: {reason}"))
        })?;
        if runs {
            hooks.push(hook.run.clone());
        }
    }
    Ok(hooks)
}

fn git(settings: &Settings, world: &World) -> Git {
    match &world.repository {
        _ if !settings.flags.git => Git::Without,
        None => Git::Own {
            branch: world.branch.clone(),
        },
        Some(around) if settings.flags.commit => Git::CommitInside(around.clone()),
        Some(around) => Git::Inside(around.clone()),
    }
}

fn no_cargo() -> Error {
    Error::new(Kind::Tool, "cargo is not on PATH").help("generate without building: --build none")
}

impl Obstacle {
    fn refusal(&self) -> Error {
        let refuse = |message: String| Error::new(Kind::Destination, message);
        match self {
            Self::Occupied(path) => refuse(format!("`{}` exists and is not empty", path.display()))
                .help("choose another name, or another directory with --into"),
            Self::NotADirectory(path) => refuse(format!(
                "`{}` exists and is not a directory",
                path.display()
            ))
            .help("choose another name, or another directory with --into"),
            Self::Link(path) => refuse(format!("`{}` is a symbolic link", path.display()))
                .help("name the directory it leads to with --into"),
            Self::ParentMissing(path) => {
                refuse(format!("the directory `{}` does not exist", path.display()))
                    .help(format!("mkdir -p {}", quoted(&path.to_string_lossy())))
            }
            Self::ParentUnusable(path, why) => refuse(format!(
                "nothing can be created in `{}`: {why}",
                path.display()
            ))
            .help("choose another directory with --into"),
            Self::TooLong(path, bytes) => refuse(format!(
                "the path `{}` has {bytes} bytes, too many for what cargo puts below it",
                path.display()
            ))
            .help("choose a directory nearer to the root with --into"),
        }
    }
}
