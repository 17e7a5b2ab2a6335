//! Updates every service below a directory: each by this very program, in a process of its own, so
//! that one that fails stops no other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;
use walkdir::WalkDir;

use super::Wish;
use crate::dirs::{in_shell, tilde};
use crate::error::{Error, Kind, Result};
use crate::process;
use crate::repo;
use crate::report::Report;
use crate::report::update::{ServiceEvent, Status};
use crate::settings::Settings;
use crate::stage;
use crate::stamp::record;

/// No directory holds services deeper than this.
const DEPTH: usize = 6;

/// The story of `update --all`.
pub fn run(wish: &Wish, settings: &Settings, cwd: &Path, report: &Report) -> Result<()> {
    Error::all(settings.wrong.clone())?;
    let dir = wish
        .dir
        .as_deref()
        .map_or_else(|| cwd.to_owned(), |dir| cwd.join(dir));
    let dir = dir
        .canonicalize()
        .map_err(|error| Error::io("look into", &dir, &error))?;
    let services = services(&dir)?;
    let program = std::env::current_exe().map_err(|error| {
        Error::new(
            Kind::Tool,
            format!("cannot find this program itself: {error}"),
        )
    })?;
    let groups = groups(services);
    let jobs = wish
        .jobs
        .or_else(|| thread::available_parallelism().ok().map(usize::from));
    let jobs = jobs.unwrap_or(1).clamp(1, groups.len().max(1));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for service in group {
                        let event = one(&program, wish, service);
                        done.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(event);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by(|one: &ServiceEvent, other| one.path.cmp(&other.path));
    for event in &done {
        report.service(event);
    }
    report.all_services(&done, &dir);
    outcome(&done)
}

/// The directories below `dir` that hold a record, in order. What a service holds is its own.
fn services(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut walk = WalkDir::new(dir)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_dir() {
            continue;
        }
        let name = entry.file_name();
        let hidden = entry.depth() > 0 && name.to_string_lossy().starts_with('.');
        if hidden || name == "target" || name == "node_modules" || stage::is_one(name) {
            walk.skip_current_dir();
        } else if entry.path().join(record::FILE).is_file() {
            found.push(entry.path().to_owned());
            walk.skip_current_dir();
        }
    }
    if found.is_empty() {
        let message = format!("there is no service in `{}` or below", tilde(dir));
        let help = format!(
            "a service has a {}; generate-service update --all DIR",
            record::FILE
        );
        return Err(Error::new(Kind::Record, message).help(help));
    }
    Ok(found)
}

/// Services of one repository go one after the other: they share its branch.
fn groups(services: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut groups = BTreeMap::<PathBuf, Vec<PathBuf>>::new();
    for service in services {
        let around = repo::surrounding(&service.join(record::FILE))
            .ok()
            .flatten();
        let root = around.map_or_else(|| service.clone(), |around| around.root);
        groups.entry(root).or_default().push(service);
    }
    groups.into_values().collect()
}

/// Updates one service, and says how that went.
fn one(program: &Path, wish: &Wish, service: &Path) -> ServiceEvent {
    let mut command = Command::new(program);
    command
        .arg("update")
        .args(words(wish))
        .arg("--")
        .arg(service);
    let mut event = ServiceEvent::new(service);
    match process::beside_others(&mut command) {
        Ok((code, stdout, stderr)) => {
            let lines = stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            for line in lines {
                learn(&mut event, &line);
            }
            event.status = Status::of(code, &event);
            if event.status == Status::Failed {
                event.output = stderr;
            }
        }
        Err(error) => event.errors.push(error.message),
    }
    event
}

/// The words that each service is updated with.
fn words(wish: &Wish) -> Vec<String> {
    let mut words = vec!["--format=json".to_owned(), "--yes".to_owned()];
    let mut add = |name: &str, value: &str| words.push(format!("--{name}={value}"));
    if let Some(to) = &wish.to {
        add("to", to);
    }
    if let Some(how) = &wish.build {
        add("build", how);
    }
    let texts = [("define", &wish.define), ("answers", &wish.answers)];
    for (name, values) in texts {
        for value in values {
            add(name, &value.to_string_lossy());
        }
    }
    if let Some(template) = &wish.template {
        add("template", &template.to_string_lossy());
    }
    for (name, values) in [("with", &wish.with), ("without", &wish.without)] {
        for value in values {
            add(name, value);
        }
    }
    let looks_only = wish.check || wish.dry_run;
    if !wish.in_place && !looks_only {
        add("branch", wish.branch.as_deref().unwrap_or_default());
    }
    let flags = [
        ("--check", wish.check),
        ("--dry-run", wish.dry_run),
        ("--no-verify", wish.no_verify),
        ("--offline", wish.offline),
        ("--trust", wish.trust),
    ];
    let flags = flags.iter().filter(|(_, set)| *set);
    words.extend(flags.map(|(flag, _)| (*flag).to_owned()));
    words
}

/// Takes what one event of a service tells.
fn learn(event: &mut ServiceEvent, line: &Value) {
    let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
    match text("event").as_deref() {
        Some("update") => {
            event.from = text("from");
            event.to = text("to");
            event.message = text("message");
            event.branch = text("branch");
            let conflicts = line.get("conflicts").and_then(Value::as_array);
            let paths = conflicts.into_iter().flatten();
            let paths = paths.filter_map(|open| open.get("path")?.as_str());
            event.conflicts = paths.map(str::to_owned).collect();
        }
        Some("check") => {
            event.from = text("current");
            event.to = text("newest");
        }
        Some("result") => {
            event.branch = text("branch");
            event.commit = text("commit");
            event.ended = text("status");
            let errors = line.get("errors").and_then(Value::as_array);
            let errors = errors.into_iter().flatten();
            let errors = errors.filter_map(|error| error.get("message")?.as_str());
            event.errors = errors.map(str::to_owned).collect();
        }
        _ => {}
    }
}

/// One that failed is an error, one with conflicts another.
fn outcome(done: &[ServiceEvent]) -> Result<()> {
    let those = |status: Status| done.iter().filter(move |event| event.status == status);
    let first = |status: Status| those(status).next();
    let help = |event: &ServiceEvent| {
        let dir = in_shell(&tilde(Path::new(&event.path)));
        format!("generate-service update {dir}")
    };
    let all = done.len();
    if let Some(event) = first(Status::Failed) {
        let message = format!(
            "{} of {all} services could not be updated",
            those(Status::Failed).count()
        );
        return Err(Error::new(Kind::Build, message).help(help(event)));
    }
    if let Some(event) = first(Status::Conflicts) {
        let message = format!(
            "{} of {all} services have conflicts",
            those(Status::Conflicts).count()
        );
        return Err(Error::new(Kind::Conflict, message).help(help(event)));
    }
    if let Some(event) = first(Status::Outdated) {
        let message = format!(
            "{} of {all} services are outdated",
            those(Status::Outdated).count()
        );
        return Err(Error::new(Kind::Outdated, message).help(help(event)));
    }
    Ok(())
}
