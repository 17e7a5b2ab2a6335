//! `cargo bench`: what a run costs, against the goals.
//!
//! Wall time of whole processes from exec to exit where a user waits for one, of a call where
//! not. Medians, since machines are noisy; the best is printed beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use atlas::{Atlas, Owner, Ports, Wish};
use generate_service::fill::{self, Values};
use generate_service::name::{Neighbours, ServiceName};
use generate_service::plan::{Git, Plan};
use generate_service::repo::{self, Pack};
use generate_service::settings::Build;
use generate_service::stage::Stage;
use generate_service::template::{File, Template};
use tempfile::TempDir;

#[path = "../fleet/mod.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod fleet;

fn main() {
    let bench = Bench::new();
    Row::head();
    let row = Row::new("start-up: --version", 50);
    row.measure(|| bench.program(&["--version"]));
    let row = Row::new("plan: --dry-run", 50);
    row.measure(|| bench.program(&["orders", "--dry-run"]));
    let row = Row::new("render: --build none --no-git", 30);
    row.measure(|| bench.program(&["orders", "--build", "none", "--no-git"]));
    let row = Row::new("render + git: --build none", 30).goal("20 ms");
    row.measure(|| bench.program(&["orders", "--build", "none"]));
    bench.others();
    bench.update_of_one();
    bench.update_of_a_fleet();
    bench.ten_thousand_files();
    bench.ten_thousand_services();
}

struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        fs::create_dir(dir.path().join("work")).expect("a directory in it");
        Self { dir }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Runs the program once in an empty directory and says how long that took. What it makes
    /// stays until the end: ext4 makes files slowly for seconds after others were removed.
    fn program(&self, words: &[&str]) -> Duration {
        let empty = TempDir::new_in(self.work()).expect("an empty directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_generate-service"));
        command
            .args(words)
            .current_dir(empty.keep())
            .env("HOME", self.dir.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let began = Instant::now();
        let status = command.status().expect("the program runs");
        let took = began.elapsed();
        assert!(status.success(), "{words:?}: {status}");
        took
    }

    /// Templates of others, as whole processes: from a repository that is in the cache, and one of
    /// 10,000 files.
    fn others(&self) {
        let small = self.dir.path().join("small");
        write_template(&small, 50);
        let git = |words: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]);
            let done = git.args(words).current_dir(&small).status();
            assert!(done.expect("git runs").success(), "{words:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "one"]);
        let url = format!("file://{}", small.display());
        let words = ["orders", "--build", "none", "--template", &url];
        let row = Row::new("a template in git, cached", 30).goal("50 ms");
        row.measure(|| self.program(&words));
        let big = self.dir.path().join("big");
        write_template(&big, 10_000);
        let big = big.display().to_string();
        let words = ["orders", "--build", "none", "--template", &big];
        let row = Row::new("10,000 files: a whole run", 5).goal("1 s");
        row.measure(|| self.program(&words));
        self.peak(&words);
    }

    /// A service of the embedded template's first version, as it was made.
    fn update_of_one(&self) {
        let first = self.dir.path().join("first");
        let template = Template::released("0.1.0").expect("the first version");
        let origin = first.join("template");
        fleet::lay_out(&tree(&template), &origin);
        let made = first.join("orders");
        let words = ["orders", "--build", "none", "--no-git", "--quiet"];
        let mut command = self.command(&first);
        command.args(words).arg("--template").arg(&origin);
        assert!(command.status().expect("the program runs").success());
        // As that version itself recorded it.
        let record = fs::read_to_string(made.join("service.toml")).expect("a record");
        let embedded = |line: &&str| {
            let keys = ["format = ", "source = ", "from = "];
            !keys.iter().any(|key| line.starts_with(key))
        };
        let lines = record
            .lines()
            .filter(embedded)
            .map(|line| format!("{line}\n"));
        fs::write(made.join("service.toml"), lines.collect::<String>()).expect("a record");
        fleet::git(&made, &["init", "--quiet"]);
        fleet::commit(&made, "Generate orders");
        let row = Row::new("update: a clean service", 20).goal("150 ms");
        row.measure(|| {
            let copy = TempDir::new_in(self.work()).expect("a directory").keep();
            fleet::git(
                &copy,
                &["clone", "--quiet", &made.display().to_string(), "orders"],
            );
            let mut command = self.command(&copy.join("orders"));
            command.args(["update", "--no-verify", "--quiet"]);
            timed(|| assert!(command.status().expect("the program runs").success()))
        });
    }

    /// The fleet of the tests, in one run.
    fn update_of_a_fleet(&self) {
        let dir = self.dir.path().join("fleet");
        let template = dir.join("template");
        fleet::repository(&template);
        let source = format!("file://{}", template.display());
        for service in fleet::services() {
            let tag = format!("v{}", fleet::number(service.version));
            let mut command = self.command(&dir);
            command.args([&service.name, "--tag", &tag, "--template", &source]);
            command.args(["--build", "none", "--quiet"]);
            assert!(command.status().expect("the program runs").success());
            let home = dir.join(&service.name);
            fleet::lay_out(service.tree(), &home);
            fleet::commit(&home, "Do our work");
        }
        let row = Row::new("update: a fleet of 200", 3).goal("15 s");
        row.measure(|| {
            let mut command = self.command(&dir);
            command.args(["update", "--all", "--no-verify", "--quiet"]);
            // 17: some have conflicts. On branches of their own, so that it can be done again.
            timed(|| assert_eq!(command.status().expect("it runs").code(), Some(17)))
        });
    }

    /// The program, to be run in `dir`.
    fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_generate-service"));
        command.current_dir(dir).env("HOME", self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        command
    }

    /// The most memory one of the processes of a run takes, by GNU time where it is there.
    #[allow(clippy::print_stdout, reason = "a bench prints")]
    fn peak(&self, words: &[&str]) {
        let empty = TempDir::new_in(self.work()).expect("an empty directory");
        let mut time = Command::new("/usr/bin/time");
        time.args(["--format", "%M", env!("CARGO_BIN_EXE_generate-service")]);
        time.args(words).arg("--quiet").current_dir(empty.keep());
        let Ok(output) = time.env("HOME", self.dir.path()).output() else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        let kib = said
            .lines()
            .last()
            .and_then(|line| line.parse::<u64>().ok());
        let mib = kib.unwrap_or_default() / 1024;
        println!(
            "{:34} {:>6} MiB {:>10} {:>6}",
            "10,000 files: peak memory", mib, "", "150 MiB"
        );
    }

    /// A template of 10,000 files, a tenth of which is rendered.
    fn ten_thousand_files(&self) {
        let source = self.dir.path().join("template");
        write_template(&source, 10_000);
        let template = Template::read(&source).expect("a template");
        let values = values().json();
        let fill = || fill::fill(&template.files, &values).expect("it renders");
        let plan = self.plan(fill());
        let stage = || Stage::write(&plan).expect("a stage");
        let read = || Template::read(&source).expect("a template");
        Row::new("10,000 files: read", 5).measure(|| timed(read));
        Row::new("10,000 files: render", 5).measure(|| timed(fill));
        Row::new("10,000 files: write", 5).measure(|| timed(stage));
        let pack = || Pack::of(&plan.files).expect("a pack");
        Row::new("10,000 files: pack", 5).measure(|| timed(pack));
        Row::new("10,000 files: commit", 5).measure(|| {
            let (stage, pack) = (stage(), pack());
            timed(|| repo::found(&stage.tree, "main", &pack, "all").expect("a commit"))
        });
    }

    /// One more port where 10,000 services have one.
    fn ten_thousand_services(&self) {
        let root = self.dir.path().join("atlas");
        fs::create_dir_all(root.join("ports")).expect("Atlas's directory");
        for port in 5000..15_000 {
            fs::write(root.join("ports").join(port.to_string()), "{}").expect("a record");
        }
        let atlas = Atlas::at(root);
        let owner = Owner::new("orders", self.work()).expect("an owner");
        let ports = Ports::Range(5000..=20_000);
        let wish = Wish {
            ports,
            owner,
            taken: BTreeMap::new(),
        };
        let row = Row::new("a port among 10,000 services", 30).goal("5 ms");
        row.measure(|| {
            timed(|| {
                let port = atlas.peek(&wish).expect("a port");
                atlas.reserve(port, &wish).expect("a claim")
            })
        });
    }

    fn plan(&self, files: Vec<File>) -> Plan {
        let name = ServiceName::parse("orders", Neighbours::default()).expect("a name");
        Plan {
            destination: self.work().join(name.as_str()),
            description: String::new(),
            port: 5000,
            template: (String::new(), String::new()),
            origin: None,
            answers: BTreeMap::new(),
            hooks: Vec::new(),
            said: Vec::new(),
            offline: false,
            files,
            tree: String::new(),
            parts: Vec::new(),
            usual_parts: true,
            git: Git::Without,
            workspace: None,
            build: Build::None,
            settles_lock: false,
            cache: None,
            keep_on_failure: false,
            warnings: Vec::new(),
            name,
        }
    }
}

