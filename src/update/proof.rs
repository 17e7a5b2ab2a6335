//! Proves the merged service in a stage, before anybody sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use super::proposal::Proposal;
use super::sides;
use crate::args::Update as Wish;
use crate::error::{Error, Kind, Result};
use crate::name::{Neighbours, ServiceName};
use crate::plan::{Git, Plan};
use crate::process;
use crate::repo::checkout::Checkout;
use crate::repo::{self, Oid};
use crate::report::{Report, Step};
use crate::settings::{Build, Settings};
use crate::stage::Stage;
use crate::template::File;
use crate::{dirs, hooks, verify, workspace};

const LOCK: &str = "Cargo.lock";

/// A merged tree that was found good, or of which nobody wanted to know.
#[derive(Debug)]
pub struct Proven {
    /// The service's tree.
    pub tree: Oid,
    /// Files of the repository beside it that change: the lock file of its workspace.
    pub beside: Vec<File>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Lays the merged tree out, runs what migrations run, builds and tests.
pub fn prove(
    checkout: &Checkout,
    proposal: &Proposal,
    (_, settings): (&Wish, &Settings),
    report: &Report,
) -> Result<Proven> {
    let mut proven = Proven {
        tree: proposal.merged.tree,
        beside: Vec::new(),
        warnings: Vec::new(),
    };
    let lock_is_open = lock_is_open(checkout, proposal)?;
    if settings.build == Build::None && proposal.runs.is_empty() && !lock_is_open {
        return Ok(proven);
    }
    if settings.build != Build::None && process::find("cargo").is_none() {
        return Err(Error::new(Kind::Tool, "cargo is not on PATH")
            .help("update without building: --no-verify"));
    }
    let plan = plan(checkout, proposal, settings)?;
    let mut stage = report.step(Step::Merge, &plan, || {
        Stage::beside(&plan, |dir| checkout.lay_out(proposal.merged.tree, dir))
    })?;
    if !plan.hooks.is_empty() {
        report.step(Step::Hooks, &plan, || {
            hooks::run(&stage.tree, &plan, report)
        })?;
        stage.read_back()?;
        let before = checkout.files(proven.tree)?;
        proven.tree = checkout.with(proven.tree, &sides::changes(&before, &stage.files))?;
    }
    let known = checkout.paths(checkout.tree)?;
    stage.link_the_rest(&plan, &known.into_iter().collect::<BTreeSet<PathBuf>>())?;
    if settings.build == Build::None {
        if lock_is_open && !verify::settle_lock(&stage.tree) {
            let warning = "Cargo.lock was merged, and cargo could not look at it: run cargo build, and commit what it makes of it";
            proven.warnings.push(warning.to_owned());
        }
        return proven.with_lock(checkout, stage);
    }
    verify::fetch(&stage, &plan, report)?;
    let verified = verify::verify(stage, &plan, report)?;
    if let Some(file) = workspace_lock(checkout, &plan, &verified.stage)? {
        proven.beside.push(file);
    }
    proven.with_lock(checkout, verified.stage)
}

impl Proven {
    /// Takes the lock file as cargo left it, if the service has one in git.
    fn with_lock(mut self, checkout: &Checkout, stage: Stage) -> Result<Self> {
        let path = stage.tree.join(LOCK);
        let old = checkout.file(self.tree, LOCK)?;
        if let (Some(old), Ok(new)) = (old, fs::read(&path))
            && *old.bytes != *new
        {
            let new = File {
                bytes: new.into(),
                ..old
            };
            let change = BTreeMap::from([(LOCK.to_owned(), Some(new))]);
            self.tree = checkout.with(self.tree, &change)?;
        }
        stage.succeed();
        Ok(self)
    }
}

/// What cargo and commands do, as the plan of a run.
fn plan(checkout: &Checkout, proposal: &Proposal, settings: &Settings) -> Result<Plan> {
    let name = ServiceName::parse(&proposal.record.name, Neighbours::default())?;
    let manifest = checkout.file(proposal.merged.tree, "Cargo.toml")?;
    let manifest = manifest.map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
    let manifest = manifest.and_then(|text| text.parse::<DocumentMut>().ok());
    let is_root = manifest.is_some_and(|manifest| manifest.contains_key("workspace"));
    let workspace = if is_root {
        None
    } else {
        workspace::find(&checkout.dir)?
    };
    let is_warm = checkout.dir.join("target").is_dir();
    let lends = settings.flags.cache && proposal.template.is_embedded() && !is_warm;
    Ok(Plan {
        name,
        description: proposal.record.description.clone(),
        destination: checkout.dir.clone(),
        port: proposal.record.port,
        template: (proposal.template.name.clone(), proposal.version()),
        origin: proposal.template.origin.clone(),
        answers: proposal.stamped.answers.clone(),
        hooks: proposal.runs.clone(),
        files: Vec::new(),
        tree: proposal.merged.tree.to_string(),
        parts: proposal.parts.iter().cloned().collect(),
        usual_parts: false,
        git: Git::Without,
        workspace,
        build: settings.build,
        settles_lock: true,
        cache: lends.then_some(settings.bounds),
        offline: settings.flags.offline,
        keep_on_failure: settings.flags.keep_on_failure,
        warnings: Vec::new(),
        said: Vec::new(),
    })
}

/// Whether the lock file is neither the service's nor the template's: then only cargo knows whether
/// it fits.
fn lock_is_open(checkout: &Checkout, proposal: &Proposal) -> Result<bool> {
    let manifest = |tree: Oid| checkout.file(tree, "Cargo.toml");
    let Some(merged) = checkout.file(proposal.merged.tree, LOCK)? else {
        return Ok(false);
    };
    let theirs = |name: &str| {
        let mut files = proposal.stamped.files.iter();
        files.find(|file| file.path == name).cloned()
    };
    let whole = |side: (Option<File>, Option<File>)| -> Result<bool> {
        let fits = side.0.is_some_and(|lock| lock.bytes == merged.bytes);
        let manifest = manifest(proposal.merged.tree)?;
        Ok(fits && side.1.map(|file| file.bytes) == manifest.map(|file| file.bytes))
    };
    let ours = (
        checkout.file(checkout.tree, LOCK)?,
        manifest(checkout.tree)?,
    );
    Ok(!whole((theirs(LOCK), theirs("Cargo.toml")))? && !whole(ours)?)
}

/// The lock file of the workspace, if cargo has changed it and it is in git, without changes of the
/// user's.
fn workspace_lock(checkout: &Checkout, plan: &Plan, stage: &Stage) -> Result<Option<File>> {
    let (Some(workspace), Some(mirror)) = (&plan.workspace, &stage.mirror) else {
        return Ok(None);
    };
    let path = mirror.join(LOCK);
    let now = match fs::read(&path) {
        Ok(now) => now,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, &error)),
    };
    let before = stage.lock_file.as_deref();
    let real = workspace.root.join(LOCK);
    let inside = real
        .strip_prefix(&checkout.root)
        .ok()
        .and_then(Path::to_str);
    let Some(inside) = inside.filter(|_| Some(now.as_slice()) != before.map(str::as_bytes)) else {
        return Ok(None);
    };
    if !repo::is_clean(&checkout.root, inside, before) {
        let shown = dirs::tilde(&real);
        let message =
            format!("`{shown}` has changes that are not committed, and the update changes it, too");
        let root = dirs::in_shell(&dirs::tilde(&checkout.root));
        return Err(Error::new(Kind::Git, message).help(format!("git -C {root} commit {inside}")));
    }
    Ok(Some(File {
        path: inside.to_owned(),
        executable: false,
        bytes: now.into(),
    }))
}
