//! Where the instances of a service are, for when no Sidecar listens.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use super::url::ServiceName;
use crate::atlas::Lookup;

/// Knows instances by name. Asked once per call at most, and only when the Sidecar does
/// not listen; it must answer at once.
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

/// Those that the settings name; of all other services, those that Atlas knows.
#[derive(Debug)]
pub(super) struct Known {
    pub named: BTreeMap<ServiceName, Vec<SocketAddr>>,
    pub registered: Lookup,
}

impl Directory for Known {
    fn instances(&self, service: &ServiceName) -> Vec<SocketAddr> {
        match self.named.get(service) {
            Some(instances) => instances.clone(),
            None => self.registered.instances(service.as_str()),
        }
    }
}
