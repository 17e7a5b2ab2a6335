//! What a command works on.

use std::net::SocketAddr;
use std::path::PathBuf;

use atlas::{Cluster, Directory, Etcd, Host, Places, Realm, Snapshot, Store};

use super::args::Cli;
use super::failure::{Failure, Kind};
use crate::core::render::Setup;
use crate::driver::cluster::{self, Membership};
use crate::home::PlainPath;

/// Places, addresses and names.
#[derive(Clone, Debug)]
pub struct World {
    pub realm: Realm,
    pub places: Places,
    pub haproxy: PathBuf,
    pub status: SocketAddr,
    pub setup: Setup,
    /// `None`: this host is alone.
    pub membership: Option<Membership>,
}

impl World {
    pub fn find(cli: &Cli) -> Result<Self, Failure> {
        let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let places = Places::find(env)?;
        let home = places.runtime.join(cli.realm.as_str()).join("sidecar");
        let ports = [cli.listen, cli.status, cli.stats];
        let same = ports
            .iter()
            .enumerate()
            .any(|(i, port)| ports[..i].contains(port));
        if same || ports.iter().any(|at| at.port() == 0) {
            let why = "`--listen`, `--status` and `--stats` need a port each";
            return Err(Failure::new(Kind::Usage, why).help("sidecar --help"));
        }
        Ok(Self {
            realm: cli.realm.clone(),
            places,
            haproxy: cli.haproxy.clone(),
            status: cli.status,
            setup: Setup {
                listen: cli.listen,
                stats: cli.stats,
                header: cli.header.clone(),
                connect: cli.connect,
                home: PlainPath::new(&home)?,
            },
            membership: membership(cli)?,
        })
    }

    pub fn home(&self) -> &PlainPath {
        &self.setup.home
    }

    /// Beside the hosts, where clients look for it.
    pub fn routes(&self) -> PathBuf {
        self.places
            .runtime
            .join(self.realm.as_str())
            .join("routes.json")
    }

    /// What runs on this host.
    pub fn directory(&self) -> Directory {
        Directory::new(&self.places, self.realm.clone())
    }

    /// What runs anywhere.
    pub fn read(&self) -> Result<Snapshot, Failure> {
        match &self.membership {
            Some(membership) => cluster::read(self, membership),
            None => Ok(self.directory().read()?),
        }
    }
}

fn membership(cli: &Cli) -> Result<Option<Membership>, Failure> {
    let env = |name: &str| std::env::var_os(name);
    let cluster = Cluster::find(cli.etcd.as_deref().filter(|list| !list.is_empty()), env)?;
    Ok(cluster.map(|cluster| Membership {
        etcd: Etcd::new(&cluster, cli.realm.clone()),
        host: cli.host.clone().unwrap_or_else(Host::this),
        advertise: cli.advertise,
    }))
}
