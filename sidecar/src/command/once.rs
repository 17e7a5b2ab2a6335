//! `--once`, `--dry-run`, `check`, `stop`: without a loop.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Event, Snapshot};
use rustix::process::{Pid, Signal, kill_process};

use super::failure::{Failure, Kind};
use super::{World, report};
use crate::belief::Belief;
use crate::core::layout::Layout;
use crate::core::render;
use crate::driver::write::{self, Job};
use crate::haproxy::{self, Haproxy};
use crate::home;
use crate::probe;
use crate::routes::Routes;

/// The Sidecar has ended after this, or does not.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// Writes the configuration, and reloads the `HAProxy` that runs.
pub fn once(world: &World) -> Result<(), Failure> {
    let _lock = home::take(world.home())?;
    let (belief, _) = believe(world)?;
    let running = Haproxy::attach(world.home())?;
    let job = Job { belief };
    write::files(world, &job).outcome?;
    let what = if let Some(running) = running {
        write::reload(world, running.master).outcome?;
        "written and reloaded"
    } else {
        "written; no HAProxy runs there"
    };
    report::note(&format!("{what}: {}", world.home().join("haproxy.cfg")));
    Ok(())
}

/// Prints what would be written.
pub fn dry_run(world: &World) -> Result<(), Failure> {
    let (belief, snapshot) = believe(world)?;
    snapshot
        .bad
        .iter()
        .for_each(|bad| report::warn(&bad_entry(bad)));
    let layout = Layout::canonical(&belief.view());
    report::result(&render::config(&world.setup, &layout))
}

/// Lets `HAProxy` look at what would be written; bad entries are a failure, too.
pub fn check(world: &World) -> Result<(), Failure> {
    let (belief, snapshot) = believe(world)?;
    let view = belief.view();
    write::check_apart(world, &Layout::canonical(&view))?;
    snapshot
        .bad
        .iter()
        .for_each(|bad| report::warn(&bad_entry(bad)));
    let counts = format!(
        "{} services, {} of {} instances ready",
        view.services.len(),
        view.ready(),
        belief.routes().instances.len()
    );
    if snapshot.bad.is_empty() {
        return report::result(&format!("{counts}; HAProxy takes the configuration\n"));
    }
    let why = format!(
        "{} bad entries count for nothing; {counts}",
        snapshot.bad.len()
    );
    Err(Failure::new(Kind::Bad, why).help("atlas ls"))
}

/// Ends the Sidecar and its `HAProxy`, or the `HAProxy` that a Sidecar left.
pub fn stop(world: &World) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        match home::take(world.home()) {
            Ok(_lock) => return stop_left(world),
            Err(failure) if failure.kind != Kind::Conflict => return Err(failure),
            Err(failure) if began.elapsed() > LONGEST_STOP => return Err(failure),
            Err(_) if began.elapsed() < Duration::from_millis(10) => interrupt(world)?,
            Err(_) => {}
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn stop_left(world: &World) -> Result<(), Failure> {
    let left = Haproxy::attach(world.home())?;
    left.map_or(Ok(()), |left| haproxy::stop(left.master))
}

fn interrupt(world: &World) -> Result<(), Failure> {
    let pid = fs::read_to_string(world.home().join("lock")).unwrap_or_default();
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::new(Kind::Conflict, "the Sidecar is just starting"))?;
    let sent = kill_process(pid, Signal::INT);
    sent.map_err(|error| Failure::system("signal the Sidecar", &error.into()))
}

/// The registry now, and with it what the last Sidecar knew and still answers. Nothing is changed.
fn believe(world: &World) -> Result<(Belief, Snapshot), Failure> {
    let snapshot = world.read()?;
    let mut belief = Belief::from_routes(Routes::load(&world.routes(), &world.realm));
    belief.take(Event::Full(snapshot.clone()));
    belief.refused(&probe::once(&belief.doubted()));
    Ok((belief, snapshot))
}

/// One line of a bad entry.
pub fn bad_entry(bad: &atlas::Bad) -> String {
    format!("`{}` counts for nothing: {}", bad.place, bad.reason)
}
