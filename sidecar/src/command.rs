//! The command: words to an exit code.
//!
//! | module | one line | the only one that |
//! |---|---|---|
//! | `args` | the command line | names clap |
//! | `world` | what a command works on | reads the environment |
//! | `once` | `--once`, `--dry-run`, `check`, `stop` | – |
//! | `report` | lines and errors | prints |
//! | `failure` | what can go wrong: kind, help, exit code | – |

mod args;
pub mod failure;
mod once;
pub mod report;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::driver;
use args::{Cli, Command};
use failure::Failure;
pub use world::World;

/// The whole program.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match args::parse(words) {
        Ok(cli) => cli,
        Err(error) => return report::not_understood(&error),
    };
    match World::find(&cli).and_then(|world| dispatch(&cli, &world)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report::failed(&failure),
    }
}

fn dispatch(cli: &Cli, world: &World) -> Result<(), Failure> {
    match cli.command {
        Some(Command::Check) => once::check(world),
        Some(Command::Stop) => once::stop(world),
        None if cli.dry_run => once::dry_run(world),
        None if cli.once => once::once(world),
        None => driver::run(world),
    }
}
