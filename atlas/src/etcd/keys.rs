//! Names to keys and back. A slash is in no name, so a key is read in one way only.

use crate::names::{InstanceId, Realm, ServiceName};
use crate::store::Fact;

pub(crate) const PORTS: &str = "/atlas/v1/ports/";

/// What a key of a realm speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Instance(InstanceId),
    Enabled(InstanceId),
    Settings(ServiceName),
    Unknown,
}

/// Everything of a realm. `ports` is no realm's name.
pub(crate) fn realm(realm: &Realm) -> String {
    format!("/atlas/v1/{realm}/")
}

pub(crate) fn instance(of: &Realm, id: &InstanceId) -> String {
    let InstanceId {
        service,
        host,
        port,
    } = id;
    format!("{}hosts/{service}/{host}:{port}", realm(of))
}

pub(crate) fn fact(of: &Realm, fact: &Fact) -> String {
    match fact {
        Fact::Disabled(id) => instance(of, id) + "/enabled",
        Fact::Settings(service) => format!("{}settings/{service}", realm(of)),
        Fact::Port(port) => format!("{PORTS}{port}"),
    }
}

/// What this key of the realm speaks of.
pub(crate) fn parse(of: &Realm, key: &[u8]) -> Key {
    let text = std::str::from_utf8(key).ok();
    let below = text.and_then(|text| text.strip_prefix(realm(of).as_str()));
    below.and_then(known).unwrap_or(Key::Unknown)
}

fn known(below: &str) -> Option<Key> {
    if let Some(service) = below.strip_prefix("settings/") {
        return service.parse().ok().map(Key::Settings);
    }
    let (service, place) = below.strip_prefix("hosts/")?.split_once('/')?;
    let (place, what) = match place.strip_suffix("/enabled") {
        Some(place) => (place, Key::Enabled as fn(InstanceId) -> Key),
        None => (place, Key::Instance as fn(InstanceId) -> Key),
    };
    format!("{service}@{place}").parse().ok().map(what)
}

/// A key that can be printed, whatever somebody has called it.
pub(crate) fn safe(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> InstanceId {
        "identity@host001:5000".parse().expect("an instance")
    }

    fn parsed(below: &str) -> Key {
        parse(
            &Realm::default(),
            format!("/atlas/v1/local/{below}").as_bytes(),
        )
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let service: ServiceName = "identity".parse().expect("a name");
        let keys = [
            (instance(&Realm::default(), &id()), Key::Instance(id())),
            (
                fact(&Realm::default(), &Fact::Disabled(id())),
                Key::Enabled(id()),
            ),
            (
                fact(&Realm::default(), &Fact::Settings(service.clone())),
                Key::Settings(service),
            ),
        ];
        for (key, what) in keys {
            assert_eq!(parse(&Realm::default(), key.as_bytes()), what, "{key}");
        }
    }

    #[test]
    fn what_is_spelled_otherwise_is_unknown() {
        let others = [
            "hosts/identity/host001:05000",
            "hosts/identity/host001",
            "hosts/identity/host001:5000/",
            "hosts/identity/host001:5000/enabled/enabled",
            "hosts/Identity/host001:5000",
            "hosts/identity@host001:5000",
            "hosts/identity/a@b:5000",
            "settings/",
            "settings/identity/limits",
            "",
        ];
        for other in others {
            assert_eq!(parsed(other), Key::Unknown, "{other}");
        }
        assert_eq!(
            parse(&Realm::default(), b"/atlas/v1/test/settings/identity"),
            Key::Unknown
        );
        assert_eq!(
            parse(&Realm::default(), b"/atlas/v1/local/settings/\xff"),
            Key::Unknown
        );
    }
}
