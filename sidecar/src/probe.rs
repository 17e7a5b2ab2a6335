//! Does it refuse? Asked before somebody who left without a word is believed to be gone.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use atlas::InstanceId;

/// Who is asked.
pub type Asked = BTreeMap<InstanceId, SocketAddr>;

/// For a host that does not answer at all: no answer is no refusal.
const PATIENCE: Duration = Duration::from_millis(100);
/// The kernel frees a dying process's lock and its listener one after the other, in any order; so
/// the first answer may be of somebody who is all but dead.
const AGAIN: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(1),
    Duration::from_millis(3),
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(150),
];
/// Asked at once.
const THREADS: usize = 16;

/// Asks several times within 200 ms, and tells of refusals as they come. Blocks.
pub fn patiently(mut asked: Asked, tell: impl Fn(Vec<InstanceId>)) {
    for pause in AGAIN {
        thread::sleep(pause);
        let refused = once(&asked);
        asked.retain(|id, _| !refused.contains(id));
        if !refused.is_empty() {
            tell(refused);
        }
        if asked.is_empty() {
            return;
        }
    }
}

/// Since when who was asked over the network has not answered at all. Who cannot be called from here
/// for so long would be routed in vain: a host without power refuses nothing.
#[derive(Clone, Debug, Default)]
pub struct Silence(Arc<Mutex<BTreeMap<InstanceId, Instant>>>);

impl Silence {
    /// Asks each once; who refuses, and who has been silent for too long. Blocks, as [`once`] does.
    pub fn ask(&self, asked: &Asked, longest: Duration) -> Vec<InstanceId> {
        let answers = all(asked);
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_silent = |id: &InstanceId| {
            let far = !asked[id].ip().is_loopback();
            far && answers.get(id) == Some(&Answer::None)
        };
        since.retain(|id, _| asked.contains_key(id) && is_silent(id));
        let gone = answers.iter().filter(|(id, answer)| match answer {
            Answer::Refusal => true,
            _ if !is_silent(id) => false,
            _ => {
                let began = since.entry((*id).clone()).or_insert_with(Instant::now);
                began.elapsed() >= longest
            }
        });
        gone.map(|(id, _)| id.clone()).collect()
    }
}

/// What a host says to who wants a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Connection,
    Refusal,
    None,
}

/// Who refuses, of each asked once. Blocks, 100 ms for each sixteen at most.
pub fn once(asked: &Asked) -> Vec<InstanceId> {
    let answers = all(asked).into_iter();
    let refused = answers.filter(|(_, answer)| *answer == Answer::Refusal);
    refused.map(|(id, _)| id).collect()
}

fn all(asked: &Asked) -> BTreeMap<InstanceId, Answer> {
    let asked: Vec<_> = asked.iter().collect();
    let ask = |(id, at): &(&InstanceId, &SocketAddr)| ((*id).clone(), answer(**at));
    side_by_side(&asked, ask).into_iter().collect()
}

/// Asks each of them, on some threads. Blocks until all have answered.
pub fn side_by_side<T: Sync, A: Send>(asked: &[T], ask: impl Fn(&T) -> A + Copy + Send) -> Vec<A> {
    let share = asked.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = asked
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(ask).collect::<Vec<_>>()))
            .collect();
        let answers = shares.into_iter().filter_map(|share| share.join().ok());
        answers.flatten().collect()
    })
}

fn answer(at: SocketAddr) -> Answer {
    match TcpStream::connect_timeout(&at, PATIENCE) {
        Ok(_) => Answer::Connection,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Answer::Refusal,
        Err(_) => Answer::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(at: &str) -> Asked {
        let id = "a@there:1".parse().expect("an instance");
        Asked::from([(id, at.parse().expect("an address"))])
    }

    #[test]
    fn a_host_that_says_nothing_is_gone_after_a_while() {
        let (silence, longest) = (Silence::default(), Duration::from_millis(300));
        // Many at once, so that no connection leads there, whatever the network does.
        let nowhere = asked("224.0.0.1:9");
        assert!(silence.ask(&nowhere, longest).is_empty());
        thread::sleep(longest);
        assert_eq!(silence.ask(&nowhere, longest).len(), 1);
        assert!(once(&nowhere).is_empty());
    }

    #[test]
    fn who_answers_is_there_and_who_refuses_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = asked(&listener.local_addr().expect("an address").to_string());
        let silence = Silence::default();
        assert!(silence.ask(&at, Duration::ZERO).is_empty());
        drop(listener);
        assert_eq!(silence.ask(&at, Duration::from_secs(9)).len(), 1);
        assert_eq!(once(&at).len(), 1);
    }
}
