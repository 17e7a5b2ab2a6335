//! `HAProxy` as a process: started or attached to, asked, reloaded, stopped.
//!
//! It is a process of its own and not of the Sidecar's: in a process group apart, so that a
//! terminal's ctrl-c is for the Sidecar to pass on, and going on when the Sidecar ends.
//!
//! | module | one line |
//! |---|---|
//! | `talk` | one question, one answer, on a socket |
//! | `master` | `show proc`, and reloads that are done when the master says so |
//! | `process` | starts, attaches, tells of its death, stops |
//! | `check` | has `HAProxy` itself look at a configuration |

mod check;
mod master;
mod process;
mod talk;

use crate::command::failure::Failure;
use crate::core::commands;
use crate::home::PlainPath;

pub use check::{accepts, version};
pub use master::{Reloaded, processes, reload};
pub use process::{Haproxy, stop};

/// Sends runtime commands. The first complaint is the failure: what came of the others is then
/// unknown.
pub fn run(home: &PlainPath, commands: &[commands::Command]) -> Result<(), Failure> {
    let socket = home.join("admin.sock");
    for line in commands::lines(commands, &home.join("services.map")) {
        let answer = talk::ask(socket.as_ref(), &line, talk::Until::Closed)
            .map_err(|error| Failure::system("send runtime commands to HAProxy", &error))?;
        if let Some(complaint) = commands::complaint(&answer) {
            return Err(Failure::haproxy(format!(
                "a runtime command failed: {complaint}"
            )));
        }
    }
    Ok(())
}
