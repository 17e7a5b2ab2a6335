//! `ports`, `release`, `prune`.

use atlas::{Holder, Owner, ServiceName};

use super::World;
use super::failure::{Failure, Kind};
use super::lines::{Done, PORTS, PortLine};
use super::report::Report;

pub fn list(world: &World, report: &Report) -> Result<(), Failure> {
    let promises = world.promises()?;
    let rows = promises
        .iter()
        .map(|(port, holder)| PortLine::of(*port, holder));
    for path in world.oddities()? {
        report.warn(&format!("`{}` is no record of a port", path.display()));
    }
    report.table(&PORTS, &rows.collect::<Vec<_>>())
}

/// All promises to services of that name or, if one of them is still there, none.
pub fn release(
    world: &World,
    service: &ServiceName,
    force: bool,
    report: &Report,
) -> Result<(), Failure> {
    let promised = promised(world, service)?;
    if promised.is_empty() {
        let message = format!("no port is promised to `{service}`");
        return Err(Failure::new(Kind::Unknown, message).help("atlas ports"));
    }
    let there = promised.iter().find(|(_, owner)| owner.is_there());
    if let Some((port, owner)) = there.filter(|_| !force) {
        let message = format!("port `{port}` is in use: {owner} is still there");
        let help = format!("atlas release --force {service}");
        return Err(Failure::new(Kind::Conflict, message).help(help));
    }
    for (port, owner) in promised {
        if world.release(port, &owner)? {
            let line = Done {
                done: "released",
                what: port.to_string(),
            };
            report.line(&line, &format!("released\t{port}\n"))?;
        }
    }
    Ok(())
}

fn promised(world: &World, service: &ServiceName) -> Result<Vec<(u16, Owner)>, Failure> {
    let promises = world.promises()?.into_iter();
    let owners = promises.filter_map(|(port, holder)| match holder {
        Holder::Promise { owner, .. } => Some((port, owner)),
        _ => None,
    });
    Ok(owners
        .filter(|(_, owner)| owner.service() == service.as_str())
        .collect())
}

pub fn prune(world: &World, report: &Report) -> Result<(), Failure> {
    for what in world.store().prune()? {
        let words = format!("pruned\t{what}\n");
        report.line(
            &Done {
                done: "pruned",
                what,
            },
            &words,
        )?;
    }
    Ok(())
}
