//! kill -9 at any moment of an update: afterwards the service is what it was, or updated.
//!
//! `UPDATE_KILLS` says how many; `UPDATE_SEED` where the moments begin.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::git::git;
use crate::live::nobody_is_left;
use crate::sandbox::{Run, Sandbox};
use crate::update_properties::random::Random;
use crate::update_properties::{commit, number};

/// So many by default that they take less than half a minute.
const KILLS: u64 = 40;
const SERVICE: &str = "orders";
const JOURNAL: &str = ".git/generate-service/journal.json";

/// How an update ends that nobody kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Clean,
    Conflicts,
    Branch,
}

/// What a service shows: HEAD's tree, what is staged and open, `MERGE_HEAD`, and the files.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    tree: String,
    index: String,
    merge: bool,
    files: BTreeMap<PathBuf, Vec<u8>>,
    branch: Option<String>,
}

/// What came of all kills.
#[derive(Debug, Default)]
struct Tally {
    before: u32,
    after: u32,
    recovered: u32,
    edited: u32,
}

/// Prepared services, and what becomes of each.
struct Ground {
    sandbox: Sandbox,
    /// Before and after, by the way.
    shown: BTreeMap<Way, (Shown, Shown)>,
    /// How long an update takes.
    whole: Duration,
}

#[test]
fn a_run_that_is_killed_leaves_before_or_after() {
    let ground = Ground::new();
    let mut random = Random::new(number("UPDATE_SEED").unwrap_or(0));
    let mut tally = Tally::default();
    for kill in 0..kills() {
        let way = *random.pick(&[Way::Clean, Way::Conflicts, Way::Branch]);
        let service = ground.copy(way);
        let mut child = ground.start(&service, way);
        if random.once_in(2) {
            thread::sleep(part(&mut random, ground.whole));
        } else {
            landing(&ground, &service);
            spin(part(&mut random, ground.whole / 20));
        }
        child.kill().expect("a child");
        child.wait().expect("a child");
        // The process that lands outlives it, and is done soon.
        nobody_is_left(&ground.sandbox);
        assert!(!service.join(JOURNAL).exists(), "kill {kill}: a journal");
        tally.count(ground.is_before_or_after(&service, way, kill));
        ground.ends_well(&service, way, kill);
    }
    tell("the run", &tally);
    assert!(tally.before > 0 && tally.after > 0, "{tally:?}");
}

#[test]
fn a_landing_that_is_killed_is_finished_by_the_next_run() {
    let ground = Ground::new();
    let mut random = Random::new(number("UPDATE_SEED").unwrap_or(0) + 1);
    let mut tally = Tally::default();
    for kill in 0..kills() {
        let way = *random.pick(&[Way::Clean, Way::Conflicts]);
        let service = ground.copy(way);
        let mut child = ground.start(&service, way);
        landing(&ground, &service);
        spin(part(&mut random, ground.whole / 50));
        kill_both(&ground, &mut child);
        if service.join(JOURNAL).exists() {
            tally.recovered += 1;
            let edit = random.once_in(2);
            tally.edited += u32::from(edit);
            ground.is_finished(&service, way, (edit, kill));
        } else {
            tally.count(ground.is_before_or_after(&service, way, kill));
            ground.ends_well(&service, way, kill);
        }
    }
    tell("the landing", &tally);
    assert!(tally.recovered > 0, "{tally:?}");
}

impl Tally {
    fn count(&mut self, is_after: bool) {
        if is_after {
            self.after += 1;
        } else {
            self.before += 1;
        }
    }
}

fn kills() -> u64 {
    number("UPDATE_KILLS").unwrap_or(KILLS) / 2
}

/// Whoever asked for many wants to know; `cargo test` shows it with --nocapture.
#[allow(clippy::print_stderr, reason = "a report of the test")]
fn tell(what: &str, tally: &Tally) {
    eprintln!("{what} was killed: {tally:?}");
}

/// Some part of a time.
fn part(random: &mut Random, whole: Duration) -> Duration {
    let micros = usize::try_from(whole.as_micros()).expect("a short time");
    let micros = random.below(micros.max(1));
    Duration::from_micros(u64::try_from(micros).expect("a number"))
}

/// Waits exactly.
fn spin(time: Duration) {
    let moment = Instant::now() + time;
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
}

/// Waits until the update lands; one on a branch never does.
fn landing(ground: &Ground, service: &Path) {
    let deadline = Instant::now() + ground.whole * 2;
    while !service.join(JOURNAL).exists() && Instant::now() < deadline {
        std::hint::spin_loop();
    }
}

/// Kills the run, and the process that lands for it, in the same moment.
fn kill_both(ground: &Ground, child: &mut Child) {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id()));
    let tasks = tasks.into_iter().flatten().flatten();
    let texts = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    let heirs = texts.flatten().collect::<String>();
    // Either may have ended by itself.
    for id in heirs.split_whitespace() {
        let id = id.parse().expect("the id of a process");
        let _ = kill_process(Pid::from_raw(id).expect("an id"), Signal::KILL);
    }
    let _ = child.kill();
    child.wait().expect("a child");
    nobody_is_left(&ground.sandbox);
}

