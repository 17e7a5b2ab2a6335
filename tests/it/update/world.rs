//! A template, a service of it, and their owners.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::git::git;
use crate::native::template;
use crate::sandbox::{Run, Sandbox, snapshot};
use crate::terminal::{Terminal, shell};

/// Five lines, of which each side may change some.
pub const LINES: &str = "one\ntwo\nthree\nfour\nfive\n";

/// The template `worker` in `work/worker`, whose repositories are those of `A`.
pub struct World {
    pub sandbox: Sandbox,
}

/// A service in its repository.
pub struct Service<'a> {
    pub world: &'a World,
    pub dir: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let config =
            "[user]\nname = A\nemail = a@example.invalid\n[protocol \"file\"]\nallow = always\n";
        sandbox.write("home/.gitconfig", config);
        Self { sandbox }
    }

    /// One whose template is at version 1.0.0 with these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let world = Self::new();
        template(&world.sandbox, "worker", &[]);
        world.release("1.0.0", files);
        world
    }

    /// The template as it is from `version` on: these files are new or say something else.
    pub fn release(&self, version: &str, files: &[(&str, &str)]) {
        self.release_with(version, "", files);
    }

    /// The same with more in its manifest.
    pub fn release_with(&self, version: &str, more: &str, files: &[(&str, &str)]) {
        let head = format!("[template]\nname = \"worker\"\nversion = \"{version}\"\n{more}");
        self.sandbox.write("work/worker/template.toml", &head);
        for (path, text) in files {
            self.sandbox.write(format!("work/worker/{path}"), text);
        }
    }

    /// A path in the template.
    pub fn template(&self, path: &str) -> PathBuf {
        self.sandbox.work().join("worker").join(path)
    }

    /// The template's repository: commits what is there, and tags it.
    pub fn publish(&self, tag: &str) -> String {
        let dir = self.template("");
        if !dir.join(".git").exists() {
            self.git(&dir, &["init", "--quiet", "--initial-branch=main"]);
        }
        self.git(&dir, &["add", "--all"]);
        self.git(&dir, &["commit", "--quiet", "--message", tag]);
        if !tag.is_empty() {
            self.git(&dir, &["tag", tag]);
        }
        self.git(&dir, &["rev-parse", "HEAD"])
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("file://{}", self.template("").display())
    }

    /// The service `jobs`, made from the template's directory.
    pub fn service(&self) -> Service<'_> {
        self.service_of(&["--template", "worker"])
    }

    /// The service `jobs`, made with these words.
    pub fn service_of(&self, words: &[&str]) -> Service<'_> {
        let mut command = self.generator();
        command.args(["jobs", "--port", "5000", "--quiet", "--yes", "--trust"]);
        Run::of(command.args(["--build", "none"]).args(words)).ok();
        self.at("jobs")
    }

    /// The service in this directory of `work`.
    pub fn at(&self, dir: &str) -> Service<'_> {
        let dir = self.sandbox.work().join(dir);
        Service { world: self, dir }
    }

    /// The program, with nobody else's renders and templates in its cache.
    pub fn generator(&self) -> Command {
        let mut command = self.sandbox.generator();
        command.env("XDG_CACHE_HOME", self.sandbox.root().join("cache"));
        command
    }

    pub fn git(&self, dir: &Path, words: &[&str]) -> String {
        git(&self.sandbox, dir, words)
    }
}

/// All that an update may change, line by line: the files, HEAD, the branches, the index, the
/// objects.
#[derive(Debug)]
pub struct State(BTreeSet<String>);

impl State {
    /// Fails unless nothing has changed since.
    #[track_caller]
    pub fn is(&self, before: &Self) {
        let new = self.0.difference(&before.0).collect::<Vec<_>>();
        let gone = before.0.difference(&self.0).collect::<Vec<_>>();
        assert!(
            new.is_empty() && gone.is_empty(),
            "new: {new:#?}\ngone: {gone:#?}"
        );
    }
}

