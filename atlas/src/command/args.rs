//! The command line.

use std::ffi::OsString;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use atlas::{Health, Host, Realm, Release, ServiceName, SettingKey, Target, Weight};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::failure::Kind;

/// What runs where, and who was promised which port.
#[derive(Debug, Parser)]
#[command(name = "atlas", version, max_term_width = 100, after_long_help = after_long_help())]
pub struct Cli {
    #[arg(
        long,
        global = true,
        help = "Environment to look at [default: $ATLAS_REALM, else local]"
    )]
    pub realm: Option<Realm>,
    #[arg(
        long,
        global = true,
        value_name = "URLS",
        help = "etcd of a cluster: http://a:2379,http://b:2379 [default: $ATLAS_ETCD, else the directories]"
    )]
    pub etcd: Option<String>,
    /// `json`: one object a line
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    #[command(subcommand)]
    pub command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables on a terminal, words between tabs elsewhere
    Human,
    /// One object a line, with fields that stay
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the instances that live
    Ls {
        /// Of this service only
        service: Option<ServiceName>,
    },
    /// Show all that is known of a service
    Show {
        /// The service
        service: ServiceName,
    },
    /// Print what lives, then what changes
    Watch {
        /// Of this service only
        service: Option<ServiceName>,
    },
    /// Let instances have requests again
    Enable {
        /// SERVICE[@HOST[:PORT]]
        target: Target,
    },
    /// Let instances have no new requests, until `enable`; it is kept over restarts
    Disable {
        /// SERVICE[@HOST[:PORT]]
        target: Target,
    },
    /// Look at the settings of services, and change them
    #[command(subcommand)]
    Settings(Settings),
    /// List the ports that are promised
    Ports,
    /// Give back the ports that are promised to a service whose directory is gone
    Release {
        /// The service
        service: ServiceName,
        /// Even if its directory is still there
        #[arg(long)]
        force: bool,
    },
    /// Clear away what the dead left; they count for nothing with or without it
    Prune,
    /// Run a program that knows nothing of Atlas, registered while it listens
    Run(Box<Run>),
}

/// The verbs of settings.
#[derive(Debug, Subcommand)]
pub enum Settings {
    /// Print settings; those that look like secrets are masked
    Get {
        /// The service
        service: ServiceName,
        /// One setting
        key: Option<SettingKey>,
        /// Print secrets, too
        #[arg(long)]
        reveal: bool,
    },
    /// Change a setting
    Set {
        /// The service
        service: ServiceName,
        /// The setting
        key: SettingKey,
        /// JSON, or else a text
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Only if it is this now
        #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
        was: Option<String>,
        /// Only if there is none now
        #[arg(long, conflicts_with = "was")]
        absent: bool,
    },
    /// List the services that have settings
    Ls,
    /// Take a setting away
    Unset {
        /// The service
        service: ServiceName,
        /// The setting
        key: SettingKey,
    },
}

/// Words of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Name of the service
    #[arg(long)]
    pub service: ServiceName,
    /// Port it listens on
    #[arg(long, value_parser = atlas::parse_port)]
    pub port: NonZeroU16,
    /// Address it listens on
    #[arg(long, default_value = "127.0.0.1")]
    pub addr: IpAddr,
    /// Name of this machine [default: what the system says]
    #[arg(long)]
    pub host: Option<Host>,
    /// Path that answers 200 when it is ready [default: it is ready when it listens]
    #[arg(long, value_name = "PATH")]
    pub health: Option<Health>,
    /// What runs
    #[arg(long = "release", value_name = "VERSION")]
    pub release: Option<Release>,
    /// Share of requests, 0 to 256
    #[arg(long, value_parser = weight, default_value = "100")]
    pub weight: Weight,
    /// Time between "no new requests" and the signal that ends it: 500ms, 10s, 1m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub drain: Duration,
    /// The program and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// The words, or what is wrong with them.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}

fn weight(text: &str) -> Result<Weight, String> {
    let number = text.parse::<u16>().map_err(|error| error.to_string())?;
    Weight::try_from(number).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` is no time: try 10s"))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(format!("`{text}` is no time: try 10s")),
    }
}

fn after_long_help() -> String {
    let codes = Kind::ALL.map(|kind| {
        let (code, meaning) = kind.exit();
        format!("{code:>5}  {meaning}\n")
    });
    format!(
        "Directories:\n  $ATLAS_DIR  what lives\n  $ATLAS      what is promised\n\nClusters:\n  $ATLAS_ETCD                              end points of etcd\n  $ATLAS_ETCD_USER, $ATLAS_ETCD_PASSWORD   who asks\n  $ATLAS_ETCD_CA                           who signs its certificates, a file in PEM\n  $ATLAS_ETCD_CERT, $ATLAS_ETCD_KEY        our own certificate, files in PEM\n\nExit codes:\n    0  done\n{}",
        codes.concat()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds() {
        super::Cli::command().debug_assert();
    }
}
