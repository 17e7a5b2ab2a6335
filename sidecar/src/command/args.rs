//! The command line. Its doc comments are what `--help` says, to people on a terminal.
#![allow(
    clippy::doc_markdown,
    reason = "a terminal shows backticks as they are"
)]

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use atlas::{Host, Realm};
use clap::{Parser, Subcommand};

use super::failure::Kind;
use crate::home::Header;

/// Keeps the HAProxy of this host in step with Atlas, until ctrl-c.
#[derive(Debug, Parser)]
#[command(
    name = "sidecar",
    version,
    about = "Keeps the HAProxy of this host in step with Atlas",
    max_term_width = 100,
    after_long_help = after_long_help(),
    args_conflicts_with_subcommands = false
)]
pub struct Cli {
    /// Environment whose services are routed
    #[arg(long, global = true, env = "ATLAS_REALM", default_value = "local")]
    pub realm: Realm,
    /// Where services are called
    #[arg(
        long,
        global = true,
        env = "SIDECAR_LISTEN",
        default_value = "127.0.0.1:4000"
    )]
    pub listen: SocketAddr,
    /// Where the Sidecar tells of itself: /status, /metrics
    #[arg(
        long,
        global = true,
        env = "SIDECAR_STATUS",
        default_value = "127.0.0.1:4001"
    )]
    pub status: SocketAddr,
    /// Where HAProxy tells of itself: its page, /metrics
    #[arg(
        long,
        global = true,
        env = "SIDECAR_STATS",
        default_value = "127.0.0.1:4002"
    )]
    pub stats: SocketAddr,
    /// Header that names the service
    #[arg(
        long,
        global = true,
        env = "SIDECAR_HEADER",
        default_value = "x-service"
    )]
    pub header: Header,
    /// Longest wait for a connection, and the pause before a retry: 1ms to 60s
    #[arg(long, global = true, env = "SIDECAR_CONNECT", default_value = "100ms", value_name = "TIME", value_parser = duration)]
    pub connect: Duration,
    /// etcd of a cluster: http://a:2379,http://b:2379; none: this host alone
    #[arg(long, global = true, env = "ATLAS_ETCD", value_name = "URLS")]
    pub etcd: Option<String>,
    /// Name of this host in the cluster [default: what the system says]
    #[arg(long, global = true, env = "SIDECAR_HOST")]
    pub host: Option<Host>,
    /// Address by which others call what listens here
    #[arg(long, global = true, env = "SIDECAR_ADVERTISE", value_name = "ADDRESS")]
    pub advertise: Option<IpAddr>,
    /// The program
    #[arg(
        long,
        global = true,
        env = "SIDECAR_HAPROXY",
        default_value = "haproxy",
        value_name = "PROGRAM"
    )]
    pub haproxy: PathBuf,
    /// Write the configuration, reload the HAProxy that runs, if one does, and end
    #[arg(long, conflicts_with = "dry_run")]
    pub once: bool,
    /// Print the configuration, touch nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The verbs beside running.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Let HAProxy look at the configuration, and tell of bad entries
    Check,
    /// End the Sidecar of this realm and its HAProxy
    Stop,
}

/// The words, or what is wrong with them.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.parse::<u64>().ok();
    let time = match (&text[digits.len()..], number) {
        ("ms", Some(number)) => Duration::from_millis(number),
        ("s", Some(number)) => Duration::from_millis(number.saturating_mul(1000)),
        _ => Duration::ZERO,
    };
    let fits = (Duration::from_millis(1)..=Duration::from_mins(1)).contains(&time);
    fits.then_some(time)
        .ok_or_else(|| format!("`{text}` is no time from 1ms to 60s"))
}

fn after_long_help() -> String {
    let codes = Kind::ALL.map(|kind| {
        let (code, meaning) = kind.exit();
        format!("{code:>5}  {meaning}\n")
    });
    format!(
        "Directories:\n  $ATLAS_DIR  what lives; the Sidecar works in REALM/sidecar below it\n  $ATLAS      what is promised\n\nClusters:\n  $ATLAS_ETCD_USER, $ATLAS_ETCD_PASSWORD   who asks etcd\n  $ATLAS_ETCD_CA                           who signs its certificates, a file in PEM\n  $ATLAS_ETCD_CERT, $ATLAS_ETCD_KEY        our own certificate, files in PEM\n\nExit codes:\n    0  done\n{}",
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
