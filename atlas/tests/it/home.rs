//! A machine of a test's own: a home and a session in an empty directory, and the real program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use atlas::{Directory, Instance, InstanceId, Places, Realm, Snapshot, Store};
use tempfile::TempDir;

pub struct Home {
    dir: TempDir,
}

/// What a run of the program came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Home {
    pub fn new() -> Self {
        let home = Self {
            dir: TempDir::new().expect("a temporary directory"),
        };
        for below in ["run", "data"] {
            fs::create_dir(home.dir.path().join(below)).expect("a directory");
        }
        home
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// As the program finds them in this home.
    pub fn places(&self) -> Places {
        let (runtime, data) = (
            self.root().join("run/atlas"),
            self.root().join("data/atlas"),
        );
        Places { runtime, data }
    }

    pub fn hosts(&self) -> PathBuf {
        self.places().runtime.join("local/hosts")
    }

    pub fn store(&self) -> Directory {
        self.store_of("local")
    }

    pub fn store_of(&self, realm: &str) -> Directory {
        Directory::new(&self.places(), realm.parse().expect("a realm"))
    }

    pub fn read(&self) -> Snapshot {
        self.store().read().expect("a readable store")
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .env("HOME", self.root())
            .env("XDG_RUNTIME_DIR", self.root().join("run"))
            .env("XDG_DATA_HOME", self.root().join("data"));
        command
    }

    pub fn atlas(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_atlas"));
        command.args(words);
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Ran {
        let output = self
            .atlas(words)
            .stdin(Stdio::null())
            .output()
            .expect("a program");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("a text");
            text.replace(&*self.root().to_string_lossy(), "[ROOT]")
        };
        Ran {
            out: text(output.stdout),
            err: text(output.stderr),
            code: output.status.code().expect("an end of its own"),
        }
    }

    /// As [`run`](Self::run), where nothing may go wrong or be said beside the result.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) -> String {
        let ran = self.run(words);
        assert_eq!(
            (ran.err.as_str(), ran.code),
            ("", 0),
            "{words:?}: {}",
            ran.out
        );
        ran.out
    }

    /// As [`run`](Self::run), where nothing may come out but this error.
    #[track_caller]
    pub fn fails(&self, words: &[&str], code: i32, err: &str) {
        let expected = Ran {
            out: String::new(),
            err: err.to_owned(),
            code,
        };
        assert_eq!(self.run(words), expected, "{words:?}");
    }
}

/// Whether the tests run as root, who may read everything.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

pub fn id(text: &str) -> InstanceId {
    text.parse().expect("an instance")
}

pub fn instance(text: &str) -> Instance {
    Instance::new(
        id(text),
        "127.0.0.1".parse().expect("an address"),
        Realm::default(),
    )
}

pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Waits until it is so; far longer than it ever takes.
#[track_caller]
pub fn until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{what}: still not"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A program that runs beside the test; killed at its end.
pub struct Beside {
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Beside {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a program");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
