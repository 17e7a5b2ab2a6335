//! Ports for one test alone, whatever else runs on the machine.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::Range;
use std::time::Duration;

/// Ports that a test may call free.
pub const LENGTH: u16 = 120;

/// A run of free ports. A lock outside of the registry keeps other tests off, in this process
/// or any other.
pub struct Ground {
    pub first: u16,
    _lock: File,
}

impl Ground {
    pub fn find() -> Self {
        loop {
            if let Some(ground) = (11_000..32_000).step_by(200).find_map(Self::try_at) {
                return ground;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn try_at(first: u16) -> Option<Self> {
        let locks = std::env::temp_dir().join("atlas-test-ports");
        std::fs::create_dir_all(&locks).expect("a directory for locks");
        let lock = File::create(locks.join(first.to_string())).expect("a lock file");
        lock.try_lock().ok()?;
        run_of_free(first..first + 200).map(|first| Self { first, _lock: lock })
    }
}

fn run_of_free(block: Range<u16>) -> Option<u16> {
    let mut first = block.start;
    for port in block {
        if !is_free(port) {
            first = port + 1;
        } else if port + 1 - first == LENGTH {
            return Some(first);
        }
    }
    None
}

/// By other means than Atlas's own.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
        && TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_ok()
}
