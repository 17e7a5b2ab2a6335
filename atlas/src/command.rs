//! The command: words to an exit code.
//!
//! | module | one line | the only one that |
//! |---|---|---|
//! | `args` | the command line | names clap |
//! | `instances` | `ls`, `show`, `watch`, `enable`, `disable` | – |
//! | `settings` | `settings get`, `set`, `ls`, `unset` | – |
//! | `ports` | `ports`, `release`, `prune` | – |
//! | `run` | a registration around a program | starts programs, names `signal_hook` |
//! | `patient` | a registration that nobody waits for | – |
//! | `lines` | what is said, as text and as JSON | – |
//! | `report` | tables, lines, errors | prints |
//! | `failure` | what can go wrong: kind, help, exit code | – |

mod args;
mod failure;
mod instances;
mod lines;
mod patient;
mod ports;
mod report;
mod run;
mod settings;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use atlas::{Atlas, Cluster, Directory, Error, Etcd, Holder, Owner, Places, Realm, Store};

use args::{Cli, Command};
use failure::Failure;
use report::Report;

/// The whole program.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match args::parse(words) {
        Ok(cli) => cli,
        Err(error) => return report::not_understood(&error),
    };
    let report = Report::new(cli.format);
    let outcome = World::find(&cli).and_then(|world| dispatch(cli.command, &world, &report));
    match outcome {
        Ok(code) => code,
        Err(failure) => report.failed(&failure),
    }
}

/// What a command works on.
struct World {
    realm: Realm,
    places: Places,
    cluster: Option<Cluster>,
}

impl World {
    fn find(cli: &Cli) -> Result<Self, Failure> {
        let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let realm = match (&cli.realm, env("ATLAS_REALM")) {
            (Some(realm), _) => realm.clone(),
            (None, Some(realm)) => realm.to_string_lossy().parse()?,
            (None, None) => Realm::default(),
        };
        Ok(Self {
            realm,
            places: Places::find(env)?,
            cluster: Cluster::find(cli.etcd.as_deref(), env)?,
        })
    }

    fn store(&self) -> Arc<dyn Store> {
        match self.etcd() {
            Some(etcd) => Arc::new(etcd),
            None => Arc::new(Directory::new(&self.places, self.realm.clone())),
        }
    }

    fn etcd(&self) -> Option<Etcd> {
        let cluster = self.cluster.as_ref()?;
        Some(Etcd::new(cluster, self.realm.clone()))
    }

    fn promises(&self) -> Result<BTreeMap<u16, Holder>, Error> {
        match self.etcd() {
            Some(etcd) => etcd.promises(),
            None => Atlas::at(&self.places.data).promises(),
        }
    }

    fn release(&self, port: u16, owner: &Owner) -> Result<bool, Error> {
        match self.etcd() {
            Some(etcd) => etcd.release(port, owner),
            None => Atlas::at(&self.places.data).release(port, owner),
        }
    }

    /// Files that are no records of ports; a cluster has no files.
    fn oddities(&self) -> Result<Vec<PathBuf>, Error> {
        match self.cluster {
            Some(_) => Ok(Vec::new()),
            None => Atlas::at(&self.places.data).oddities(),
        }
    }
}

fn dispatch(command: Command, world: &World, report: &Report) -> Result<ExitCode, Failure> {
    match command {
        Command::Ls { service } => instances::list(world, service.as_ref(), report),
        Command::Show { service } => instances::show(world, &service, report),
        Command::Watch { service } => instances::watch(world, service.as_ref(), report),
        Command::Enable { target } => instances::enable(world, &target, report),
        Command::Disable { target } => instances::disable(world, &target, report),
        Command::Settings(command) => settings::dispatch(command, world, report),
        Command::Ports => ports::list(world, report),
        Command::Release { service, force } => ports::release(world, &service, force, report),
        Command::Prune => ports::prune(world, report),
        Command::Run(wish) => return run::run(&wish, world, report),
    }?;
    Ok(ExitCode::SUCCESS)
}
