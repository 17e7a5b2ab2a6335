//! Files and reloads, on a thread of their own: none takes less than 40 ms.
//!
//! Written aside, looked at by `HAProxy` itself, renamed, and only then reloaded.

use std::time::{Duration, Instant};

use rustix::process::{Pid, setpriority_process};

use crate::belief::Belief;
use crate::command::World;
use crate::command::failure::{Failure, Kind};
use crate::core::layout::Layout;
use crate::core::render;
use crate::files::{self, Draft};
use crate::haproxy::{self, Reloaded};
use crate::home::PlainPath;
use crate::routes::Routes;

/// The priority of what nobody waits for.
const PEACE: i32 = 10;

/// What is to be done.
#[derive(Debug)]
pub struct Job {
    /// What is to be routed, as it was when the job was made.
    pub belief: Belief,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    pub outcome: Result<(), Failure>,
    /// `haproxy.cfg` and the map say this now.
    pub written: Option<Layout>,
    /// The worker that has it.
    pub reloaded: Option<u32>,
    /// A reload was begun, and nobody knows how it ended.
    pub is_unknown: bool,
    pub took: Duration,
}

impl Done {
    fn begun() -> Self {
        Self {
            outcome: Ok(()),
            written: None,
            reloaded: None,
            is_unknown: false,
            took: Duration::ZERO,
        }
    }
}

/// Writes the files, and waits until they are there.
pub fn files(world: &World, job: &Job) -> Done {
    let mut done = Done::begun();
    let layout = Layout::canonical(&job.belief.view());
    done.outcome = replace_all(world, &layout, job.belief.routes());
    done.written = done.outcome.is_ok().then_some(layout);
    done
}

/// As [`files`], where nobody waits for them: what takes requests goes first.
pub fn files_in_peace(world: &World, job: &Job) -> Done {
    // Of this thread alone, and of the `haproxy -c` that it starts. Where it is refused, so be it.
    let _ = setpriority_process(None, PEACE);
    files(world, job)
}

/// Reloads, and waits until it is done.
pub fn reload(world: &World, master: Pid) -> Done {
    let (began, mut done) = (Instant::now(), Done::begun());
    reload_to(world, master, &mut done);
    done.took = began.elapsed();
    done
}

fn reload_to(world: &World, master: Pid, done: &mut Done) {
    match haproxy::reload(world.home(), master) {
        Reloaded::Done(processes) => done.reloaded = processes.worker,
        Reloaded::Refused => {
            let why = "HAProxy refused to reload; it goes on as it was";
            done.outcome = Err(Failure::new(Kind::Refused, why).help("sidecar check"));
        }
        Reloaded::Unknown(failure) => {
            done.is_unknown = true;
            done.outcome = Err(failure);
        }
    }
}

fn replace_all(world: &World, layout: &Layout, routes: &Routes) -> Result<(), Failure> {
    let home = world.home();
    answers(home)?;
    // First, so that `HAProxy` looks at both. A route to a backend that is not there is a 404.
    replace(&home.join("services.map"), &render::map(layout))?;
    // Before the configuration: whoever begins with that one knows who is in it.
    routes.save(&world.routes())?;
    let path = home.join("haproxy.cfg");
    let config = render::config(&world.setup, layout);
    if !files::says(path.as_ref(), &config) {
        let draft = Draft::write(path.as_ref(), &config).map_err(|e| unwritten(&path, &e))?;
        haproxy::accepts(&world.haproxy, draft.path())?;
        draft
            .publish(path.as_ref())
            .map_err(|e| unwritten(&path, &e))?;
    }
    Ok(())
}

fn answers(home: &PlainPath) -> Result<(), Failure> {
    replace(&home.join("503.http"), &render::nobody())?;
    replace(&home.join("404.http"), &render::nowhere())
}

fn replace(path: &PlainPath, text: &str) -> Result<(), Failure> {
    files::replace(path.as_ref(), text).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &PlainPath, error: &std::io::Error) -> Failure {
    Failure::system(&format!("write `{path}`"), error)
}

/// Has `HAProxy` look at a configuration in a directory of its own.
pub fn check_apart(world: &World, layout: &Layout) -> Result<(), Failure> {
    let failed = |error| Failure::system("make a temporary directory", &error);
    let apart = tempfile::tempdir().map_err(failed)?;
    let mut setup = world.setup.clone();
    setup.home = PlainPath::new(apart.path())?;
    answers(&setup.home)?;
    replace(&setup.home.join("services.map"), &render::map(layout))?;
    let path = setup.home.join("haproxy.cfg");
    replace(&path, &render::config(&setup, layout))?;
    haproxy::accepts(&world.haproxy, path.as_ref())
}
