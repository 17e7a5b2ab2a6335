//! Programs that run while a test looks on; whatever a test starts ends with it.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Run, Sandbox, until};

/// A running program; killed when it is dropped.
pub struct Live {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Live {
    /// Starts `command`, which then writes to two files in the sandbox.
    pub fn start(sandbox: &Sandbox, command: &mut Command) -> Self {
        let dir = tempfile::tempdir_in(sandbox.root()).expect("a directory for its words");
        let (stdout, stderr) = (dir.path().join("stdout"), dir.path().join("stderr"));
        // The sandbox takes it away.
        let _ = dir.keep();
        command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("a file"))
            .stderr(File::create(&stderr).expect("a file"));
        let child = command.spawn().expect("the program starts");
        // The same command may be run to its end later.
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn said(&self) -> String {
        text(&self.stderr)
    }

    /// What it has written to standard output so far.
    pub fn answered(&self) -> String {
        text(&self.stdout)
    }

    /// Waits until it has said `words` on standard error.
    #[track_caller]
    pub fn says(&mut self, words: &str) {
        until(words, || self.said().contains(words) || self.has_ended());
        let said = self.said();
        assert!(said.contains(words), "it ended without `{words}`: {said}");
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a process that listens");
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Run {
        until("its end", || self.has_ended());
        let status = self.child.wait().expect("a child");
        Run {
            code: status.code().unwrap_or(-1),
            stdout: self.answered(),
            stderr: self.said(),
        }
    }

    /// Kills it, and waits until everything it started is gone too.
    #[track_caller]
    pub fn kill(mut self, sandbox: &Sandbox) {
        // It may have ended by itself in this very moment.
        let _ = self.child.kill();
        self.child.wait().expect("a child");
        nobody_is_left(sandbox);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file of its words");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until no process of the sandbox is left.
#[track_caller]
pub fn nobody_is_left(sandbox: &Sandbox) {
    until("the end of every process", || processes(sandbox).is_empty());
}

/// Every process that has the sandbox in its environment, as each child of the generator has:
/// its id and its command line.
pub fn processes(sandbox: &Sandbox) -> Vec<(i32, String)> {
    let mark = sandbox.root();
    let mark = mark.as_os_str().as_bytes();
    let entries = fs::read_dir("/proc").expect("a Linux");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        // Ended meanwhile, or somebody else's: either way not ours.
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark)
    })
    .map(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        (id, String::from_utf8_lossy(&line).replace('\0', " "))
    })
    .collect()
}
