//! Where the instances of a service are, for when no Sidecar listens.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use super::url::ServiceName;

/// Knows instances by name. Asked once per call at most, and only when the Sidecar does
/// not listen; it must answer from memory.
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The addresses of the instances that take requests; none if there are none.
    fn instances(&self, service: &ServiceName) -> Vec<SocketAddr>;
}

/// The settings' `[api.instances]`.
impl Directory for BTreeMap<ServiceName, Vec<SocketAddr>> {
    fn instances(&self, service: &ServiceName) -> Vec<SocketAddr> {
        self.get(service).cloned().unwrap_or_default()
    }
}
