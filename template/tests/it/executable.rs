//! The real executable: started with exactly the environment a test gives it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::NAME;
use crate::client::PATIENCE;
use crate::scratch::Scratch;

/// The running executable; killed when dropped.
pub struct Executable {
    child: Child,
    lines: Receiver<String>,
    directory: Scratch,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub code: Option<i32>,
    pub stderr: String,
}

impl Executable {
    /// On a free port, in an empty directory.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let port = [("PORT", "0")];
        Self::start_in(Scratch::new(), &[&port, settings].concat())
    }

    /// In `directory`, with `settings`, each `<PREFIX>_<KEY>`, and nothing else.
    pub fn start_in(directory: Scratch, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|&(key, value)| (variable(key), value));
        let mut command = Command::new(path());
        command.current_dir(directory.path()).env_clear();
        // Nor the registry of this machine.
        command.env("ATLAS_DIR", directory.path().join("atlas"));
        command.env("ATLAS", directory.path().join("atlas-data"));
        // Not what a developer may have running: nobody listens on port 1.
        #[cfg(feature = "database")]
        command.env(variable("DATABASE__URL"), "postgres://nobody@127.0.0.1:1/a");
        #[cfg(feature = "redis")]
        command.env(variable("REDIS__URL"), "redis://127.0.0.1:1");
        let mut child = command
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable, built by `cargo test`");
        let lines = follow(child.stdout.take().expect("a pipe"));
        Self {
            child,
            lines,
            directory,
        }
    }

    /// The next line of the log, as it stands.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("one more line in the log")
    }

    /// The next line of the log that has this message; lines before it are skipped.
    pub fn event(&self, message: &str) -> Value {
        let lines = std::iter::repeat_with(|| self.line());
        lines
            .map(|line| serde_json::from_str::<Value>(&line).expect("a line of JSON"))
            .find(|event| event["message"] == message)
            .expect("an endless iterator")
    }

    /// Where it listens, once it does.
    pub fn address(&self) -> SocketAddr {
        let event = self.event("listening");
        let address = event["address"].as_str().expect("an address");
        address.parse().expect("an address")
    }

    /// Sends SIGTERM. By way of the shell: it has `kill` built in.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("a shell").success());
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
    }

    /// Whether there is such a file or directory in its directory.
    pub fn has(&self, file: &str) -> bool {
        self.directory.path().join(file).exists()
    }

    /// What stands in a file of its directory; nothing if it is not there.
    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.directory.path().join(file)).unwrap_or_default()
    }

    /// Waits for its end.
    pub fn end(mut self) -> End {
        self.wait()
    }

    /// Waits for its end, and leaves the directory as it is.
    pub fn wait(&mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it still runs"),
                None => thread::sleep(PATIENCE / 2000),
            }
        };
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("text");
        End {
            code: status.code(),
            stderr,
        }
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The full name of the variable for a key: `PORT` is `ORDERS_PORT` in `orders`.
pub fn variable(key: &str) -> String {
    format!("{}_{key}", NAME.to_uppercase().replace('-', "_"))
}

/// The executable, in a directory that has nothing of its settings and with no variables.
pub fn command() -> Command {
    let mut command = Command::new(path());
    command.current_dir("/").env_clear();
    command
}

/// Asked for at run time: a path compiled in would be wrong once the project has moved.
fn path() -> PathBuf {
    let given = std::env::var_os(format!("CARGO_BIN_EXE_{NAME}"));
    given.map_or_else(beside_this_test, PathBuf::from)
}

/// Tests are in `target/<profile>/deps`, executables one level up.
fn beside_this_test() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("a target directory");
    profile
        .join(NAME)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn follow(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut read = BufReader::new(stdout).lines().map_while(Result::ok);
        read.try_for_each(|line| sender.send(line))
    });
    lines
}
