//! What the Sidecar tells of itself: a board that the driver writes on and `answers` reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atlas::{Realm, ServiceName};
use serde_json::{Value, json};

/// Upper edges of the histogram, in seconds.
const EDGES: [f64; 9] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0];

/// Counts of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub ready: usize,
    pub drained: usize,
    pub slots_free: usize,
}

/// Everything that is told.
#[derive(Clone, Debug)]
pub struct Told {
    pub realm: Realm,
    /// Shared, so that a copy costs nothing.
    pub services: Arc<BTreeMap<ServiceName, Counts>>,
    /// The registry could be read last time.
    pub connected: bool,
    /// There is a cluster, and it does not answer. What the host's directory says is no sign of it.
    pub is_away: bool,
    /// When it last could.
    pub heard: Instant,
    pub bad: usize,
    pub bad_seen: BTreeMap<&'static str, u64>,
    /// Instances that are routed though the registry knows them no more.
    pub doubted: usize,
    pub commands: u64,
    pub commands_failed: u64,
    pub reloads: u64,
    pub reloads_failed: u64,
    pub reload_last: Duration,
    pub reload_owed: bool,
    pub haproxy: Option<u32>,
    pub old_workers: usize,
    pub restarts: u64,
    /// From a change to the last command for it: counts by edge, and the sum.
    pub applied: [u64; EDGES.len()],
    pub applied_count: u64,
    pub applied_sum: Duration,
}

/// The board.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Told>>);

impl Board {
    pub fn new(realm: Realm) -> Self {
        Self(Arc::new(Mutex::new(Told {
            realm,
            services: Arc::default(),
            connected: false,
            is_away: false,
            heard: Instant::now(),
            bad: 0,
            bad_seen: BTreeMap::new(),
            doubted: 0,
            commands: 0,
            commands_failed: 0,
            reloads: 0,
            reloads_failed: 0,
            reload_last: Duration::ZERO,
            reload_owed: false,
            haproxy: None,
            old_workers: 0,
            restarts: 0,
            applied: [0; EDGES.len()],
            applied_count: 0,
            applied_sum: Duration::ZERO,
        })))
    }

    /// For readers: what takes them long does not keep the driver waiting.
    pub fn copy(&self) -> Told {
        self.told().clone()
    }

    pub fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// A change was applied so long after it was heard of.
    pub fn applied(&mut self, took: Duration) {
        let edges = EDGES.iter().zip(&mut self.applied);
        for (_, count) in edges.filter(|(edge, _)| took.as_secs_f64() <= **edge) {
            *count += 1;
        }
        self.applied_count += 1;
        self.applied_sum += took;
    }

    /// `/status`.
    pub fn status(&self) -> Value {
        let services = self.services.iter().map(|(name, counts)| {
            let counts = json!({ "ready": counts.ready, "drained": counts.drained, "slots_free": counts.slots_free });
            (name.to_string(), counts)
        });
        json!({
            "realm": self.realm.as_str(),
            "haproxy": self.haproxy,
            "registry_connected": self.connected,
            "reload_owed": self.reload_owed,
            "reloads": self.reloads,
            "haproxy_restarts": self.restarts,
            "bad_entries": self.bad,
            "doubted": self.doubted,
            "services": services.collect::<serde_json::Map<_, _>>(),
        })
    }

    /// `/metrics`, in Prometheus's text format.
    pub fn metrics(&self) -> String {
        let stale = if self.connected {
            Duration::ZERO
        } else {
            self.heard.elapsed()
        };
        let gauges = [
            (
                "atlas_registry_connected",
                f64::from(u8::from(self.connected)),
            ),
            ("atlas_stale_seconds", stale.as_secs_f64()),
            ("sidecar_reload_owed", f64::from(u8::from(self.reload_owed))),
            ("sidecar_reload_seconds", self.reload_last.as_secs_f64()),
            ("haproxy_up", f64::from(u8::from(self.haproxy.is_some()))),
            ("sidecar_brake_active", count(self.doubted)),
            ("atlas_bad_entries", count(self.bad)),
            ("haproxy_old_workers", count(self.old_workers)),
        ];
        let mut text = String::new();
        for (name, value) in gauges {
            text += &format!("# TYPE {name} gauge\n{name} {value}\n");
        }
        self.counters(&mut text);
        self.by_service(&mut text);
        self.histogram(&mut text);
        text
    }

    fn counters(&self, text: &mut String) {
        let pairs = [
            (
                "sidecar_runtime_commands_total",
                self.commands,
                self.commands_failed,
            ),
            ("sidecar_reloads_total", self.reloads, self.reloads_failed),
        ];
        for (name, done, failed) in pairs {
            *text += &format!(
                "# TYPE {name} counter\n{name}{{result=\"done\"}} {done}\n{name}{{result=\"failed\"}} {failed}\n"
            );
        }
        *text += &format!(
            "# TYPE haproxy_restarts_total counter\nhaproxy_restarts_total {}\n",
            self.restarts
        );
        *text += "# TYPE atlas_bad_entries_total counter\n";
        for (reason, seen) in &self.bad_seen {
            let _ = writeln!(
                text,
                "atlas_bad_entries_total{{reason=\"{reason}\"}} {seen}"
            );
        }
    }

    fn by_service(&self, text: &mut String) {
        *text += "# TYPE atlas_instances gauge\n";
        for (service, counts) in self.services.iter() {
            for (state, number) in [("ready", counts.ready), ("drained", counts.drained)] {
                let _ = writeln!(
                    text,
                    "atlas_instances{{service=\"{service}\",state=\"{state}\"}} {number}"
                );
            }
        }
        *text += "# TYPE sidecar_slots_free gauge\n";
        for (service, counts) in self.services.iter() {
            let _ = writeln!(
                text,
                "sidecar_slots_free{{service=\"{service}\"}} {}",
                counts.slots_free
            );
        }
    }

    fn histogram(&self, text: &mut String) {
        let name = "atlas_change_to_applied_seconds";
        let _ = writeln!(text, "# TYPE {name} histogram");
        for (edge, count) in EDGES.iter().zip(self.applied) {
            let _ = writeln!(text, "{name}_bucket{{le=\"{edge}\"}} {count}");
        }
        let (count, sum) = (self.applied_count, self.applied_sum.as_secs_f64());
        let _ = writeln!(
            text,
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}"
        );
    }
}

/// Exact up to four thousand million.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
