//! The calls that this service makes of others.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// More services than this share one label: their names come from URLs.
const MOST_SERVICES: usize = 100;

/// Calls by service and outcome.
#[derive(Debug)]
pub struct Calls {
    ended: Family<Call, Counter>,
    retries: Family<Service, Counter>,
    services: Mutex<HashSet<String>>,
}

impl Calls {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ended = Family::default();
        registry.register("client_requests", "Calls of other services", ended.clone());
        let retries = Family::default();
        let help = "Attempts after the first";
        registry.register("client_retries", help, retries.clone());
        Self {
            ended,
            retries,
            services: Mutex::default(),
        }
    }

    /// A call has ended: how, and how many attempts it took beyond the first. `outcome` is
    /// one of few words: a status class, a kind of error.
    pub fn end(&self, service: &str, outcome: &'static str, retries: u32) {
        let service = self.bounded(service).to_owned();
        let call = Call {
            service: service.clone(),
            outcome,
        };
        self.ended.get_or_create(&call).inc();
        let counter = self.retries.get_or_create(&Service { service });
        counter.inc_by(retries.into());
    }

    /// The service's name, or the one of all that come too late.
    fn bounded<'a>(&self, service: &'a str) -> &'a str {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if services.contains(service) {
            return service;
        }
        if services.len() >= MOST_SERVICES {
            return "other";
        }
        services.insert(service.to_owned());
        service
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    service: String,
    outcome: &'static str,
}
