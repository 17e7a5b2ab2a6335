//! Warm builds: what the services of a user share, and that none of them can spoil it.
//!
//! All tests begin with one cache that was warmed once, each with a copy of its own.

mod damage;
mod limits;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::git::quiet_port;
use crate::live::Live;
use crate::sandbox::{Run, Sandbox, snapshot, warm_target};
use crate::traces::files_with;

/// The smallest service: its dependencies are compiled most quickly.
const SMALL: [&str; 3] = ["--without", "api,metrics", "--no-git"];

/// A cache that was warmed for the smallest service; nobody writes to it.
fn warmed() -> &'static Path {
    static WARMED: OnceLock<PathBuf> = OnceLock::new();
    WARMED.get_or_init(|| {
        let sandbox = Sandbox::new();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("warmed");
        let mut warm = sandbox.generator();
        warm.env("XDG_CACHE_HOME", &cache);
        Run::of(warm.args(["warm", "--without", "api,metrics"])).ok();
        cache
    })
}

/// A sandbox whose cache is warm and its own.
struct Warm {
    sandbox: Sandbox,
}

impl Warm {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        copy(&sandbox, warmed(), &sandbox.root().join("cache"));
        Self { sandbox }
    }

    fn cache(&self) -> PathBuf {
        self.sandbox.root().join("cache")
    }

    /// The one shelf that is in it.
    fn shelf(&self) -> PathBuf {
        let entries = fs::read_dir(self.cache().join("generate-service")).expect("a cache");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.next().expect("a shelf")
    }

    /// The directory of the unit that compiled the library `package` for `cargo build`.
    fn unit(&self, package: &str) -> PathBuf {
        let units = fs::read_dir(self.shelf().join("debug")).expect("a shelf");
        let mut units = units.map(|unit| unit.expect("a unit").path());
        let begins = |unit: &PathBuf| {
            let name = unit.file_name().and_then(|name| name.to_str());
            let rest = name.and_then(|name| name.strip_prefix(package)?.strip_prefix('-'));
            rest.is_some_and(|hash| hash.len() == 16)
        };
        let found = units.find(|unit| begins(unit) && library(unit).is_some());
        found.expect("the unit of a library")
    }

    /// The generator, about to make the smallest service.
    fn generator(&self, name: &str) -> Command {
        let mut command = self.sandbox.generator();
        command.env("XDG_CACHE_HOME", self.cache());
        command.arg(name).args(SMALL);
        command
    }

    /// Makes a service; what was said of the cache while it was built.
    #[track_caller]
    fn make(&self, name: &str) -> Vec<String> {
        words(&Run::of(&mut self.generator(name)).ok())
    }

    /// A small job on this cache.
    fn job(&self, words: &[&str]) -> Run {
        let mut command = self.sandbox.generator();
        command.env("XDG_CACHE_HOME", self.cache());
        Run::of(command.args(words))
    }

    /// Cargo in a service.
    #[track_caller]
    fn cargo(&self, service: &str, words: &[&str]) -> Run {
        let mut cargo = self.sandbox.command("cargo");
        cargo.args(words).arg("--offline");
        Run::of(cargo.current_dir(self.sandbox.work().join(service))).ok()
    }

    /// Fails unless cargo, told `words`, compiles nothing but the service itself.
    #[track_caller]
    fn compiles_itself_only(&self, service: &str, words: &[&str]) {
        let run = self.cargo(service, words);
        let lines = run.stderr.lines().map(str::trim);
        let compiled = lines.filter(|line| {
            ["Compiling ", "Checking "]
                .iter()
                .any(|word| line.starts_with(word))
        });
        for line in compiled {
            assert!(line.contains(&format!(" {service} v")), "{words:?}: {line}");
        }
    }
}

/// The library of a unit.
fn library(unit: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(unit.join("deps")).ok()?;
    let mut paths = files.map(|file| file.expect("a file").path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "rlib"))
}

/// What a run said of the cache.
fn words(run: &Run) -> Vec<String> {
    let lines = run
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("   "));
    // `done in 0.4 s`
    let lines = lines.filter(|line| !(line.contains(" in ") && line.ends_with(" s")));
    lines.map(str::to_owned).collect()
}

fn copy(sandbox: &Sandbox, from: &Path, to: &Path) {
    let mut copy = sandbox.command("cp");
    Run::of(copy.args(["-a", "--reflink=auto"]).arg(from).arg(to)).ok();
}

/// Bytes and times of every file, without the times of last use.
fn state(dir: &Path) -> BTreeMap<PathBuf, (u32, std::time::SystemTime, Vec<u8>)> {
    let mut state = snapshot(dir);
    state.retain(|path, _| path.is_file() && !path.ends_with("manifest.json"));
    state
}