/// One line of the table.
struct Row {
    what: &'static str,
    times: usize,
    goal: &'static str,
}

impl Row {
    fn new(what: &'static str, times: usize) -> Self {
        Self {
            what,
            times,
            goal: "",
        }
    }

    fn goal(self, goal: &'static str) -> Self {
        Self { goal, ..self }
    }

    #[allow(clippy::print_stdout, reason = "a bench prints")]
    fn head() {
        println!("{:34} {:>10} {:>10} {:>6}", "", "median", "best", "goal");
    }

    /// Runs once to warm up, then as often as the row says.
    #[allow(clippy::print_stdout, reason = "a bench prints")]
    fn measure(&self, run: impl Fn() -> Duration) {
        run();
        let mut took = (0..self.times).map(|_| run()).collect::<Vec<_>>();
        took.sort();
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let (median, best) = (ms(took[self.times / 2]), ms(took[0]));
        println!("{:34} {median:>10} {best:>10} {:>6}", self.what, self.goal);
    }
}

/// How long `work` takes, without the end of what it makes.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let made = work();
    let took = began.elapsed();
    drop(made);
    took
}

/// The files of a template, as one has them in a directory.
fn tree(template: &Template) -> fleet::Tree {
    let files = template.files.iter().map(|file| {
        let bytes = file.bytes.to_vec();
        let executable = file.executable;
        (file.path.clone(), fleet::File { bytes, executable })
    });
    files.collect()
}

fn values() -> Values {
    Values {
        name: "orders".to_owned(),
        crate_name: "orders".to_owned(),
        env_prefix: "ORDERS".to_owned(),
        description: "The orders service".to_owned(),
        port: 5000,
        template_version: "0.1.0".to_owned(),
        parts: BTreeMap::new(),
        answers: BTreeMap::new(),
    }
}

fn write_template(dir: &Path, files: usize) {
    fs::create_dir_all(dir).expect("a directory");
    fs::write(
        dir.join("template.toml"),
        "[template]\nname = \"big\"\nversion = \"1.0.0\"\n",
    )
    .expect("a manifest");
    let manifest = "[package]\nname = \"{{name}}\"\nversion = \"0.1.0\"\n";
    fs::write(dir.join("Cargo.toml.hbs"), manifest).expect("a manifest");
    for i in 0..files {
        let below = dir.join(format!("src/part{:03}", i / 100));
        fs::create_dir_all(&below).expect("a directory");
        let suffix = if i % 10 == 0 { "md.hbs" } else { "rs" };
        let text = format!("// {i}\n{}\n", "let service = {name};\n".repeat(40));
        let text = if i % 10 == 0 {
            text.replace("{name}", "{{name}}")
        } else {
            text
        };
        fs::write(below.join(format!("file{i}.{suffix}")), text).expect("a file");
    }
}
