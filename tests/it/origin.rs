//! Repositories that templates come from, and the getting of a template, in a process of its own:
//! with an environment of its own, a time and a memory that can be measured, and a death of its
//! own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use generate_service::source::{self, Want, Ways};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::git::git;
use crate::sandbox::{Run, Sandbox};

/// What the other process is told.
const TOLD: &str = "GENERATE_SERVICE_TEST_SOURCE";

/// A repository with a working directory.
pub struct Origin<'a> {
    sandbox: &'a Sandbox,
    pub dir: PathBuf,
}

impl<'a> Origin<'a> {
    /// One in `work/NAME`, with a commit.
    pub fn new(sandbox: &'a Sandbox, name: &str) -> Self {
        let dir = sandbox.work().join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        git(sandbox, &dir, &["init", "--quiet", "--initial-branch=main"]);
        let origin = Self { sandbox, dir };
        origin.commit("README.md", "# {{ name }}\n");
        origin
    }

    /// Another commit; says its id.
    pub fn commit(&self, path: &str, text: &str) -> String {
        self.sandbox.write(self.dir.join(path), text);
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--message", path]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn git(&self, words: &[&str]) -> String {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"];
        let words = who.iter().chain(words).copied().collect::<Vec<_>>();
        git(self.sandbox, &self.dir, &words)
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.dir.display())
    }
}

/// A wish for a template.
pub struct Wish<'a> {
    sandbox: &'a Sandbox,
    command: Command,
    told: Value,
    answer: NamedTempFile,
}

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    pub said: Value,
    pub took: Duration,
}

impl<'a> Wish<'a> {
    pub fn new(sandbox: &'a Sandbox, text: &str) -> Self {
        let mut command = sandbox.command(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "origin::gets_what_it_is_told", "--ignored"])
            .arg("--test-threads=1")
            .env("XDG_CACHE_HOME", sandbox.root().join("cache"))
            .current_dir(sandbox.work());
        let answer = tempfile::NamedTempFile::new_in(sandbox.root()).expect("a file");
        let told = json!({ "text": text, "base": sandbox.work(), "answer": answer.path() });
        Self {
            sandbox,
            command,
            told,
            answer,
        }
    }

    /// `kind` is `branch`, `tag` or `rev`.
    pub fn want(mut self, kind: &str, name: &str) -> Self {
        self.told["want"] = json!([kind, name]);
        self
    }

    pub fn offline(mut self) -> Self {
        self.told["offline"] = json!(true);
        self
    }

    /// Somebody sits at the terminal.
    pub fn human(mut self) -> Self {
        self.told["human"] = json!(true);
        self
    }

    /// In an address space of `bytes` at most.
    pub fn within(mut self, bytes: u64) -> Self {
        let mut command = self.sandbox.command("prlimit");
        command
            .arg(format!("--as={bytes}"))
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .current_dir(self.sandbox.work());
        for (name, value) in self.command.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        self.command = command;
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// The process that will get it, ready to run.
    pub fn command(&mut self) -> &mut Command {
        self.command.env(TOLD, self.told.to_string())
    }

    /// The same on a terminal of its own, with somebody at it.
    pub fn on_terminal(mut self) -> (Command, NamedTempFile) {
        self.told["human"] = json!(true);
        let wish = self.command();
        let words = std::iter::once(wish.get_program()).chain(wish.get_args());
        let words = words.map(|word| format!("'{}'", word.display()));
        let line = words.collect::<Vec<_>>().join(" ");
        let envs = wish.get_envs().map(|(name, value)| {
            let value = value.unwrap_or_default();
            (name.to_owned(), value.to_owned())
        });
        let envs = envs.collect::<Vec<_>>();
        let mut script = self.sandbox.command("script");
        script.args(["-q", "-e", "-c", &line, "/dev/null"]);
        script.env("SHELL", "/bin/sh").envs(envs);
        (script, self.answer)
    }

    #[track_caller]
    pub fn get(mut self) -> Answer {
        let started = Instant::now();
        let run = Run::of(self.command());
        let took = started.elapsed();
        let said = std::fs::read(self.answer.path()).expect("the answer");
        let Ok(said) = serde_json::from_slice(&said) else {
            panic!("no answer: {}\n{}\n{}", run.code, run.stdout, run.stderr);
        };
        Answer { said, took }
    }
}

impl Answer {
    /// Fails unless it was got.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.said["error"], Value::Null, "{}", self.said);
        self
    }

    #[track_caller]
    pub fn text(&self, key: &str) -> &str {
        self.said[key].as_str().unwrap_or_default()
    }

    pub fn list(&self, key: &str) -> Vec<&str> {
        let list = self.said[key].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).collect()
    }

    /// Fails unless it was refused with an error of `kind` that says `words`.
    #[track_caller]
    pub fn refused(&self, kind: &str, words: &str) {
        assert_eq!(self.said["kind"], kind, "{}", self.said);
        let said = self.text("error");
        assert!(said.contains(words), "`{words}` is not in `{said}`");
    }
}

/// Not a test: what `Wish` starts.
#[test]
#[ignore = "is started by others"]
fn gets_what_it_is_told() {
    let Some(told) = std::env::var_os(TOLD) else {
        return;
    };
    let told = told.into_string().expect("a text");
    let told = serde_json::from_str::<Value>(&told).expect("what to get");
    let before = peak();
    let outcome = get(&told);
    let mut said = match outcome {
        Ok(said) => said,
        Err(error) => json!({ "error": error.message, "kind": error.kind, "help": error.help }),
    };
    said["peak"] = json!(peak() - before);
    let answer = told["answer"].as_str().expect("a path");
    std::fs::write(answer, said.to_string()).expect("the answer");
}

fn get(told: &Value) -> Result<Value, generate_service::error::Error> {
    let name = told["want"][1].as_str().unwrap_or_default().to_owned();
    let want = match told["want"][0].as_str() {
        Some("branch") => Want::Branch(name),
        Some("tag") => Want::Tag(name),
        Some("rev") => Want::Rev(name),
        _ => Want::Default,
    };
    let text = told["text"].as_str().expect("a text");
    let base = Path::new(told["base"].as_str().expect("a base"));
    let parsed = source::parse(text, base, want)?;
    let ways = Ways {
        offline: told["offline"] == true,
        human: told["human"] == true,
    };
    let started = Instant::now();
    let got = source::obtain(&parsed.source, ways)?;
    let runnable = got.files.iter().filter(|file| file.executable);
    Ok(json!({
        "micros": u64::try_from(started.elapsed().as_micros()).expect("not that long"),
        "files": got.files.iter().map(|file| &file.path).collect::<Vec<_>>(),
        "executable": runnable.map(|file| &file.path).collect::<Vec<_>>(),
        "id": got.id,
        "commit": got.commit,
        "tree": got.tree,
        "warnings": got.warnings,
    }))
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
