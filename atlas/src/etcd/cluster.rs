//! Which etcd, and who asks.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

use crate::Error;
use crate::error::io;

/// A cluster: its end points and, where it wants them, a user and certificates.
#[derive(Clone)]
pub struct Cluster {
    /// Each `http://HOST:PORT` or `https://HOST:PORT`; at least one.
    pub(crate) endpoints: Vec<String>,
    pub(crate) login: Option<Login>,
    /// Who may have signed the cluster's certificates; none: who signs for the world.
    pub(crate) authorities: Vec<Certificate<'static>>,
    pub(crate) own: Option<ClientCert>,
}

/// A user of etcd.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Cluster {
    /// The end points of a list: `http://a:2379,http://b:2379`.
    pub fn new(list: &str) -> Result<Self, Error> {
        let endpoints = list
            .split(',')
            .map(|endpoint| parse(endpoint.trim()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            endpoints,
            login: None,
            authorities: Vec::new(),
            own: None,
        })
    }

    /// The cluster that was named, or else the one of `ATLAS_ETCD`, with the user and the
    /// certificates of a process with this environment. `None`: there is none.
    pub fn find(
        named: Option<&str>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Error> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let list = named.map(OsString::from).or_else(|| env("ATLAS_ETCD"));
        let Some(list) = list else { return Ok(None) };
        let text = |value: OsString| value.to_string_lossy().into_owned();
        let mut cluster = Self::new(&text(list))?;
        cluster.login = env("ATLAS_ETCD_USER").map(|user| Login {
            user: text(user),
            password: env("ATLAS_ETCD_PASSWORD").map(text).unwrap_or_default(),
        });
        if let Some(path) = env("ATLAS_ETCD_CA") {
            cluster.authorities = certificates(Path::new(&path))?;
        }
        if let (Some(cert), Some(key)) = (env("ATLAS_ETCD_CERT"), env("ATLAS_ETCD_KEY")) {
            let chain = certificates(Path::new(&cert))?;
            cluster.own = Some(ClientCert::new_with_certs(&chain, key_of(Path::new(&key))?));
        }
        Ok(Some(cluster))
    }

    /// As a user of etcd.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some(Login {
            user: user.to_owned(),
            password: password.to_owned(),
        });
        self
    }

    /// With these authorities only: a file of certificates in PEM.
    pub fn trusting(mut self, path: &Path) -> Result<Self, Error> {
        self.authorities = certificates(path)?;
        Ok(self)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoints.join(","))
    }
}

impl fmt::Debug for Cluster {
    /// Without password and key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({self})")
    }
}

/// An end point has a scheme, a host and a port, and nothing behind them: a path or a password would
/// end up in messages.
fn parse(text: &str) -> Result<String, Error> {
    let refused = || Error::Name {
        what: "etcd address",
        given: text.to_owned(),
        rule: "is `http://HOST:PORT` or `https://HOST:PORT`",
    };
    let plain = text.trim_end_matches('/');
    let place = ["http://", "https://"]
        .iter()
        .find_map(|scheme| plain.strip_prefix(scheme))
        .ok_or_else(refused)?;
    let (host, port) = place.rsplit_once(':').ok_or_else(refused)?;
    let is_host = |c: char| c.is_ascii_alphanumeric() || "._-[]:".contains(c);
    let good = !host.is_empty() && host.chars().all(is_host);
    crate::names::parse_port(port)
        .ok()
        .filter(|_| good)
        .map(|_| plain.to_owned())
        .ok_or_else(refused)
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let items = pem(path)?.into_iter();
    let found: Vec<_> = items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(unusable(path, "certificate"));
    }
    Ok(found)
}

fn key_of(path: &Path) -> Result<PrivateKey<'static>, Error> {
    let items = pem(path)?.into_iter();
    let mut keys = items.filter_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    keys.next().ok_or_else(|| unusable(path, "private key"))
}

fn pem(path: &Path) -> Result<Vec<PemItem<'static>>, Error> {
    let text = std::fs::read(path).map_err(io("read", path))?;
    let items = parse_pem(&text).collect::<Result<_, _>>();
    items.map_err(|_| unusable(path, "PEM"))
}

fn unusable(path: &Path, what: &'static str) -> Error {
    let path: PathBuf = path.to_owned();
    Error::Certificate { path, what }
}

#[cfg(test)]
mod tests {
    use super::Cluster;

    #[test]
    fn end_points_are_parsed() {
        let cluster = Cluster::new("http://a:2379, https://[::1]:2380/").expect("a list");
        assert_eq!(cluster.to_string(), "http://a:2379,https://[::1]:2380");
        for bad in [
            "",
            "a:2379",
            "http://a",
            "http://:2379",
            "http://a:0",
            "ftp://a:1",
            "http://u:p@a:2379",
            "http://a:2379/v3",
            "http://a:2379,",
        ] {
            Cluster::new(bad).expect_err(bad);
        }
    }
}
