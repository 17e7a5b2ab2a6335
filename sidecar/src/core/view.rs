//! What is to be routed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use atlas::{InstanceId, ServiceName, Weight};

/// Every known service with its instances; one without any answers 503.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub services: BTreeMap<ServiceName, Endpoints>,
}

/// The instances of a service.
pub type Endpoints = BTreeMap<InstanceId, Endpoint>;

/// Where an instance answers, and what may go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub addr: SocketAddr,
    pub weight: Weight,
    pub admin: Admin,
}

/// What may go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// Requests.
    Ready,
    /// Nothing new; what is in flight ends in peace.
    Drain,
}

impl View {
    /// Instances that may have new requests.
    pub fn ready(&self) -> usize {
        let endpoints = self.services.values().flat_map(BTreeMap::values);
        endpoints.filter(|one| one.admin == Admin::Ready).count()
    }
}
