//! Takes a port from Atlas, which gives it back if the run fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use atlas::{Atlas, Owner, Ports, Wish};

use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::plan::Plan;
use crate::settings::Settings;

pub use atlas::Reservation;

/// A port that is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The port.
    pub number: u16,
    /// What speaks against it, though it was asked for.
    pub caution: Option<String>,
}

impl Offer {
    /// A port that nothing speaks against.
    #[must_use]
    pub fn of(number: u16) -> Self {
        Self {
            number,
            caution: None,
        }
    }
}

/// Asks Atlas which port a service of that name in that directory would get now, and changes
/// nothing; with it, what is odd about Atlas's files.
pub fn look(settings: &Settings, name: &str, directory: &Path) -> (Result<Offer>, Vec<String>) {
    let look = || -> Result<(Offer, Vec<String>)> {
        let (atlas, wish) = wish(settings, name, directory)?;
        let number = atlas.peek(&wish).map_err(refusal)?;
        let asked = settings.port.is_some();
        let caution = atlas::ports::caution(number).filter(|_| asked);
        let caution = caution.map(|caution| format!("port `{number}`: {caution}"));
        let odd = atlas.oddities().map_err(refusal)?;
        let odd = odd
            .iter()
            .map(|path| format!("`{}` is no record of a port", path.display()));
        Ok((Offer { number, caution }, odd.collect()))
    };
    match look() {
        Ok((offer, odd)) => (Ok(offer), odd),
        Err(error) => (Err(error), Vec::new()),
    }
}

/// Claims the port of the plan or, where somebody else was faster and any port will do, the first
/// one that is free by now.
pub fn reserve(settings: &Settings, plan: &Plan) -> Result<Reservation> {
    let (atlas, wish) = wish(settings, plan.name.as_str(), &plan.destination)?;
    let mut port = plan.port;
    loop {
        match atlas.reserve(port, &wish) {
            Err(atlas::Error::Lost { .. }) if settings.port.is_none() => {
                interrupt::check()?;
                port = atlas.peek(&wish).map_err(refusal)?;
            }
            outcome => return outcome.map_err(refusal),
        }
    }
}

/// Makes the promise last.
pub fn keep(reservation: Reservation) -> Result<()> {
    reservation.keep().map_err(refusal)
}

fn wish(settings: &Settings, name: &str, directory: &Path) -> Result<(Atlas, Wish)> {
    // By the rule of everybody who shares the registry. `ATLAS` is among the settings already.
    let env = |variable: &str| std::env::var_os(variable).filter(|_| variable != "ATLAS");
    let root = settings.atlas.clone().or_else(|| atlas::places::data(env));
    let root = root.ok_or_else(homeless)?;
    let ports = match settings.port {
        Some(port) => Ports::Exact(port),
        None => Ports::Range(settings.port_range.clone()),
    };
    let owner = Owner::new(name, directory).map_err(refusal)?;
    Ok((
        Atlas::at(root),
        Wish {
            ports,
            owner,
            taken: siblings(directory),
        },
    ))
}

/// The ports that services beside `directory` name in their records, known to Atlas or not.
fn siblings(directory: &Path) -> BTreeMap<u16, PathBuf> {
    let parent = directory.parent().unwrap_or(directory);
    let Ok(entries) = fs::read_dir(parent) else {
        return BTreeMap::new();
    };
    let records = entries
        .flatten()
        .map(|entry| entry.path().join("service.toml"));
    let records = records.filter(|record| record.parent() != Some(directory));
    records
        .filter_map(|record| Some((port_in(&record)?, record)))
        .collect()
}

fn port_in(record: &Path) -> Option<u16> {
    let text = fs::read_to_string(record).ok()?;
    let record = toml_edit::Document::parse(text).ok()?;
    let port = record.get("service")?.get("port")?.as_integer()?;
    u16::try_from(port).ok()
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn refusal(error: atlas::Error) -> Error {
    let kind = match error {
        atlas::Error::Taken { .. } | atlas::Error::Lost { .. } | atlas::Error::Exhausted { .. } => {
            Kind::Port
        }
        _ => Kind::Atlas,
    };
    let help = error.help().or_else(|| match error {
        atlas::Error::Exhausted { .. } => Some("another range: --port-range 6000-6999".to_owned()),
        atlas::Error::Taken { .. } => Some("take the first free one: leave --port out".to_owned()),
        _ => None,
    });
    let message = match &error {
        atlas::Error::Io {
            action,
            path,
            cause,
        } => Error::io(action, path, cause).message,
        _ => error.to_string(),
    };
    Error {
        help,
        ..Error::new(kind, message)
    }
}

fn homeless() -> Error {
    Error::new(
        Kind::Atlas,
        "without HOME it is unknown where Atlas keeps its ports",
    )
    .help("ATLAS=/var/lib/atlas generate-service …")
}
