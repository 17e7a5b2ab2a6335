//! The master: who works, and reloads that are done when it says so.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};

use super::talk::{Until, ask};
use crate::command::failure::Failure;
use crate::home::PlainPath;

/// 5,000 services load in half a second.
const LONGEST_RELOAD: Duration = Duration::from_secs(15);

/// Between questions.
const PAUSE: Duration = Duration::from_millis(2);

/// What `show proc` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    pub master: u32,
    /// Since it started, failed ones included.
    pub reloads: u64,
    /// Since the last one that succeeded.
    pub failed: u64,
    pub worker: Option<u32>,
    /// Workers of former configurations that still have requests in flight.
    pub old: usize,
}

/// How a reload ended.
#[derive(Debug)]
pub enum Reloaded {
    /// There is a new worker with the new configuration.
    Done(Processes),
    /// The old worker goes on with the old one.
    Refused,
    /// Nobody can tell.
    Unknown(Failure),
}

/// Asks the master. `None`: there is none that listens. While it begins anew, for a few milliseconds
/// in each reload, that is so as well, or it closes the connection without an answer, an error.
pub fn processes(home: &PlainPath) -> Result<Option<Processes>, Failure> {
    let answer = ask(
        home.join("master.sock").as_ref(),
        "show proc",
        Until::EmptyLine,
    );
    match answer {
        Ok(answer) => parse(&answer)
            .map(Some)
            .ok_or_else(|| Failure::haproxy("HAProxy's master does not say who works")),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::system("ask HAProxy's master", &error)),
    }
}

/// Reloads, and waits until the master says how it ended.
pub fn reload(home: &PlainPath, master: Pid) -> Reloaded {
    let began = Instant::now();
    let before = loop {
        match processes(home) {
            Ok(Some(before)) => break before,
            // Somebody else has it begin anew just now.
            _ if lives(master) && began.elapsed() < LONGEST_RELOAD => thread::sleep(PAUSE),
            _ => return Reloaded::Unknown(Failure::haproxy("HAProxy is not there")),
        }
    };
    // The master closes without a word: it begins anew as another program image.
    let _ = ask(home.join("master.sock").as_ref(), "reload", Until::Closed);
    while lives(master) && began.elapsed() < LONGEST_RELOAD {
        match processes(home) {
            Ok(Some(now)) if now.reloads > before.reloads && now.failed > 0 => {
                return Reloaded::Refused;
            }
            Ok(Some(now)) if now.reloads > before.reloads && now.worker.is_some() => {
                return Reloaded::Done(now);
            }
            // While it begins anew it refuses connections, or closes them without an answer.
            _ => thread::sleep(PAUSE),
        }
    }
    Reloaded::Unknown(Failure::haproxy("HAProxy did not say that it has reloaded"))
}

/// Whether that process is there.
pub fn lives(master: Pid) -> bool {
    test_kill_process(master).is_ok()
}

/// Reads the table of `show proc`. `None` if it is none, as while the master begins anew.
fn parse(answer: &str) -> Option<Processes> {
    let mut found = Processes::default();
    let mut is_old = false;
    for line in answer.lines() {
        is_old |= line.starts_with("# old");
        let words: Vec<&str> = line.split_whitespace().collect();
        let pid = words.first().and_then(|word| word.parse::<u32>().ok());
        match (pid, words.get(1)) {
            (Some(pid), Some(&"master")) => {
                found.master = pid;
                found.reloads = words.get(2)?.parse().ok()?;
                let failed = line.split_once("[failed: ")?.1;
                found.failed = failed.split_once(']')?.0.parse().ok()?;
            }
            (Some(_), Some(&"worker")) if is_old => found.old += 1,
            (Some(pid), Some(&"worker")) => found.worker = Some(pid),
            _ => {}
        }
    }
    (found.master != 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_table_is_read() {
        let table = "#<PID>  <type>  <reloads>  <uptime>  <version>\n\
            12758   master   2 [failed: 1]   0d00h00m06s     2.6.12\n\
            # workers\n12953   worker   1   0d00h00m03s   2.6.12\n\
            # old workers\n12762   worker   2   0d00h00m09s   2.6.12\n# programs\n\n";
        let found = parse(table).expect("a table");
        assert_eq!((found.master, found.reloads, found.failed), (12758, 2, 1));
        assert_eq!((found.worker, found.old), (Some(12953), 1));
        assert_eq!(parse("garbage\n1 master\n\n"), None);
        assert_eq!(parse(""), None);
    }
}
