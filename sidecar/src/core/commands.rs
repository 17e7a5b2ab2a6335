//! The runtime commands, as types and as text.
//!
//! The runtime socket takes several commands a line, split at `;`. No field here can hold one, and
//! [`line`] looks again at what it made: it is the last place where that can be done.

use std::fmt;
use std::net::SocketAddr;

use atlas::{ServiceName, Weight};

use super::layout::Backend;
use super::view::Admin;
use crate::home::PlainPath;

/// Commands are sent in lines of so many bytes at most: `HAProxy` reads 16 KiB at once.
const LONGEST_LINE: usize = 8 * 1024;

/// A server as it is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub backend: Backend,
    pub slot: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/slot{}", self.backend, self.slot)
    }
}

/// One change of what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Address(Place, SocketAddr),
    Weight(Place, Weight),
    Admin(Place, Admin),
    /// Nobody is there any more: new requests go elsewhere, and so do retries.
    Vacate(Place),
    AddRoute(ServiceName, Backend),
    DropRoute(ServiceName),
}

impl Command {
    fn text(&self, map: &PlainPath) -> String {
        match self {
            Self::Address(place, to) => {
                format!("set server {place} addr {} port {}", to.ip(), to.port())
            }
            Self::Weight(place, weight) => {
                format!("set server {place} weight {}", u16::from(*weight))
            }
            Self::Admin(place, Admin::Ready) => format!("set server {place} state ready"),
            Self::Admin(place, Admin::Drain) => format!("set server {place} state drain"),
            Self::Vacate(place) => format!("set server {place} state maint"),
            Self::AddRoute(service, backend) => format!("add map {map} {service} {backend}"),
            Self::DropRoute(service) => format!("del map {map} {service}"),
        }
    }
}

/// The commands as lines for the runtime socket, each for one connection.
pub fn lines(commands: &[Command], map: &PlainPath) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for command in commands {
        let text = command.text(map);
        debug_assert!(is_plain(&text), "`{text}` is more than one command");
        match lines.last_mut() {
            _ if !is_plain(&text) => {}
            Some(line) if line.len() + text.len() < LONGEST_LINE => {
                line.push_str("; ");
                line.push_str(&text);
            }
            _ => lines.push(text),
        }
    }
    lines
}

fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || " /_.:-".contains(c))
}

/// What an answer complains of. A command that did its work says nothing, or what it changed.
pub fn complaint(answer: &str) -> Option<&str> {
    let told = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("no need to change")
            && !line.contains("by 'stats socket command'")
    };
    answer.lines().map(str::trim).find(told)
}