impl Ground {
    fn new() -> Self {
        let sandbox = published();
        let mut ground = Self {
            sandbox,
            shown: BTreeMap::new(),
            whole: Duration::ZERO,
        };
        ground.prepare();
        ground
    }

    /// Makes a service for each way, and sees what comes of it.
    fn prepare(&mut self) {
        for way in [Way::Clean, Way::Conflicts, Way::Branch] {
            let service = self.work().join(SERVICE);
            copy(&self.original(way), &service);
            let before = self.shown(&service);
            let started = Instant::now();
            let run = Run::of(&mut self.update(&service, way));
            self.whole = self.whole.max(started.elapsed());
            assert_eq!(run.code, expected_code(way), "{}", run.stderr);
            self.shown.insert(way, (before, self.shown(&service)));
        }
    }

    fn work(&self) -> PathBuf {
        self.sandbox.work()
    }

    /// The service that an update of this kind begins with.
    fn original(&self, way: Way) -> PathBuf {
        let conflicts = way == Way::Conflicts;
        let name = if conflicts { "conflicts" } else { "clean" };
        self.sandbox.root().join(name)
    }

    fn copy(&self, way: Way) -> PathBuf {
        let service = self.work().join(SERVICE);
        copy(&self.original(way), &service);
        service
    }

    fn update(&self, service: &Path, way: Way) -> Command {
        let mut program = self.sandbox.generator();
        program.env("XDG_CACHE_HOME", self.sandbox.root().join("cache"));
        program.arg("update").arg(service).arg("--no-verify");
        if way == Way::Branch {
            program.arg("--branch=next");
        }
        program
    }

    fn start(&self, service: &Path, way: Way) -> Child {
        let mut program = self.update(service, way);
        program.stdin(Stdio::null());
        program.stdout(Stdio::null()).stderr(Stdio::null());
        program.spawn().expect("the program starts")
    }

    fn shown(&self, service: &Path) -> Shown {
        let git = |words: &[&str]| git(&self.sandbox, service, words);
        git(&["fsck", "--strict", "--no-progress", "--no-dangling"]);
        let files = walkdir::WalkDir::new(service).into_iter();
        let files = files.filter_entry(|entry| entry.file_name() != ".git");
        let files = files.map(|entry| entry.expect("an entry").into_path());
        let files = files.filter(|path| path.is_file());
        let files = files.map(|path| (path.clone(), fs::read(path).expect("a file")));
        let branch = git(&["for-each-ref", "--format=%(tree)", "refs/heads/next"]);
        Shown {
            tree: git(&["rev-parse", "HEAD^{tree}"]),
            index: git(&["ls-files", "--stage"]),
            merge: service.join(".git/MERGE_HEAD").exists(),
            files: files.collect(),
            branch: Some(branch).filter(|tree| !tree.is_empty()),
        }
    }

    /// Nothing in between; says which.
    #[track_caller]
    fn is_before_or_after(&self, service: &Path, way: Way, kill: u64) -> bool {
        let now = self.shown(service);
        let (before, after) = &self.shown[&way];
        assert!(
            now == *before || now == *after,
            "kill {kill}, {way:?}: {now:#?}\nbefore: {before:#?}\nafter: {after:#?}"
        );
        if way != Way::Conflicts {
            let status = ["status", "--porcelain", "--untracked-files=all"];
            assert_eq!(git(&self.sandbox, service, &status), "", "kill {kill}");
        }
        now == *after
    }

    /// One more run ends where one that is not killed ends, and sweeps.
    #[track_caller]
    fn ends_well(&self, service: &Path, way: Way, kill: u64) {
        let (_, after) = &self.shown[&way];
        let there = way == Way::Conflicts && self.shown(service) == *after;
        let run = Run::of(&mut self.update(service, way));
        // What is in the middle of a merge is not merged again.
        let code = if there { 7 } else { expected_code(way) };
        assert_eq!(run.code, code, "kill {kill}, {way:?}: {}", errors(&run));
        let now = self.shown(service);
        assert!(
            now == *after,
            "kill {kill}, {way:?}: {now:#?}\nafter: {after:#?}"
        );
        self.nothing_is_left(service, kill);
    }