#[test]
fn a_seeded_service_is_the_one_a_cold_build_makes() {
    let warm = Warm::new();
    let port = quiet_port(&warm.sandbox);
    let service = warm.sandbox.work().join("orders");
    let program = service.join("target/debug/orders");
    let make = |more: &[&str]| {
        let mut generator = warm.generator("orders");
        let run = Run::of(generator.args(["--port", &port]).args(more)).ok();
        (words(&run), fs::read(&program).expect("the program"))
    };
    let (said, seeded) = make(&[]);
    assert!(
        said[0].ends_with(" compiled crates are here already"),
        "{said:?}"
    );
    assert_eq!(said.len(), 1, "{said:?}");
    let foreign = files_with(&service, "any-service");
    assert_eq!(foreign, Vec::<PathBuf>::new(), "traces of another service");
    assert_eq!(
        files_with(&service, ".generate-service-"),
        Vec::<PathBuf>::new()
    );
    assert!(service.join("target/CACHEDIR.TAG").is_file());
    fs::remove_dir_all(&service).expect("the service");
    let (said, cold) = make(&["--no-cache"]);
    assert_eq!(said, Vec::<String>::new());
    assert!(seeded == cold, "the programs differ");
}

/// As its user goes on.
#[test]
fn after_warm_whatever_cargo_does_it_compiles_the_service_only() {
    let warm = Warm::new();
    warm.make("orders");
    let fresh = warm.cargo("orders", &["build", "--locked", "-v"]);
    assert!(!fresh.stderr.contains("Compiling"), "{}", fresh.stderr);
    for words in [
        &["check", "--locked"][..],
        &["test", "--no-run", "--locked"],
        &["clippy", "--all-targets", "--locked"],
    ] {
        warm.compiles_itself_only("orders", words);
    }
}

#[test]
fn what_is_done_in_one_service_reaches_neither_the_others_nor_the_cache() {
    let warm = Warm::new();
    warm.make("orders");
    warm.make("teams");
    let teams = warm.sandbox.work().join("teams");
    let before = (state(&warm.cache()), state(&teams));
    let deeds: [&[&str]; 7] = [
        &["clean", "-p", "serde_core", "-p", "tokio-macros"],
        &["build"],
        &["check"],
        &["test", "--no-run"],
        &["build", "--release", "-p", "itoa"],
        &["update", "-p", "itoa"],
        &["clean"],
    ];
    for words in deeds {
        warm.cargo("orders", words);
        assert!(
            before.0 == state(&warm.cache()),
            "the cache after {words:?}"
        );
        assert!(
            before.1 == state(&teams),
            "the other service after {words:?}"
        );
    }
    fs::remove_dir_all(warm.cache()).expect("the cache");
    let run = warm.cargo("teams", &["build", "-v"]);
    assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
}

/// All compile the same crates, and all want to leave them in the cache.
#[test]
fn generators_that_meet_share_one_cache() {
    let warm = Warm::new();
    for package in ["file-rotate", "figment", "uncased"] {
        fs::remove_dir_all(warm.unit(package)).expect("a unit");
    }
    let names = ["one", "two", "three"];
    let starts = names.map(|name| Live::start(&warm.sandbox, &mut warm.generator(name)));
    for live in starts {
        let run = live.end();
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    warm.job(&["cache", "verify"]).ok();
    for package in ["file-rotate", "figment", "uncased"] {
        warm.unit(package);
    }
    for name in names {
        let run = warm.cargo(name, &["build", "-v"]);
        assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
    }
    let said = warm.make("four");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn where_target_directories_are_shared_already_nothing_else_is() {
    let warm = Warm::new();
    let said = |command: &mut Command| words(&Run::of(command.args(["--build", "check"])).ok());
    let mut command = warm.generator("by-variable");
    let by_variable = said(command.env("CARGO_TARGET_DIR", warm_target()));
    let prefix = "nothing is shared with other services: ";
    assert_eq!(by_variable, [format!("{prefix}CARGO_TARGET_DIR is set")]);
    for key in ["target-dir", "build-dir"] {
        let text = format!("[build]\n{key} = {:?}\n", warm_target());
        let config = warm.sandbox.write("work/.cargo/config.toml", &text);
        let said = said(&mut warm.generator(&format!("by-{key}")));
        let reason = format!("`build.{key}` is set in `{}`", config.display());
        assert_eq!(said, [format!("{prefix}{reason}")]);
        fs::remove_file(config).expect("the configuration");
    }
    let root = "[workspace]\nmembers = []\nresolver = \"3\"\n";
    warm.sandbox.write("work/Cargo.toml", root);
    let mut command = warm.generator("by-workspace");
    let said = said(command.env("CARGO_TARGET_DIR", warm_target()));
    let reason = "a workspace has a target directory already";
    assert_eq!(said, [format!("{prefix}{reason}")]);
}

/// One event, with the number and the words.
#[test]
fn in_json_it_is_an_event() {
    let warm = Warm::new();
    let mut command = warm.generator("orders");
    let run = Run::of(command.args(["--format", "json"])).ok();
    let events = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"));
    let mut events = events.filter(|event: &serde_json::Value| event["event"] == "cache");
    let event = events.next().expect("an event of the cache");
    let crates = event["crates"].as_u64().expect("a number");
    assert!(crates > 100, "{event}");
    assert!(event["ms"].is_u64(), "{event}");
    assert_eq!(
        event["message"],
        format!("{crates} compiled crates are here already")
    );
    assert!(events.next().is_none());
}
