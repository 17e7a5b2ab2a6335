//! What is known of each service: how it fared lately, and who is talking to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::breaker::{Breaker, Leave};
use super::budget::{Budget, Ticket};
use super::error::Reason;

/// So many services are remembered; URLs may come from anywhere, memory is bounded.
const MOST: usize = 1024;

/// All services that were called.
#[derive(Debug)]
pub struct Services {
    known: Mutex<HashMap<Arc<str>, Arc<Service>>>,
    concurrency: usize,
    breaker_calls: u32,
}

/// One service, or one foreign host.
#[derive(Debug)]
pub struct Service {
    places: Semaphore,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Health {
    budget: Budget,
    breaker: Breaker,
}

impl Services {
    /// None so far.
    pub fn new(concurrency: u32, breaker_calls: u32) -> Self {
        Self {
            known: Mutex::default(),
            concurrency: usize::try_from(concurrency).unwrap_or(Semaphore::MAX_PERMITS),
            breaker_calls,
        }
    }

    /// The one of this name, new if there was none.
    pub fn get(&self, name: &Arc<str>) -> Arc<Service> {
        let mut known = lock(&self.known);
        if let Some(service) = known.get(name) {
            return service.clone();
        }
        if known.len() >= MOST {
            // Those in use keep their place: another call holds them.
            known.retain(|_, service| Arc::strong_count(service) > 1);
        }
        let service = Arc::new(Service::new(self.concurrency, self.breaker_calls));
        known.insert(name.clone(), service.clone());
        service
    }
}

impl Service {
    fn new(concurrency: usize, breaker_calls: u32) -> Self {
        let now = Instant::now();
        let health = Health {
            budget: Budget::new(now),
            breaker: Breaker::new(now, breaker_calls),
        };
        Self {
            places: Semaphore::new(concurrency),
            health: Mutex::new(health),
        }
    }

    /// A place among the calls under way, and the breaker's leave.
    pub async fn enter(&self, deadline: Instant) -> Result<(SemaphorePermit<'_>, Leave), Reason> {
        let leave = self.health().breaker.ask(Instant::now());
        let leave = leave.ok_or(Reason::Open)?;
        let place = timeout_at(deadline, self.places.acquire()).await;
        // A place that comes with the last moment is none.
        let now = Instant::now();
        let place = place.ok().filter(|_| now < deadline).ok_or(Reason::Busy)?;
        self.health().budget.call(now);
        Ok((place.expect("never closed"), leave))
    }

    /// A retry, if the budget has one.
    pub fn retry(&self) -> Option<Ticket> {
        self.health().budget.retry(Instant::now())
    }

    /// A retry brought the answer.
    pub fn refund(&self, ticket: Ticket) {
        self.health().budget.refund(Instant::now(), ticket);
    }

    /// A call that was let in has ended.
    pub fn report(&self, leave: Leave, failed: bool) {
        self.health().breaker.report(Instant::now(), leave, failed);
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }
}

/// Nothing under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let services = Services::new(1, 20);
        let used = services.get(&"used".into());
        for number in 0..5000 {
            services.get(&format!("http://{number}").into());
        }
        assert!(lock(&services.known).len() <= MOST);
        assert!(Arc::ptr_eq(&used, &services.get(&"used".into())));
    }
}
