//! URLs: `service://NAME/path?query`, and plain `http(s)://` ones. Strict, since what
//! passes here is sent as it stands.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// The longest name: that of a DNS label, so that it can become one.
const LONGEST_NAME: usize = 63;

/// The name of a service: `a` to `z`, then also digits and `-`, at most 63 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServiceName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let tail = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let valid = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(tail)
            && text.len() <= LONGEST_NAME;
        if valid {
            Ok(Self(text.into()))
        } else {
            Err("expected a service's name: a to z, then also digits and -, at most 63")
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A service of ours, by name. The name is never looked up in the DNS.
    Service(ServiceName, PathAndQuery),
    /// Any other server.
    Plain(Uri),
}

impl Target {
    /// Under which name it is limited and reported: the service's, or scheme and host.
    pub fn key(&self) -> Arc<str> {
        match self {
            Self::Service(name, _) => name.0.clone(),
            Self::Plain(uri) => {
                let scheme = uri.scheme_str().unwrap_or_default();
                let authority = uri.authority().map_or("", |authority| authority.as_str());
                format!("{scheme}://{}", authority.to_ascii_lowercase()).into()
            }
        }
    }

    /// The path without the query, which may hold what no log should.
    pub fn path(&self) -> &str {
        match self {
            Self::Service(_, path) => path.path(),
            Self::Plain(uri) => uri.path(),
        }
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("expected service://, http:// or https://");
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = checked(path)?;
        match scheme {
            "service" => Ok(Self::Service(authority.parse()?, path)),
            "http" | "https" => plain(scheme, authority, path).map(Self::Plain),
            _ => Err("expected service://, http:// or https://"),
        }
    }
}

/// No user and password: they would be logged and end up in places of their own.
fn plain(scheme: &str, authority: &str, path: PathAndQuery) -> Result<Uri, &'static str> {
    const EXPECTED: &str = "expected a host, and perhaps a port";
    if authority.contains('@') {
        return Err(EXPECTED);
    }
    let uri = Uri::builder().scheme(scheme).authority(authority);
    let uri = uri.path_and_query(path).build().map_err(|_| EXPECTED)?;
    // A colon outside of an IPv6 address begins a port, which then must be one.
    let tail = authority
        .rsplit_once(']')
        .map_or(authority, |(_, tail)| tail);
    let port = !tail.contains(':') || uri.port_u16().is_some();
    let host = uri.host().is_some_and(|host| !host.is_empty());
    Some(uri).filter(|_| host && port).ok_or(EXPECTED)
}

/// The path and query of RFC 3986, nothing more: a byte that one server reads in another
/// way than the next is how requests get smuggled. No path is `/`.
fn checked(path: &str) -> Result<PathAndQuery, &'static str> {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                digit() && digit()
            }
            _ => byte.is_ascii_graphic() && !br##""#<>[\]^`{|}"##.contains(&byte),
        };
        if !fits {
            return Err("expected a path and a query, other characters as %XX");
        }
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    PathAndQuery::try_from(format!("{slash}{path}")).map_err(|_| "expected a shorter URL")
}

/// `text` as one segment of a path, or one name or value of a query.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