    #[track_caller]
    fn nothing_is_left(&self, service: &Path, kill: u64) {
        let names = |dir: &Path| {
            // An update on a branch has no landing.
            let entries = fs::read_dir(dir).into_iter().flatten();
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            let mut names = names
                .map(|name| name.to_string_lossy().into_owned())
                .collect::<Vec<_>>();
            names.sort();
            names
        };
        assert_eq!(names(&self.work()), [SERVICE], "kill {kill}");
        let ours = names(&service.join(".git/generate-service"));
        let known = ["landing", "lock"];
        assert!(
            ours.iter().all(|name| known.contains(&name.as_str())),
            "kill {kill}: {ours:?}"
        );
        let locks = walkdir::WalkDir::new(service.join(".git")).into_iter();
        let locks = locks.map(|entry| entry.expect("an entry").into_path());
        let locks = locks.filter(|path| path.extension().is_some_and(|end| end == "lock"));
        assert_eq!(
            locks.collect::<Vec<_>>(),
            [""; 0].map(PathBuf::from),
            "kill {kill}"
        );
    }

    /// A journal was left; the next run finishes it, says so, and keeps what somebody has written
    /// meanwhile.
    #[track_caller]
    fn is_finished(&self, service: &Path, way: Way, (edit, kill): (bool, u64)) {
        let file = service.join("a file.txt");
        if edit {
            let mut text = fs::read_to_string(&file).expect("a file");
            text.push_str("written meanwhile\n");
            fs::write(&file, text).expect("a file");
        }
        let edited = fs::read(&file).expect("a file");
        let run = Run::of(&mut self.update(service, Way::Clean));
        let said = "an update was cut off here; it is finished now";
        assert!(
            run.stderr.contains(said),
            "kill {kill}, {way:?}: {}",
            errors(&run)
        );
        let mut now = self.shown(service);
        let (_, after) = &self.shown[&way];
        if edit {
            assert!(
                run.stderr.contains("`a file.txt` was changed meanwhile"),
                "{}",
                run.stderr
            );
            assert!(now.files[&file] == edited, "kill {kill}: the edit is gone");
            now.files.insert(file.clone(), after.files[&file].clone());
        }
        assert!(
            now == *after,
            "kill {kill}, {way:?}: {now:#?}\nafter: {after:#?}"
        );
        // With changes of the user's, or in a merge, nothing is begun.
        let code = if edit || way == Way::Conflicts { 7 } else { 0 };
        assert_eq!(run.code, code, "kill {kill}, {way:?}: {}", errors(&run));
        self.nothing_is_left(service, kill);
    }
}

/// A template of two versions, and two services made from the first: one that merges with the
/// second, and one that does not. Enough files change for a landing that takes its time.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "home/.gitconfig",
        "[user]\nname = team\nemail = team@localhost\n",
    );
    let template = sandbox.root().join("template");
    fs::create_dir(&template).expect("a directory");
    git(&sandbox, &template, &["init", "--quiet"]);
    let lines = (0..30).map(|line| format!("line {line}\n"));
    let lines = lines.collect::<Vec<_>>().concat();
    publish(&sandbox, "1.0.0", &lines);
    let mut program = sandbox.generator();
    program.env("XDG_CACHE_HOME", sandbox.root().join("cache"));
    program.arg(SERVICE).arg("--template").arg(&template);
    Run::of(program.args(["--build", "none", "--port", "7000", "--quiet"])).ok();
    fs::remove_file(template.join("gone.txt")).expect("a file");
    publish(
        &sandbox,
        "1.1.0",
        &lines.replace("line 15\n", "of the template\n"),
    );
    let service = sandbox.work().join(SERVICE);
    for (name, line) in [("clean", "line 1\n"), ("conflicts", "line 15\n")] {
        let text = lines.replace(line, "of the team\n");
        sandbox.write(format!("work/{SERVICE}/open.txt"), &text);
        commit(&sandbox, &service, "Work");
        copy(&service, &sandbox.root().join(name));
    }
    sandbox
}

fn publish(sandbox: &Sandbox, version: &str, lines: &str) {
    let template = sandbox.root().join("template");
    let write = |path: &str, text: &str| drop(sandbox.write(template.join(path), text));
    let head = format!("[template]\nname = \"worker\"\nversion = \"{version}\"\n");
    write("template.toml", &head);
    write(
        "Cargo.toml.hbs",
        "[package]\nname = \"{{name}}\"\nversion = \"0.1.0\"\n",
    );
    write("a file.txt", lines);
    write("open.txt", lines);
    if version == "1.0.0" {
        write("gone.txt", lines);
    } else {
        write("new/file.txt", lines);
    }
    for number in 0..30 {
        write(&format!("src/{number}.txt"), lines);
    }
    commit(sandbox, &template, version);
    git(sandbox, &template, &["tag", &format!("v{version}")]);
}

/// What a run complains of.
fn errors(run: &Run) -> String {
    let lines = run.stderr.lines();
    let lines = lines.filter(|line| line.contains("error:") || line.contains("warning:"));
    lines.collect::<Vec<_>>().join("\n")
}

fn expected_code(way: Way) -> i32 {
    if way == Way::Conflicts { 17 } else { 0 }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let mut copy = Command::new("cp");
    Run::of(copy.arg("-a").arg(from).arg(to)).ok();
}
