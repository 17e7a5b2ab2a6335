//! `ls`, `show`, `watch`, `enable`, `disable`.

use std::collections::BTreeSet;
use std::time::Duration;

use atlas::{
    Change, Error, Event, Fact, Instance, InstanceId, Revision, ServiceName, Snapshot, Target,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::World;
use super::failure::{Failure, Kind};
use super::lines::{Done, INSTANCES, InstanceLine, PortLine, WatchLine, shown};
use super::report::{Line, Report};

/// A watch that is asked again that often. It answers at once when something happens.
const PULSE: Duration = Duration::from_hours(1);

pub fn list(world: &World, of: Option<&ServiceName>, report: &Report) -> Result<(), Failure> {
    let snapshot = world.store().read()?;
    let instances = of_service(&snapshot, of);
    let rows = instances.map(InstanceLine::from).collect::<Vec<_>>();
    report.bad(&snapshot.bad);
    match of {
        Some(service) if rows.is_empty() => Err(unknown(service, &snapshot)),
        _ => report.table(&INSTANCES, &rows),
    }
}

/// All that is known of one service.
#[derive(Serialize)]
struct Shown {
    service: String,
    realm: String,
    ports: Vec<PortLine>,
    instances: Vec<InstanceLine>,
    /// Taken out and not living now.
    disabled: Vec<String>,
    settings: Map<String, Value>,
}

pub fn show(world: &World, service: &ServiceName, report: &Report) -> Result<(), Failure> {
    let snapshot = world.store().read()?;
    report.bad(&snapshot.bad);
    let promises = world.promises()?;
    let ports = promises
        .iter()
        .map(|(port, holder)| PortLine::of(*port, holder));
    let asleep = snapshot
        .disabled
        .iter()
        .filter(|id| id.service == *service && !snapshot.instances.contains_key(*id));
    let settings = snapshot.settings.get(service);
    let known = Shown {
        service: service.to_string(),
        realm: world.realm.to_string(),
        ports: ports
            .filter(|port| port.service.as_deref() == Some(service.as_str()))
            .collect(),
        instances: of_service(&snapshot, Some(service))
            .map(Into::into)
            .collect(),
        disabled: asleep.map(ToString::to_string).collect(),
        settings: settings
            .map(|settings| shown(settings, false))
            .unwrap_or_default(),
    };
    let nothing = known.ports.is_empty()
        && known.instances.is_empty()
        && known.disabled.is_empty()
        && known.settings.is_empty();
    if nothing {
        return Err(unknown(service, &snapshot));
    }
    report.line(&known, &known.words())
}

impl Shown {
    fn words(&self) -> String {
        let rows = |word: &str, rows: Vec<String>| {
            let rows = rows.iter().map(|row| format!("{word}\t{row}\n"));
            rows.collect::<Vec<_>>().concat()
        };
        let cells = |line: &dyn Fn() -> Vec<String>| line().join("\t");
        [
            format!("service\t{}\nrealm\t{}\n", self.service, self.realm),
            rows(
                "port",
                self.ports
                    .iter()
                    .map(|port| cells(&|| port.cells()))
                    .collect(),
            ),
            rows(
                "instance",
                self.instances
                    .iter()
                    .map(|one| cells(&|| one.cells()))
                    .collect(),
            ),
            rows("disabled", self.disabled.clone()),
            rows(
                "setting",
                self.settings
                    .iter()
                    .map(|(key, value)| format!("{key}\t{value}"))
                    .collect(),
            ),
        ]
        .concat()
    }
}

pub fn watch(world: &World, of: Option<&ServiceName>, report: &Report) -> Result<(), Failure> {
    let mut watch = world.store().watch(Revision::NONE)?;
    loop {
        let lines = match watch.next(PULSE)? {
            None => continue,
            Some(Event::Full(snapshot)) => full(&snapshot, of),
            Some(Event::Changed { changes, .. }) => {
                let changes = changes.into_iter().filter(|change| is_about(change, of));
                changes.map(WatchLine::of).collect()
            }
        };
        for line in lines {
            report.line(&line, &line.words())?;
        }
    }
}

fn full(snapshot: &Snapshot, of: Option<&ServiceName>) -> Vec<WatchLine> {
    let up = of_service(snapshot, of).map(|instance| Change::Up(instance.clone()));
    let lines = up.map(WatchLine::of).collect::<Vec<_>>();
    let head = WatchLine::Full {
        instances: lines.len(),
    };
    let bad = snapshot.bad.iter().filter(|_| of.is_none()).cloned();
    let bad = bad.map(|bad| WatchLine::of(Change::Bad(bad)));
    [head].into_iter().chain(lines).chain(bad).collect()
}

pub fn disable(world: &World, target: &Target, report: &Report) -> Result<(), Failure> {
    let store = world.store();
    let snapshot = store.read()?;
    let living = snapshot
        .instances
        .keys()
        .filter(|id| target.means(id))
        .cloned();
    // One that is named in full may be taken out before it comes.
    let ids = living.chain(target.exact()).collect::<BTreeSet<_>>();
    if ids.is_empty() {
        return Err(unknown(&target.service, &snapshot));
    }
    for id in &ids {
        match store.compare_and_set(&Fact::Disabled(id.clone()), None, "") {
            // Somebody else has said the same.
            Ok(_) | Err(Error::Conflict { .. }) => done(report, "disabled", id)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

pub fn enable(world: &World, target: &Target, report: &Report) -> Result<(), Failure> {
    let store = world.store();
    let snapshot = store.read()?;
    let out = snapshot.disabled.iter().filter(|id| target.means(id));
    for id in out {
        store.delete(&Fact::Disabled(id.clone()))?;
        done(report, "enabled", id)?;
    }
    let known = snapshot.instances.keys().chain(&snapshot.disabled);
    if known.filter(|id| target.means(id)).count() == 0 {
        return Err(unknown(&target.service, &snapshot));
    }
    Ok(())
}

fn done(report: &Report, done: &'static str, id: &InstanceId) -> Result<(), Failure> {
    let line = Done {
        done,
        what: id.to_string(),
    };
    report.line(&line, &format!("{done}\t{id}\n"))
}

fn of_service<'a>(
    snapshot: &'a Snapshot,
    of: Option<&'a ServiceName>,
) -> impl Iterator<Item = &'a Instance> {
    let instances = snapshot.instances.values();
    instances.filter(move |instance| of.is_none_or(|service| instance.id.service == *service))
}

fn is_about(change: &Change, of: Option<&ServiceName>) -> bool {
    let Some(of) = of else { return true };
    match change {
        Change::Up(Instance { id, .. }) | Change::Down(id) | Change::Disabled(id, _) => {
            id.service == *of
        }
        Change::Settings(service, _) => service == of,
        Change::Bad(bad) => bad.id.as_ref().is_some_and(|id| id.service == *of),
        Change::Mended(_) => false,
    }
}

/// Says which names are near.
fn unknown(service: &ServiceName, snapshot: &Snapshot) -> Failure {
    let ids = snapshot.instances.keys().chain(&snapshot.disabled);
    let known = ids.map(|id| &id.service).chain(snapshot.settings.keys());
    let near = known
        .map(|name| {
            (
                strsim::damerau_levenshtein(name.as_str(), service.as_str()),
                name,
            )
        })
        .min()
        .filter(|(distance, name)| *distance > 0 && *distance <= 1 + name.as_str().len() / 4);
    let failure = Failure::new(Kind::Unknown, format!("nothing is known of `{service}`"));
    match near {
        Some((_, name)) => failure.help(format!("atlas show {name}")),
        None => failure.help("atlas ls"),
    }
}
