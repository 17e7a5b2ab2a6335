//! Does it refuse? Asked before somebody who left without a word is believed to be gone.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

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

/// Asks each once. Blocks, 100 ms for each sixteen at most.
pub fn once(asked: &Asked) -> Vec<InstanceId> {
    let asked: Vec<_> = asked.iter().collect();
    let share = asked.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = asked
            .chunks(share)
            .map(|share| {
                scope.spawn(move || share.iter().filter(|(_, at)| refuses(**at)).collect())
            })
            .collect();
        let refused: Vec<Vec<&(&InstanceId, _)>> = shares
            .into_iter()
            .filter_map(|share| share.join().ok())
            .collect();
        refused
            .into_iter()
            .flatten()
            .map(|(id, _)| (*id).clone())
            .collect()
    })
}

fn refuses(at: SocketAddr) -> bool {
    let answer = TcpStream::connect_timeout(&at, PATIENCE);
    answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}
