//! Takes a port from Atlas, which gives it back if the run fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use atlas::{Atlas, Claim, Cluster, Etcd, Holder, Host, Owner, Ports, Realm, Wish};

use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::plan::Plan;
use crate::settings::Settings;

/// A port in our hands: on this machine and, if there is a cluster, in all of it.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is given back"]
pub struct Reservation {
    here: atlas::Reservation,
    everywhere: Option<Claim>,
}

impl Reservation {
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.here.port()
    }
}

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
        let asking = Asking::of(settings, name, directory)?;
        let number = asking.peek()?;
        let asked = settings.port.is_some();
        let caution = atlas::ports::caution(number).filter(|_| asked);
        let caution = caution.map(|caution| format!("port `{number}`: {caution}"));
        let odd = asking.atlas.oddities().map_err(refusal)?;
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
    let asking = Asking::of(settings, plan.name.as_str(), &plan.destination)?;
    let mut port = plan.port;
    loop {
        match asking.reserve(port) {
            Err(atlas::Error::Lost { .. }) if settings.port.is_none() => {
                interrupt::check()?;
                port = asking.peek()?;
            }
            outcome => return outcome.map_err(refusal),
        }
    }
}

/// Makes the promise last. The cluster's first: if it fails, nothing was promised anywhere, and if the
/// other one does, the same command gets the port again.
pub fn keep(reservation: Reservation) -> Result<()> {
    let Reservation { here, everywhere } = reservation;
    everywhere
        .map_or(Ok(()), Claim::keep)
        .and_then(|()| here.keep())
        .map_err(refusal)
}

/// Who is asked, and for what.
struct Asking {
    atlas: Atlas,
    wish: Wish,
    cluster: Option<(Etcd, Owner)>,
}

impl Asking {
    fn of(settings: &Settings, name: &str, directory: &Path) -> Result<Self> {
        let (atlas, wish) = wish(settings, name, directory)?;
        let env = |variable: &str| std::env::var_os(variable);
        let cluster = Cluster::find(settings.cluster.as_deref(), env).map_err(refusal)?;
        let owner = wish.owner.clone().on(Host::this());
        // The realms of a cluster share its ports.
        let cluster = cluster.map(|cluster| (Etcd::new(&cluster, Realm::default()), owner));
        Ok(Self {
            atlas,
            wish,
            cluster,
        })
    }

    fn peek(&self) -> Result<u16> {
        let mut wish = self.wish.clone();
        wish.taken.extend(self.promised_elsewhere()?);
        self.atlas.peek(&wish).map_err(refusal)
    }

    /// The ports of others in the cluster, and the keys that say so.
    fn promised_elsewhere(&self) -> Result<BTreeMap<u16, PathBuf>> {
        let Some((etcd, us)) = &self.cluster else {
            return Ok(BTreeMap::new());
        };
        let promises = etcd.promises().map_err(refusal)?.into_iter();
        let others = promises.filter_map(|(port, holder)| match holder {
            Holder::Promise { owner, .. } if owner == *us => None,
            Holder::Promise { record, .. } | Holder::Garbage { record } => Some((port, record)),
            _ => None,
        });
        Ok(others.collect())
    }

    fn reserve(&self, port: u16) -> std::result::Result<Reservation, atlas::Error> {
        let here = self.atlas.reserve(port, &self.wish)?;
        let claim = |(etcd, owner): &(Etcd, Owner)| etcd.claim(port, owner);
        let everywhere = self.cluster.as_ref().map(claim).transpose()?;
        Ok(Reservation { here, everywhere })
    }
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
