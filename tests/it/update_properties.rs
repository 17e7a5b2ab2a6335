//! What holds for every update, whatever template and team have done: random templates, random
//! services, and `git merge` as the judge.
//!
//! `UPDATE_ROUNDS` says how many; `UPDATE_SEED` repeats the one of a failure.

mod expected;
pub mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::git::git;
use crate::sandbox::{Run, Sandbox, snapshot};
use expected::{State, merged_by_git};
use random::{Author, File, Files, Random, can_be};

/// So many by default that they take less than a minute.
const ROUNDS: u64 = 40;
/// Rounds at once.
const THREADS: usize = 2;
const SERVICE: &str = "orders";

/// The number that a variable of the environment has, if it is set.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn an_update_is_a_merge_by_git_that_loses_nothing() {
    let seed = number("UPDATE_SEED");
    let rounds = number("UPDATE_ROUNDS").unwrap_or(if seed.is_some() { 1 } else { ROUNDS });
    let first = seed.unwrap_or(0);
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + rounds {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| round(seed))).is_err() {
                failed.lock().expect("a list").push(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().expect("a list");
    assert!(failed.is_empty(), "repeat with UPDATE_SEED, of {failed:?}");
}

/// Two versions of a template, and what a team made of the first one.
struct Case {
    base: Files,
    ours: Files,
    theirs: Files,
}

impl Case {
    fn of(random: &mut Random) -> Self {
        let base = loop {
            let base = Author::new(random, "base").tree();
            if can_be(&base) {
                break base;
            }
        };
        // Now and then the team has done some of what the template does.
        let mut both = base.clone();
        if random.once_in(4) {
            Author::new(random, "both").change(&mut both);
        }
        Self {
            ours: changed(random, "team", &both),
            theirs: changed(random, "template", &both),
            base,
        }
    }
}

fn changed(random: &mut Random, name: &'static str, from: &Files) -> Files {
    loop {
        let mut files = from.clone();
        Author::new(random, name).change(&mut files);
        if can_be(&files) {
            return files;
        }
    }
}

/// A sandbox with a template in a repository, and a service made from its first version.
struct Ground {
    sandbox: Sandbox,
    /// As the second machine has it.
    elsewhere: Sandbox,
    template: PathBuf,
    service: PathBuf,
}

/// A failure says so itself; what is said here is the seed.
#[track_caller]
fn round(seed: u64) {
    let case = Case::of(&mut Random::new(seed));
    if case.theirs == case.base {
        return;
    }
    let ground = Ground::new(&case);
    ground.a_change_that_renders_the_same_is_none();
    ground.publish("1.1.0", &case.theirs);
    ground.a_dry_run_touches_nothing();
    let expected = merged_by_git(&ground.sandbox, &case, &ground.cargo_toml());
    let code = Ground::update(&ground.sandbox, &[]).code;
    let result = State::of(&ground.service);
    assert_eq!(code, if result.is_clean() { 0 } else { 17 }, "seed {seed}");
    no_line_is_lost(seed, &case, &result, &expected);
    ground.is_sound(&result);
    ground.another_machine_does_the_same(&result);
    ground.once_more_is_once(&result);
    let how = expected::disagreement(&result, &expected);
    if let Some(how) = how.filter(|_| expected::may_disagree(&ground.sandbox, &case).is_none()) {
        let story = expected::story(&ground.sandbox);
        panic!("seed {seed}: {story}\n{how}");
    }
}

impl Ground {
    fn new(case: &Case) -> Self {
        let (sandbox, elsewhere) = (Sandbox::new(), Sandbox::new());
        for sandbox in [&sandbox, &elsewhere] {
            sandbox.write(
                "home/.gitconfig",
                "[user]\nname = team\nemail = team@localhost\n",
            );
        }
        let ground = Self {
            template: sandbox.root().join("template"),
            service: sandbox.work().join(SERVICE),
            sandbox,
            elsewhere,
        };
        fs::create_dir(&ground.template).expect("a directory");
        git(&ground.sandbox, &ground.template, &["init", "--quiet"]);
        ground.publish("1.0.0", &case.base);
        ground.generate();
        let made = State::of(&ground.service).files;
        assert_eq!(without(&made, "Cargo.toml"), case.base);
        let files = with(&case.ours, &ground.service, &["Cargo.toml", "service.toml"]);
        lay_out(&ground.service, &files);
        commit(&ground.sandbox, &ground.service, "Work");
        ground.clone_elsewhere();
        ground
    }

    /// A new version of the template, tagged.
    fn publish(&self, version: &str, files: &Files) {
        lay_out(&self.template, files);
        let head = format!("[template]\nname = \"worker\"\nversion = \"{version}\"\n");
        self.sandbox.write("template/template.toml", &head);
        let manifest = "[package]\nname = \"{{name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        self.sandbox.write("template/Cargo.toml.hbs", manifest);
        commit(&self.sandbox, &self.template, version);
        git(
            &self.sandbox,
            &self.template,
            &["tag", &format!("v{version}")],
        );
    }

    fn program(sandbox: &Sandbox) -> Command {
        let mut program = sandbox.generator();
        // What a thousand rounds leave is of no use to other tests.
        program.env("XDG_CACHE_HOME", sandbox.root().join("cache"));
        program
    }

    fn generate(&self) {
        let mut program = Self::program(&self.sandbox);
        program.arg(SERVICE).arg("--template").arg(&self.template);
        let words = [
            "--tag", "v1.0.0", "--build", "none", "--port", "7000", "--quiet",
        ];
        Run::of(program.args(words)).ok();
    }

    fn clone_elsewhere(&self) {
        let mut clone = self.sandbox.command("git");
        clone.args(["clone", "--quiet"]).arg(&self.service);
        Run::of(clone.current_dir(self.elsewhere.work())).ok();
    }

    fn update(sandbox: &Sandbox, words: &[&str]) -> Run {
        let mut program = Self::program(sandbox);
        program.args(["update", SERVICE, "--no-verify"]);
        Run::of(program.args(words))
    }

    fn cargo_toml(&self) -> File {
        read(&self.service, "Cargo.toml")
    }

    fn a_change_that_renders_the_same_is_none(&self) {
        git(
            &self.sandbox,
            &self.template,
            &["commit", "--quiet", "--allow-empty", "-m", "Same"],
        );
        git(&self.sandbox, &self.template, &["tag", "v1.0.1"]);
        self.changes_nothing();
    }

    fn a_dry_run_touches_nothing(&self) {
        let before = untouched(&self.sandbox.work());
        let template = untouched(&self.template);
        Self::update(&self.sandbox, &["--dry-run"]).ok();
        assert_same(&untouched(&self.sandbox.work()), &before);
        assert_same(&untouched(&self.template), &template);
    }

    /// Nothing to do, said and done.
    #[track_caller]
    fn changes_nothing(&self) {
        // Its locks are ours.
        let state = || {
            let mut state = untouched(&self.service);
            state.retain(|path, _| {
                !path.starts_with(self.service.join(".git/generate-service"))
                    && *path != self.service.join(".git")
            });
            state
        };
        let before = state();
        let run = Self::update(&self.sandbox, &[]).ok();
        assert!(run.stderr.contains("is up to date with"), "{}", run.stderr);
        assert_same(&state(), &before);
    }

    fn is_sound(&self, result: &State) {
        let fsck = ["fsck", "--strict", "--no-progress", "--no-dangling"];
        assert_eq!(git(&self.sandbox, &self.service, &fsck), "");
        let status = ["status", "--porcelain", "--untracked-files=all"];
        let status = git(&self.sandbox, &self.service, &status);
        if result.is_clean() {
            assert_eq!(status, "");
        }
        result.is_well_formed();
        let record = fs::read_to_string(self.service.join("service.toml"));
        let record = record.expect("a record");
        assert!(record.contains("version = \"1.1.0\""), "{record}");
    }

    fn another_machine_does_the_same(&self, result: &State) {
        Self::update(&self.elsewhere, &[]);
        let other = self.elsewhere.work().join(SERVICE);
        assert!(State::of(&other) == *result, "another machine");
        let tree = |sandbox, dir| git(sandbox, dir, &["rev-parse", "HEAD^{tree}"]);
        assert_eq!(
            tree(&self.elsewhere, &other),
            tree(&self.sandbox, &self.service)
        );
        if result.is_clean() {
            return;
        }
        // And takes it back.
        let mut program = Self::program(&self.elsewhere);
        Run::of(program.args(["update", "--abort", SERVICE])).ok();
        let status = ["status", "--porcelain", "--untracked-files=all"];
        assert_eq!(git(&self.elsewhere, &other, &status), "");
    }

    fn once_more_is_once(&self, result: &State) {
        if !result.is_clean() {
            git(&self.sandbox, &self.service, &["add", "--all"]);
            git(
                &self.sandbox,
                &self.service,
                &["commit", "--quiet", "--no-edit"],
            );
            let parents = git(&self.sandbox, &self.service, &["log", "-1", "--format=%P"]);
            assert_eq!(parents.len(), 40, "a merge of HEAD with itself");
        }
        self.changes_nothing();
    }
}

type Snapshot = BTreeMap<PathBuf, (u32, SystemTime, Vec<u8>)>;

/// A snapshot. Whoever would write an object that is there makes it look new, git as well as
/// libgit2, so that nobody collects it as garbage: the times of objects say nothing.
fn untouched(dir: &Path) -> Snapshot {
    let mut all = snapshot(dir);
    for (path, (_, time, _)) in &mut all {
        if path.is_file() && path.components().any(|part| part.as_os_str() == "objects") {
            *time = SystemTime::UNIX_EPOCH;
        }
    }
    all
}

#[track_caller]
fn assert_same(now: &Snapshot, before: &Snapshot) {
    let other = now
        .iter()
        .filter(|(path, state)| before.get(*path) != Some(state));
    let other = other.map(|(path, _)| path).collect::<Vec<_>>();
    assert!(now == before, "touched: {other:?}");
}

/// What `name` tags, of these files.
fn lines<'a>(files: impl IntoIterator<Item = &'a File>, name: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in files {
        let text = String::from_utf8_lossy(&file.bytes);
        let tagged = text.lines().filter(|line| line.starts_with(name));
        lines.extend(tagged.map(|line| line.trim_end().to_owned()));
    }
    lines
}

