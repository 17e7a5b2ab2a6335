//! A home of its own for each test, and the real program in it.
//!
//! Quiet and exact by default, like the program: what a run is not expected to say fails it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;
use std::time::{Duration, Instant, SystemTime};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// How long a test waits for anything, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(150);

/// Tests that run cargo offline need what the template depends on, for every platform.
static DOWNLOADED: Once = Once::new();

fn download() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
    let mut cargo = Command::new("cargo");
    Run::of(cargo.args(["fetch", "--locked"]).current_dir(template)).ok();
}

/// A directory with a home and a place to work in; gone when it is dropped.
pub struct Sandbox {
    dir: TempDir,
}

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        DOWNLOADED.call_once(download);
        let dir = TempDir::with_prefix("generate-service-test-").expect("a temporary directory");
        for name in ["home", "work"] {
            fs::create_dir(dir.path().join(name)).expect("a directory in the sandbox");
        }
        Self { dir }
    }

    /// `$HOME`
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// The working directory.
    pub fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// Without links, as the program says it.
    pub fn root(&self) -> PathBuf {
        self.dir
            .path()
            .canonicalize()
            .expect("the sandbox is there")
    }

    /// Atlas's directory, where nobody names another.
    pub fn atlas(&self) -> PathBuf {
        self.home().join(".local/share/atlas")
    }

    /// The program, ready to run in `work`.
    pub fn generator(&self) -> Command {
        let mut command = self.command(cargo_bin!("generate-service"));
        command.current_dir(self.work());
        command
    }

    /// Any program in this environment: nothing of the developer's but cargo and its downloads.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let real_home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        let or_home = |variable: &str, name: &str| {
            std::env::var_os(variable).map_or_else(|| real_home.join(name), PathBuf::from)
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("CARGO_HOME", or_home("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", or_home("RUSTUP_HOME", ".rustup"))
            .env("XDG_CACHE_HOME", shared_cache())
            .env("ATLAS_DIR", self.root().join("run"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("TERM", "xterm");
        command
    }

    /// Runs the program with `words`.
    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.generator().args(words))
    }

    /// Writes a file below the sandbox, directories included.
    pub fn write(&self, path: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a path in the sandbox")).expect("directories");
        fs::write(&path, text).expect("a file in the sandbox");
        path
    }

    /// `text` with the sandbox's own path as `[ROOT]`.
    pub fn anonymous(&self, text: &str) -> String {
        text.replace(&self.root().display().to_string(), "[ROOT]")
    }

    /// The program, with a target directory that is warm: for tests that are not about `target/`.
    pub fn warm_generator(&self) -> Command {
        let mut command = self.generator();
        command.env("CARGO_TARGET_DIR", warm_target());
        command
    }

    /// The ports that Atlas holds, as `ports/5000` and `claims/5001`; empty before the first run.
    pub fn promises(&self) -> Vec<String> {
        let in_dir = |name: &str| match self.atlas().join(name) {
            dir if dir.exists() => listing(&dir),
            _ => Vec::new(),
        };
        let named = |name: &'static str| {
            let ports = in_dir(name).into_iter();
            ports.map(move |port| format!("{name}/{port}"))
        };
        named("claims").chain(named("ports")).collect()
    }

    /// Fails unless the ports of the services in `work` are all different and just those that
    /// Atlas has promised, with no claim left.
    #[track_caller]
    pub fn ports_agree(&self) {
        let entries = fs::read_dir(self.work()).expect("work");
        let records = entries.map(|entry| entry.expect("an entry").path().join("service.toml"));
        let texts = records.filter_map(|record| fs::read_to_string(record).ok());
        let mut ports = texts
            .filter_map(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix("port = "));
                line.map(|port| format!("ports/{port}"))
            })
            .collect::<Vec<_>>();
        ports.sort();
        assert_eq!(self.promises(), ports);
        ports.dedup();
        assert_eq!(self.promises(), ports, "two services have one port");
    }

    /// Every path below `work`, relative, sorted; `.git` and `target` are not looked into.
    pub fn listing(&self) -> Vec<String> {
        listing(&self.work())
    }
}

impl Run {
    /// Runs `command` to its end, standard input empty.
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdin(std::process::Stdio::null()).output();
        Self::from(output.expect("the program runs"))
    }

    /// Fails unless the run ended well; hands it on.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(
            self.code, 0,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }

    /// Fails unless the run said exactly this on standard error and nothing else, and exited
    /// with `code`.
    #[track_caller]
    pub fn fails(self, code: i32, stderr: &str) {
        assert_eq!(self.stderr, stderr);
        assert_eq!(self.stdout, "");
        assert_eq!(self.code, code);
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A shell script in the sandbox, ready to be run. Written by another process: while this one
/// starts programs in many threads, a file that it writes itself may be "busy" when run.
pub fn script(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let source = sandbox.write(format!("{name}.sh"), &format!("#!/bin/sh\n{text}"));
    let path = sandbox.root().join(name);
    let mut install = sandbox.command("install");
    Run::of(install.args(["-m", "755"]).arg(source).arg(&path)).ok();
    path
}

/// Where the services of many tests share their compiled dependencies.
pub fn warm_target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("warm")
}

/// Where the services of all tests find what others of them have compiled.
fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// Every path below `dir`, relative, sorted; `.git` and `target` are named, not looked into.
pub fn listing(dir: &Path) -> Vec<String> {
    let closed = |path: &Path| path.ends_with(".git") || path.ends_with("target");
    walkdir::WalkDir::new(dir)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !entry.path().parent().is_some_and(closed))
        .map(|entry| {
            let entry = entry.expect("the sandbox can be read");
            let path = entry.path().strip_prefix(dir).expect("below it");
            path.display().to_string()
        })
        .collect()
}

/// Looks until `ready`, and fails when that takes too long.
#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everything below `dir`: path, mode, time of the last change, bytes.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u32, SystemTime, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(dir).into_iter();
    entries
        .map(|entry| {
            let entry = entry.expect("the sandbox can be read");
            let meta = entry.metadata().expect("metadata");
            let bytes = if meta.is_file() {
                fs::read(entry.path()).expect("a file")
            } else {
                Vec::new()
            };
            let modified = meta.modified().expect("a time");
            let state = (meta.permissions().mode(), modified, bytes);
            (entry.into_path(), state)
        })
        .collect()
}
