//! `haproxy.cfg`, the map and the static answers.
//!
//! Every line that is not obvious says why it is there: whoever reads the file has no other text
//! at hand. Numbers of what the lines are worth stand in `README.md`.

use std::net::SocketAddr;
use std::time::Duration;

use super::layout::{Backend, Layout, Slot};
use super::view::Admin;
use crate::home::{Header, PlainPath};

/// What stays the same while the Sidecar runs.
#[derive(Clone, Debug)]
pub struct Setup {
    pub listen: SocketAddr,
    pub stats: SocketAddr,
    pub header: Header,
    pub connect: Duration,
    /// The Sidecar's directory: sockets, map and static answers.
    pub home: PlainPath,
}

/// `haproxy.cfg`.
pub fn config(setup: &Setup, layout: &Layout) -> String {
    let parts = [
        head(setup),
        defaults(setup),
        frontends(setup),
        unknown(setup),
    ];
    let backends = layout
        .backends
        .iter()
        .map(|(name, slots)| backend(name, slots));
    parts.into_iter().chain(backends).collect()
}

/// The map: the routing header's value, and the backend for it. Always the canonical one.
pub fn map(layout: &Layout) -> String {
    let lines = layout
        .routes
        .iter()
        .map(|(service, backend)| format!("{service} {backend}\n"));
    lines.collect()
}

fn head(setup: &Setup) -> String {
    let home = &setup.home;
    format!(
        "\
# Written by `sidecar`; what is changed here by hand is undone with the next change of a service.

global
    # Where the Sidecar changes end points without a reload.
    stats socket {home}/admin.sock mode 600 level admin
    maxconn 4096
    # After a reload the old worker ends what it has in flight, for so long at most.
    hard-stop-after 60s

"
    )
}

fn defaults(setup: &Setup) -> String {
    let connect = setup.connect.as_millis();
    format!(
        "\
defaults
    mode http
    # This is also the pause before a retry, hence short; far hosts need more.
    timeout connect {connect}ms
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    # A reload answers once more before it closes an idle connection: without it clients lose requests.
    option idle-close-on-response
    # An instance that is gone is stepped over at once, on another server.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    http-reuse safe
    balance roundrobin
    # Nobody there: ask again in a second.
    errorfile 503 {home}/503.http

",
        home = setup.home
    )
}

fn frontends(setup: &Setup) -> String {
    let Setup {
        listen,
        stats,
        header,
        home,
        ..
    } = setup;
    format!(
        "\
frontend services
    bind {listen}
    # What may have arrived is never repeated, unless repeating it does no harm.
    http-request disable-l7-retry if !{{ method GET HEAD PUT DELETE OPTIONS }}
    # One look-up for any number of services; one ACL each would cost a comparison each.
    use_backend %[req.hdr({header}),lower,map({home}/services.map,unknown)]
    default_backend unknown

frontend stats
    bind {stats}
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /
    stats refresh 5s

"
    )
}

fn unknown(setup: &Setup) -> String {
    let home = &setup.home;
    format!(
        "\
# The Sidecar answers for services that nobody knows: 404 and near names; a plain 404 while it is away.
backend unknown
    errorfile 503 {home}/404.http
    server sidecar unix@{home}/answer.sock

"
    )
}

fn backend(name: &Backend, slots: &[Slot]) -> String {
    let why = match name {
        Backend::Spare(0) => {
            "# For services that come before the next reload.
"
        }
        _ => "",
    };
    let taken = slots.iter().rposition(Option::is_some);
    let first_free = taken.map_or(0, |last| last + 1);
    let lines = slots[..first_free].iter().enumerate();
    let lines = lines.map(|(index, slot)| server(index, slot.as_ref()));
    let free = free(first_free, slots.len());
    format!(
        "{why}backend {name}
{}{free}
",
        lines.collect::<String>()
    )
}

/// Slots for those who come; the port is one where nobody listens.
fn free(first: usize, slots: usize) -> String {
    if first == slots {
        return String::new();
    }
    let last = slots - 1;
    format!(
        "    server-template slot {first}-{last} 127.0.0.1:1 disabled
"
    )
}

/// A slot has no `check`: the Sidecar of the instance's own host looks whether it is ready.
fn server(index: usize, slot: Option<&(atlas::InstanceId, super::view::Endpoint)>) -> String {
    let Some((id, endpoint)) = slot else {
        return format!("    server slot{index} 127.0.0.1:1 disabled\n");
    };
    let disabled = match endpoint.admin {
        Admin::Ready => "",
        // What it has in flight is with the old worker, so it is as good as out.
        Admin::Drain => " disabled",
    };
    let (addr, weight) = (endpoint.addr, u16::from(endpoint.weight));
    format!("    server slot{index} {addr} weight {weight}{disabled} # {id}\n")
}

/// The answer of a service with nobody there.
pub fn nobody() -> String {
    answer(
        "503 Service Unavailable",
        "retry-after: 1\r\n",
        r#"{"title":"no instance of this service takes requests","status":503}"#,
    )
}

/// The answer for an unknown service while the Sidecar is away.
pub fn nowhere() -> String {
    answer(
        "404 Not Found",
        "",
        r#"{"title":"no such service","status":404}"#,
    )
}

/// A whole answer with a problem in JSON (RFC 9457).
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