/// What a side has written is there, if need be between markers or, for a file that cannot have
/// any, in the index. What a side has taken out is gone, unless it is part of a conflict.
#[track_caller]
fn no_line_is_lost(seed: u64, case: &Case, result: &State, expected: &State) {
    let open = result.open_files();
    for (name, side) in [
        ("team ", &case.ours),
        ("template ", &case.theirs),
        ("both ", &case.ours),
    ] {
        let written = lines(side.values(), name);
        let kept = lines(result.files.values().chain(&open), name);
        let lost = written.difference(&kept).collect::<Vec<_>>();
        // Of what both did, each may have undone a part.
        if name != "both " {
            assert!(lost.is_empty(), "seed {seed}: {lost:?}");
        }
    }
    let [old, ours, theirs] =
        [&case.base, &case.ours, &case.theirs].map(|files| lines(files.values(), "base "));
    let now = lines(result.files.values(), "base ");
    let by_git = lines(expected.files.values(), "base ");
    let disputed = lines(&open, "base ");
    for line in old {
        // A file that one side has rewritten under another name is a new one, also to git.
        if disputed.contains(&line) || now.contains(&line) == by_git.contains(&line) {
            continue;
        }
        let stays = ours.contains(&line) && theirs.contains(&line);
        assert_eq!(now.contains(&line), stays, "seed {seed}: {line}");
    }
}

