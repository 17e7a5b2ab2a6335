//! The one parser of names. What it lets through can stand in a file name, in `haproxy.cfg` and on
//! `HAProxy`'s socket, where a `;` or a newline would be a command: no type here can hold either.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A type whose every value was let through by `$passes`; `$rule` is what a refusal says.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $passes:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The text, which matches the rule.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;

            fn try_from(given: String) -> Result<Self, Error> {
                let passes: fn(&str) -> bool = $passes;
                if passes(&given) {
                    return Ok(Self(given));
                }
                Err(Error::Name { what: $what, given, rule: $rule })
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(given: &str) -> Result<Self, Error> {
                Self::try_from(given.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A service's name: also the host of `service://` URLs and the value of the routing header.
    ServiceName,
    "service name",
    "matches `[a-z][a-z0-9-]{0,62}`",
    is_label
);
name!(
    /// An environment: `local`, `test`, `prod`. Instances of one never see those of another.
    /// It names a folder beside those of the machine's ports, hence the three that are taken.
    Realm,
    "realm",
    "matches `[a-z][a-z0-9-]{0,62}` and is none of `ports`, `claims`, `services`",
    |name| is_label(name) && !["ports", "claims", "services"].contains(&name)
);
name!(
    /// A machine, as it calls itself.
    Host,
    "host",
    "matches `[A-Za-z0-9.-]{1,253}`",
    |name| is_made_of(name, 253, is_host_letter)
);
name!(
    /// What of the service runs: `1.4.0`, or a commit.
    Release,
    "version",
    "matches `[A-Za-z0-9.+_-]{1,64}`",
    |name| is_made_of(name, 64, |c| c.is_ascii_alphanumeric() || ".+_-".contains(c))
);
name!(
    /// The path that answers 200 while the instance can take requests.
    Health,
    "health path",
    "matches `/[A-Za-z0-9/._~-]{0,199}`",
    |path| path.starts_with('/')
        && is_made_of(path, 200, |c| c.is_ascii_alphanumeric() || "/._~-".contains(c))
);
name!(
    /// The key of a setting; a dot leads into a table.
    SettingKey,
    "setting",
    "matches `[a-z][a-z0-9_.-]{0,126}`",
    |key| key.starts_with(|c: char| c.is_ascii_lowercase())
        && is_made_of(key, 127, |c| is_label_letter(c) || "_.".contains(c))
);

impl Default for Realm {
    /// `local`: a developer's machine.
    fn default() -> Self {
        Self("local".to_owned())
    }
}

impl Host {
    /// This machine. A letter that no host may have, such as `_`, becomes a `-`.
    #[must_use]
    pub fn this() -> Self {
        let system = rustix::system::uname();
        let name = system.nodename().to_string_lossy();
        let letters = name.chars().take(253);
        let name: String = letters
            .map(|c| if is_host_letter(c) { c } else { '-' })
            .collect();
        Self(if name.is_empty() {
            "localhost".to_owned()
        } else {
            name
        })
    }
}

/// One instance of a service. Its text, `identity@host001:5000`, is the name of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// The service.
    pub service: ServiceName,
    /// The machine it runs on.
    pub host: Host,
    /// The port it listens on there.
    pub port: NonZeroU16,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}:{}", self.service, self.host, self.port))
    }
}

impl FromStr for InstanceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let target: Target = text.parse()?;
        match (target.host, target.port) {
            (Some(host), Some(port)) => Ok(Self {
                service: target.service,
                host,
                port,
            }),
            _ => Err(Error::Name {
                what: "instance",
                given: text.to_owned(),
                rule: "looks like `service@host:port`",
            }),
        }
    }
}

/// Instances as an operator names them: `SERVICE[@HOST[:PORT]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The service.
    pub service: ServiceName,
    /// One machine, or all.
    pub host: Option<Host>,
    /// One port there, or all; never without a host.
    pub port: Option<NonZeroU16>,
}

impl Target {
    /// Whether it means this instance.
    #[must_use]
    pub fn means(&self, id: &InstanceId) -> bool {
        self.service == id.service
            && self.host.as_ref().is_none_or(|host| *host == id.host)
            && self.port.is_none_or(|port| port == id.port)
    }

    /// The instance, where it names exactly one, running or not.
    #[must_use]
    pub fn exact(&self) -> Option<InstanceId> {
        let (host, port) = (self.host.clone()?, self.port?);
        Some(InstanceId {
            service: self.service.clone(),
            host,
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.service)?;
        self.host.iter().try_for_each(|host| write!(f, "@{host}"))?;
        self.port.iter().try_for_each(|port| write!(f, ":{port}"))
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (service, place) = match text.split_once('@') {
            Some((service, place)) => (service, Some(place)),
            None => (text, None),
        };
        let (host, port) = match place.map(|place| place.split_once(':').ok_or(place)) {
            None => (None, None),
            Some(Err(host)) => (Some(host), None),
            Some(Ok((host, port))) => (Some(host), Some(port)),
        };
        Ok(Self {
            service: service.parse()?,
            host: host.map(str::parse).transpose()?,
            port: port.map(parse_port).transpose()?,
        })
    }
}

/// A port: `5000`, but not `05000`, `+5000` or `0`, so that each has one spelling.
pub fn parse_port(text: &str) -> Result<NonZeroU16, Error> {
    let plain = text.starts_with(|c: char| matches!(c, '1'..='9'));
    let port = text.parse().ok().filter(|_| plain);
    port.ok_or_else(|| Error::Name {
        what: "port",
        given: text.to_owned(),
        rule: "is a number from 1 to 65535",
    })
}

/// `[a-z][a-z0-9-]{0,62}`: what DNS, `HAProxy` and file systems all take.
pub(crate) fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && is_made_of(name, 63, is_label_letter)
}

fn is_label_letter(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

fn is_host_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == '-'
}

fn is_made_of(text: &str, longest: usize, letter: fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= longest && text.chars().all(letter)
}
