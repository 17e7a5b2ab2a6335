//! Requests without a pause, by several at once, while something else happens to the
//! service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{send, wait_until};

/// So many send at once.
const SENDERS: usize = 4;

/// Who sends, and how far they have come.
pub struct Load {
    address: SocketAddr,
    state: Arc<State>,
    senders: Vec<JoinHandle<Seen>>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// 200 and 201.
    pub served: usize,
    /// 503, as a problem.
    pub unavailable: usize,
    /// How long the slowest answer took.
    pub slowest: Duration,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    served: AtomicUsize,
    unavailable: AtomicUsize,
}

impl Load {
    /// `request` is method and path. Whoever gets no answer or an unexpected one panics,
    /// which `stop` passes on. One more asks for `/health/live` all the time.
    pub fn start(address: SocketAddr, request: &'static str, body: &'static str) -> Self {
        let state = Arc::<State>::default();
        let sender = |request, body| {
            let state = state.clone();
            thread::spawn(move || state.send(address, request, body))
        };
        let mut senders: Vec<_> = (0..SENDERS).map(|_| sender(request, body)).collect();
        let lives = state.clone();
        senders.push(thread::spawn(move || lives.live(address)));
        Self {
            address,
            state,
            senders,
        }
    }

    /// Waits until many more requests have been served.
    pub fn wait_for_service(&self) {
        self.wait("requests are served", &self.state.served, 10 * SENDERS);
    }

    /// Waits until some more requests have been refused: each sender's, as a rule.
    pub fn wait_for_refusals(&self) {
        self.wait("requests fail", &self.state.unavailable, SENDERS);
    }

    fn wait(&self, what: &str, count: &AtomicUsize, more: usize) {
        let goal = count.load(Ordering::Relaxed) + more;
        wait_until(what, || {
            let ended = self.senders.iter().any(JoinHandle::is_finished);
            assert!(!ended, "a sender at {} has panicked", self.address);
            count.load(Ordering::Relaxed) >= goal
        });
    }

    /// Ends it; what was seen by all.
    pub fn stop(self) -> Seen {
        self.state.stop.store(true, Ordering::Relaxed);
        let seen = self.senders.into_iter().map(JoinHandle::join);
        seen.fold(Seen::default(), |all, one| all.and(one.expect("no panic")))
    }
}

impl State {
    fn send(&self, address: SocketAddr, request: &str, body: &str) -> Seen {
        let json = ["content-type: application/json"];
        let mut seen = Seen::default();
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let answer = send(address, request, &json, body);
            seen.slowest = seen.slowest.max(begun.elapsed());
            if matches!(answer.status, 200 | 201) {
                seen.served += 1;
                self.served.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let kind = answer.header("content-type");
            let problem = kind == Some("application/problem+json");
            assert!(answer.status == 503 && problem, "{}", answer.body);
            assert!(answer.body.contains("is away"), "{}", answer.body);
            seen.unavailable += 1;
            self.unavailable.fetch_add(1, Ordering::Relaxed);
        }
        seen
    }

    fn live(&self, address: SocketAddr) -> Seen {
        let mut seen = Seen::default();
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let answer = send(address, "GET /health/live", &[], "");
            assert_eq!(answer.status, 200);
            seen.slowest = seen.slowest.max(begun.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        seen
    }
}

impl Seen {
    fn and(self, other: Self) -> Self {
        Self {
            served: self.served + other.served,
            unavailable: self.unavailable + other.unavailable,
            slowest: self.slowest.max(other.slowest),
        }
    }
}
