//! Why the process may end, and with which exit code.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{fmt, io};

use crate::config;

/// What can keep the service from starting, or from stopping in peace.
#[derive(Debug)]
pub enum Error {
    /// The settings cannot be used.
    Config(config::Error),
    /// The log cannot be written to this file.
    Logs(PathBuf, io::Error),
    /// The runtime's threads cannot be started.
    Runtime(io::Error),
    /// The signal handlers cannot be installed.
    Signals(io::Error),
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// Requests were still running this long after the shutdown began, and were cut off.
    Grace(Duration),
    /// Standard output takes no more.
    Output(io::Error),
}

impl Error {
    /// 2 if the settings must be changed first, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Logs(..) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "{error}"),
            Self::Logs(path, error) => {
                write!(f, "cannot write the log {}: {error}", path.display())
            }
            Self::Runtime(error) => write!(f, "cannot start the runtime: {error}"),
            Self::Signals(error) => write!(f, "cannot listen for signals: {error}"),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Grace(limit) => {
                let seconds = limit.as_secs_f64();
                write!(f, "requests were cut off after {seconds} s of grace")
            }
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<config::Error> for Error {
    fn from(error: config::Error) -> Self {
        Self::Config(error)
    }
}
