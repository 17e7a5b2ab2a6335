//! Ports that no registry can give away.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Why a port is a bad choice, though nobody has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// Browsers refuse to fetch from it.
    Browsers,
    /// The kernel gives it to outgoing connections, so that it may be in use at any moment.
    Ephemeral,
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Browsers => "browsers refuse to connect to it",
            Self::Ephemeral => "the kernel may give it to any outgoing connection",
        })
    }
}

/// What to say to somebody who insists on this port.
#[must_use]
pub fn caution(port: u16) -> Option<Caution> {
    caution_given(port, &ephemeral())
}

pub(crate) fn caution_given(port: u16, ephemeral: &RangeInclusive<u16>) -> Option<Caution> {
    if BLOCKED_BY_BROWSERS.contains(&port) {
        Some(Caution::Browsers)
    } else {
        ephemeral.contains(&port).then_some(Caution::Ephemeral)
    }
}

/// The range that outgoing connections get their ports from.
pub(crate) fn ephemeral() -> RangeInclusive<u16> {
    parse_ephemeral().unwrap_or(32768..=60999)
}

fn parse_ephemeral() -> Option<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut bounds = text.split_whitespace();
    let low = bounds.next()?.parse().ok()?;
    let high = bounds.next()?.parse().ok()?;
    Some(low..=high)
}

/// Whether anything on this machine listens on it, on whichever address of either family.
pub(crate) fn is_listened_on(port: u16) -> bool {
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    is_in_use(AddressFamily::INET, &v4) || is_in_use(AddressFamily::INET6, &v6)
}

/// Binds, but unlike `TcpListener::bind` does not listen. With `SO_REUSEADDR`, two sockets that
/// only bind don't disturb each other, while one that listens disturbs both: so two looks at
/// one port, by registries that share no lock, never take each other for a service, and no
/// stray client is ever accepted by a look.
///
/// Only "in use" means taken: without IPv6, or without the right to bind, nothing is known.
fn is_in_use(family: AddressFamily, address: &SocketAddr) -> bool {
    let bind = || {
        let stream = SocketType::STREAM;
        let socket = rustix::net::socket_with(family, stream, SocketFlags::CLOEXEC, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, address)
    };
    bind() == Err(Errno::ADDRINUSE)
}

/// "Bad ports" of the fetch standard, <https://fetch.spec.whatwg.org/#port-blocking>, in full.
#[rustfmt::skip]
const BLOCKED_BY_BROWSERS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];
