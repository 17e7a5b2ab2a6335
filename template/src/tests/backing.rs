//! Servers that tests start themselves, where their programs are installed: on a free port
//! of this machine, in a directory of their own, gone with the test.
//!
//! A test that finds no server cannot do what its name says. Then it says so on stderr and
//! ends; with `TEST_REQUIRE_SERVERS` in the environment, as in CI, it fails.

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::Value;

use super::client;
use super::server::Server;

/// The user `nobody`, for programs that refuse to run as root.
const NOBODY: u32 = 65534;

/// Lets a program run until this test's process says `kill` or closes the pipe, by its end
/// if need be. Then takes it down by its id: with its children and without a warning, or
/// after a moment in which it may tidy up.
const KEEPER: &str = r#"log="$1"; shift; "$@" >"$log" 2>&1 </dev/null & pid=$!
read -r word
[ "$word" = kill ] || { kill -QUIT $pid; sleep 0.1; }
kill -KILL $pid $(cat /proc/$pid/task/$pid/children) 2>/dev/null; wait $pid"#;

/// A directory and a port for a server, and the server while it runs.
pub struct Backing {
    pub port: u16,
    directory: PathBuf,
    keeper: Option<Child>,
}

impl Backing {
    /// A place for a server; it does not run yet.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-backing-{}-{count}", crate::NAME, std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).expect("a fresh directory");
        if is_root() {
            chown(&directory, Some(NOBODY), Some(NOBODY)).expect("root may do that");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        Self {
            port: address.port(),
            directory,
            keeper: None,
        }
    }

    #[cfg(feature = "database")]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[cfg(feature = "database")]
    /// Runs a program to its end.
    pub fn prepare(&self, program: &Path, arguments: &[&str]) {
        let mut command = self.command(program);
        let output = command.args(arguments).output().expect("a program");
        assert!(output.status.success(), "{output:?}");
    }

    /// Starts the server.
    pub fn start(&mut self, program: &Path, arguments: &[&str]) {
        let log = self.directory.join("server.log");
        let mut command = self.command(Path::new("sh"));
        command.args(["-c", KEEPER, "sh"]).arg(log).arg(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::null());
        self.keeper = Some(command.spawn().expect("a shell"));
    }

    /// Takes the server down, without a warning.
    pub fn kill(&mut self) {
        self.end("kill\n");
    }

    fn end(&mut self, word: &str) {
        if let Some(mut keeper) = self.keeper.take() {
            let mut pipe = keeper.stdin.take().expect("a pipe");
            // It listens, unless somebody has ended it.
            let _ = pipe.write_all(word.as_bytes());
            drop(pipe);
            let _ = keeper.wait();
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Backing {
    fn drop(&mut self) {
        self.end("");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// The program, if it is installed where programs are searched.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|directory| directory.join(name));
    programs.find(|program| program.is_file())
}

/// Says what was not tested; fails if that must not be.
pub fn skipped(missing: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let required = std::env::var_os("TEST_REQUIRE_SERVERS").is_some();
    assert!(!required, "{test}: {missing} is missing");
    // Unlike `eprintln!` this is shown when the test passes.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {missing} is missing");
}

/// What `/health/ready` says of one check.
pub fn outcome(server: &Server, check: &str) -> String {
    let answer = client::get(server.address, "/health/ready");
    let report: Value = serde_json::from_str(&answer.body).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|other| other["name"] == check);
    let outcome = check.expect("the check")["outcome"].as_str();
    outcome.expect("a word").to_owned()
}