impl Service<'_> {
    pub fn git(&self, words: &[&str]) -> String {
        self.world.git(&self.dir, words)
    }

    /// The program, about to update this service.
    pub fn updating(&self, words: &[&str]) -> Command {
        let mut command = self.world.generator();
        command.arg("update").args(words).arg("--");
        command.arg(&self.dir);
        command
    }

    /// Updates without cargo.
    pub fn update(&self, words: &[&str]) -> Run {
        let words = [&["--no-verify"], words].concat();
        Run::of(&mut self.updating(&words))
    }

    /// The program with this command, for this service.
    pub fn run(&self, words: &[&str]) -> Run {
        Run::of(self.world.generator().args(words).arg(&self.dir))
    }

    /// Updates, which has to end in one ordinary commit and a clean working directory.
    #[track_caller]
    pub fn updated(&self, words: &[&str]) -> Run {
        let before = self.git(&["rev-parse", "HEAD"]);
        let run = self.update(words).ok();
        assert_eq!(self.git(&["rev-parse", "HEAD^@"]), before);
        self.is_clean();
        run
    }

    /// Updates, which has to leave conflicts in these files.
    #[track_caller]
    pub fn conflicts(&self, words: &[&str], files: &[&str]) -> Run {
        let head = self.git(&["rev-parse", "HEAD"]);
        let run = self.update(words);
        assert_eq!(run.code, 17, "{}", run.stderr);
        assert_eq!(self.git(&["rev-parse", "HEAD"]), head);
        assert_eq!(self.unmerged(), files);
        run
    }

    /// The conflicting files, as git's index has them.
    pub fn unmerged(&self) -> Vec<String> {
        let said = self.git(&["ls-files", "-z", "--unmerged"]);
        let lines = said.split('\0').filter_map(|line| line.split_once('\t'));
        let mut paths = lines.map(|(_, path)| path.to_owned()).collect::<Vec<_>>();
        paths.dedup();
        paths
    }

    /// Fails unless git sees no difference, and its repository is sound.
    #[track_caller]
    pub fn is_clean(&self) {
        let status = ["status", "--porcelain", "--untracked-files=all"];
        assert_eq!(self.git(&status), "");
        let fsck = ["fsck", "--strict", "--no-progress", "--no-dangling"];
        assert_eq!(self.git(&fsck), "");
    }

    /// Fails unless `update` with `words` says this, fails with `code` and changes nothing.
    #[track_caller]
    pub fn refuses(&self, words: &[&str], code: i32, stderr: &str) {
        let before = self.state();
        let run = self.update(words);
        let run = Run {
            stderr: self.world.sandbox.anonymous(&run.stderr),
            ..run
        };
        run.fails(code, stderr);
        self.state().is(&before);
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("a text of the service")
    }

    pub fn write(&self, path: &str, text: &str) {
        self.world.sandbox.write(self.path(path), text);
    }

    /// A commit of the owner's: these files are new or say something else.
    pub fn commit(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
        self.commit_all();
    }

    /// A commit of whatever is there.
    pub fn commit_all(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "work"]);
    }

    /// Everything an update may change.
    pub fn state(&self) -> State {
        let mut lines = BTreeSet::new();
        for (path, (mode, time, bytes)) in snapshot(&self.dir) {
            let has = |name: &str| path.components().any(|part| part.as_os_str() == name);
            let path = path.display();
            if !has(".git") {
                let text = String::from_utf8_lossy(&bytes);
                let text = text.chars().take(200).collect::<String>();
                lines.insert(format!("{path} {mode:o} {time:?} {} {text:?}", bytes.len()));
            } else if has("objects") {
                lines.insert(format!("{path} {}", bytes.len()));
            }
        }
        for words in [
            &["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"][..],
            &["for-each-ref"],
            &["ls-files", "--stage"],
            &["status", "--porcelain", "--ignored"],
        ] {
            lines.insert(self.git(words));
        }
        State(lines)
    }

    /// What git shows of this path at this revision.
    pub fn shown(&self, what: &str) -> String {
        self.git(&["show", what])
    }

    /// Updates on a terminal, with somebody at it.
    pub fn at_terminal(&self, words: &str) -> Terminal {
        let dir = self.dir.display();
        let line = format!("\"$generator\" update --no-verify {words} '{dir}'");
        let mut command = shell(&self.world.sandbox, &line);
        let cache = self.world.sandbox.root().join("cache");
        command.env("XDG_CACHE_HOME", cache);
        Terminal::open(command)
    }
}

/// The events of a run in JSON.
pub fn events(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    let events = lines.map(|line| serde_json::from_str(line).expect("an event"));
    events.collect()
}