/// Commits all that is in `dir`.
#[track_caller]
pub fn commit(sandbox: &Sandbox, dir: &Path, message: &str) {
    git(sandbox, dir, &["add", "--all", "--force"]);
    let words = ["commit", "--quiet", "--allow-empty", "--message", message];
    git(sandbox, dir, &words);
}

fn read(dir: &Path, path: &str) -> File {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(path);
    let mode = path
        .symlink_metadata()
        .expect("a file")
        .permissions()
        .mode();
    File {
        bytes: fs::read(path).expect("a file"),
        runs: mode & 0o100 != 0,
    }
}

/// `files`, and those that are in `dir` under these names.
fn with(files: &Files, dir: &Path, names: &[&str]) -> Files {
    let more = names
        .iter()
        .map(|name| ((*name).to_owned(), read(dir, name)));
    files.clone().into_iter().chain(more).collect()
}

fn without(files: &Files, name: &str) -> Files {
    let mut files = files.clone();
    files.remove(name);
    files
}

/// Makes `files` all that is in `dir`, the repository aside.
fn lay_out(dir: &Path, files: &Files) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with(".git") {
            fs::remove_dir_all(path).expect("removed");
        } else if path.is_file() {
            fs::remove_file(path).expect("removed");
        }
    }
    for (path, file) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, &file.bytes).expect("a file");
        let mode = if file.runs { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
}
