//! `cargo bench --bench warm`: what a first build costs, and what the next one does.
//!
//! Whole processes from exec to exit, wall and CPU (their own and their children's), medians. As
//! many runs as `RUNS` says, 5 if it says nothing; `PARTS` are words for `--with`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

fn main() {
    let bench = Bench::new();
    Table::head();
    // In this order: the first fills the cache that the second uses.
    let cold = bench.measure(|_| bench.generate_cold());
    let table = Table { first: cold };
    table.row("(a) generate-service a, cold", cold, "");
    let bare = bench.bare();
    table.row("    bare cargo build of the own crate", bare, "");
    let warm = bench.measure(|run| bench.generate_warm(run));
    let times = warm.wall.as_secs_f64() / bare.wall.as_secs_f64();
    table.row(
        "(b) generate-service b, warm",
        warm,
        &format!("{times:.2} x bare"),
    );
    let by_hand = bench.measure(|run| bench.by_hand(run, None));
    table.row("(c) cargo new, same manifest, cargo build", by_hand, "");
    match sccache() {
        Some(wrapper) => {
            bench.by_hand(0, Some(&wrapper));
            let cached = bench.measure(|run| bench.by_hand(run, Some(&wrapper)));
            table.row("(d) the same, sccache warm", cached, "");
        }
        None => Table::line("(d) the same, sccache warm", "not installed"),
    }
    let mebibytes = bench.disk_of_another() >> 20;
    Table::line(
        "(e) disk that b adds",
        &format!("{mebibytes} MiB, goal: 60"),
    );
}

/// What a process took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

struct Bench {
    dir: TempDir,
    runs: u32,
    parts: Option<String>,
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        fs::create_dir(dir.path().join("work")).expect("a directory in it");
        let runs = std::env::var("RUNS")
            .ok()
            .and_then(|runs| runs.parse().ok());
        Self {
            dir,
            runs: runs.unwrap_or(5),
            parts: std::env::var("PARTS").ok(),
        }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The medians of as many runs as are wanted, wall and CPU each for itself.
    fn measure(&self, run: impl Fn(u32) -> Cost) -> Cost {
        let costs = (0..self.runs.max(1)).map(run).collect::<Vec<_>>();
        let median = |cost: fn(&Cost) -> Duration| {
            let mut times = costs.iter().map(cost).collect::<Vec<_>>();
            times.sort();
            times[times.len() / 2]
        };
        Cost {
            wall: median(|cost| cost.wall),
            cpu: median(|cost| cost.cpu),
        }
    }

    /// Nothing of the caller's cargo, a home of its own, the user's downloads.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for (name, default) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let set = std::env::var_os(name).map(PathBuf::from);
            command.env(name, set.unwrap_or_else(|| home.join(default)));
        }
        for name in [
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "XDG_CACHE_HOME",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.dir.path())
            .current_dir(self.work());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn generate(&self, name: &str) -> Cost {
        let mut command = self.command(env!("CARGO_BIN_EXE_generate-service"));
        command.args([name, "--no-git"]);
        if let Some(parts) = &self.parts {
            command.args(["--with", parts]);
        }
        cost(&mut command)
    }

    fn generate_cold(&self) -> Cost {
        let _ = fs::remove_dir_all(self.dir.path().join(".cache"));
        let _ = fs::remove_dir_all(self.work().join("a"));
        self.generate("a")
    }

    fn generate_warm(&self, run: u32) -> Cost {
        let name = format!("b{run}");
        let cost = self.generate(&name);
        fs::remove_dir_all(self.work().join(name)).expect("the service");
        cost
    }

    /// The own crate of a service whose dependencies are all compiled, as cargo alone builds it.
    fn bare(&self) -> Cost {
        self.measure(|_| {
            let mut clean = self.command("cargo");
            clean.args(["clean", "--offline", "-p", "a"]);
            cost(clean.current_dir(self.work().join("a")));
            let mut again = self.command("cargo");
            again.args(["build", "--locked", "--offline"]);
            cost(again.current_dir(self.work().join("a")))
        })
    }

    /// What a user does who has no generator, but the same files.
    fn by_hand(&self, run: u32, wrapper: Option<&Path>) -> Cost {
        let dir = self.work().join(format!("hand{run}"));
        let mut new = self.command("cargo");
        let made = cost(new.args(["new", "--vcs", "none", "--name", "a"]).arg(&dir));
        for name in ["Cargo.toml", "Cargo.lock", "service.toml", "src"] {
            let mut copy = self.command("cp");
            cost(
                copy.arg("-r")
                    .arg(self.work().join("a").join(name))
                    .arg(&dir),
            );
        }
        let migrations = self.work().join("a/migrations");
        if migrations.is_dir() {
            cost(self.command("cp").arg("-r").arg(migrations).arg(&dir));
        }
        let mut build = self.command("cargo");
        build
            .args(["build", "--locked", "--offline"])
            .current_dir(&dir);
        if let Some(wrapper) = wrapper {
            build.env("RUSTC_WRAPPER", wrapper);
        }
        let compiled = cost(&mut build);
        fs::remove_dir_all(dir).expect("it");
        Cost {
            wall: made.wall + compiled.wall,
            cpu: made.cpu + compiled.cpu,
        }
    }

    /// Bytes on disk that one more service takes: its blocks, each inode of the cache left out.
    fn disk_of_another(&self) -> u64 {
        let known = inodes(&self.dir.path().join(".cache"), &mut BTreeSet::new()).0;
        self.generate("b");
        let mut known = known;
        inodes(&self.work().join("b"), &mut known).1
    }
}

/// The inodes below `dir` and, of those that `known` has not, the bytes on disk.
fn inodes(dir: &Path, known: &mut BTreeSet<u64>) -> (BTreeSet<u64>, u64) {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let meta = entry.expect("an entry").metadata().expect("metadata");
        if known.insert(meta.ino()) {
            bytes += meta.blocks() * 512;
        }
    }
    (known.clone(), bytes)
}

fn cost(command: &mut Command) -> Cost {
    let (began, before) = (Instant::now(), cpu());
    let status = command.status().expect("the program runs");
    assert!(status.success(), "{command:?}: {status}");
    Cost {
        wall: began.elapsed(),
        cpu: cpu().saturating_sub(before),
    }
}

/// What all children that have ended took, theirs included: fields 16 and 17 of `proc(5)`'s
/// `stat`, in hundredths of a second.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("a Linux");
    let (_, fields) = text.rsplit_once(')').expect("a name in brackets");
    let fields = fields.split_whitespace().skip(13).take(2);
    let ticks = fields
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum::<u64>();
    Duration::from_millis(ticks * 10)
}

fn sccache() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|dir| dir.join("sccache"));
    found.find(|program| program.is_file())
}

struct Table {
    /// What ratios are of.
    first: Cost,
}

#[allow(clippy::print_stdout, reason = "a bench prints")]
impl Table {
    fn head() {
        println!("{:44} {:>9} {:>9} {:>7}", "", "wall", "CPU", "to (a)");
    }

    fn row(&self, what: &str, cost: Cost, note: &str) {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let ratio = cost.wall.as_secs_f64() / self.first.wall.as_secs_f64();
        let (wall, cpu) = (seconds(cost.wall), seconds(cost.cpu));
        println!("{what:44} {wall:>9} {cpu:>9} {ratio:>7.2}  {note}");
    }

    fn line(what: &str, note: &str) {
        println!("{what:44} {note}");
    }
}
