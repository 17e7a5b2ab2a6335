//! Repositories of others: what is in them, and fetching it.
//!
//! What lies on this machine is looked at in this process. Everything else is for the `git`
//! program, so that credentials, the configuration of ssh, proxies and `insteadOf` work as in
//! `git clone`; it is told to run nothing that is not needed for that.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use git2::{AutotagOption, ErrorCode, FetchOptions, Oid, Reference, Repository};

use super::history;
use crate::dirs::quoted;
use crate::error::{Error, Kind, Result};
use crate::process::{self, Limits, Outcome, Place};

/// For one talk with a remote.
const LIMITS: Limits = Limits {
    time: Duration::from_mins(10),
    bytes: 4 << 20,
};

/// The largest file that a fetch may write.
const PACK_BYTES: u64 = 1 << 30;

/// Where a fetch puts what it was asked for.
const ARRIVED: &str = "refs/template/wanted";

/// For a program that is to do as `git clone` does, and no more.
const SETTINGS: [&str; 10] = [
    "protocol.ext.allow=never",
    // One pack is read faster than a file for each object.
    "fetch.unpackLimit=1",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.writeCommitGraph=false",
    "transfer.bundleURI=false",
    "maintenance.auto=false",
    "gc.auto=0",
];

/// Of git's own variables, those that say how to reach and to trust another machine. The others
/// name a repository, and not this one.
const VARIABLES: [&str; 9] = [
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_EXEC_PATH",
];

/// `GIT_CONFIG_COUNT` and what belongs to it.
const COUNTED: [&str; 3] = ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"];

/// A repository of somebody else.
#[derive(Clone, Copy)]
pub struct Remote<'a> {
    /// As git is to be told it.
    pub url: &'a str,
    /// As it is shown.
    pub id: &'a str,
    /// What must not be shown.
    pub secret: Option<&'a str>,
    /// Its directory, if it is on this machine.
    pub local: Option<&'a Path>,
    /// Whether git may ask for credentials on the terminal.
    pub human: bool,
}

/// Whether a branch or a tag can have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.starts_with('-') && Reference::is_valid_name(&format!("refs/heads/{name}"))
}

/// Makes `dir` a bare repository that holds nothing.
pub fn prepare(dir: &Path) -> Result<()> {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    let made = Repository::init_opts(dir, &options);
    made.map(drop).map_err(|error| {
        let message = format!("cannot create `{}`: {}", dir.display(), error.message());
        Error::new(Kind::Io, message)
    })
}

/// The commit of the repository `dir` whose id begins with `prefix`; an error if there are more.
pub fn with_prefix(dir: &Path, prefix: &str) -> Result<Option<String>> {
    let repository = Repository::open(dir).map_err(|error| broken(dir, &error))?;
    match repository.find_commit_by_prefix(prefix) {
        Ok(commit) => Ok(Some(commit.id().to_string())),
        Err(error) if error.code() == ErrorCode::Ambiguous => Err(ambiguous(prefix)),
        Err(_) => Ok(None),
    }
}

/// More than one commit has an id that begins with `prefix`.
#[must_use]
pub fn ambiguous(prefix: &str) -> Error {
    let message = format!("more than one commit has an id that begins with `{prefix}`");
    Error::new(Kind::Usage, message).help("give more of its digits")
}

impl Remote<'_> {
    /// The commit that the reference `name` leads to, if there is one.
    pub fn commit_of(&self, name: &str) -> Result<Option<String>> {
        match self.local.map(|dir| look(dir, name)).transpose()? {
            Some(Look::Leads(commit)) => Ok(Some(commit)),
            Some(Look::Nowhere) => Ok(None),
            Some(Look::Unreadable) | None => self.ask(name),
        }
    }

    /// Its branches and tags, with their kinds.
    pub fn names(&self) -> Result<Vec<(&'static str, String)>> {
        if let Some(names) = self.local.and_then(names_of) {
            return Ok(names);
        }
        let mut command = self.git()?;
        command
            .args(["ls-remote", "--quiet", "--refs", "--heads", "--tags", "--"])
            .arg(self.url)
            .current_dir("/");
        let text = self.run("reach", &mut command)?.stdout;
        let names = text.lines().filter_map(|line| line.split_once('\t'));
        Ok(names.filter_map(|(_, name)| kind_of(name)).collect())
    }

    /// How many of its commits are in `new` and not in `old`. Where it is somewhere else, its
    /// commits are fetched into `dir`, without their files if its server can do that.
    pub fn between(&self, old: &str, new: &str, dir: &Path) -> Result<Option<usize>> {
        if let Some(local) = self.local {
            return Ok(history::between(local, old, new));
        }
        prepare(dir)?;
        let refspecs = [
            "+refs/heads/*:refs/template/heads/*",
            "+refs/tags/*:refs/template/tags/*",
        ];
        self.program_fetch(&["--filter=tree:0"], &refspecs, dir)?;
        Ok(history::between(dir, old, new))
    }

    /// Fetches what `wanted`, a reference or a commit, leads to into the repository `dir`, without
    /// its history. Says which commit it is.
    pub fn fetch(&self, wanted: &str, dir: &Path) -> Result<String> {
        let refspec = format!("+{wanted}:{ARRIVED}");
        if self.needs_no_program() {
            let is_commit = Oid::from_str(wanted).is_ok() && wanted.len() == 40;
            if is_commit {
                self.fetch_all(dir)?;
                return with_prefix(dir, wanted)?.ok_or_else(|| self.has_no("commit", wanted));
            }
            self.copy(&[&refspec], dir)?;
        } else {
            self.program_fetch(&["--depth=1"], &[&refspec], dir)?;
        }
        arrived(dir).map_err(|error| self.failed("use", error.message()))
    }

    /// Fetches all branches and tags, with their history.
    pub fn fetch_all(&self, dir: &Path) -> Result<()> {
        let refspecs = [
            "+refs/heads/*:refs/template/heads/*",
            "+refs/tags/*:refs/template/tags/*",
        ];
        if self.needs_no_program() {
            return self.copy(&refspecs, dir);
        }
        self.program_fetch(&[], &refspecs, dir)
    }

    /// It has no `what` of the name `name`.
    #[must_use]
    pub fn has_no(&self, what: &str, name: &str) -> Error {
        let message = format!("`{}` has no {what} `{name}`", self.id.escape_debug());
        Error::new(Kind::Fetch, message).help(format!("git ls-remote {}", quoted(self.id)))
    }

    /// What cannot be done with it.
    fn failed(&self, action: &str, reason: &str) -> Error {
        let id = self.id.escape_debug();
        Error::new(Kind::Fetch, format!("cannot {action} `{id}`: {reason}"))
    }

    fn needs_no_program(&self) -> bool {
        self.local.is_some() && process::find("git").is_none()
    }

    /// Copies what is on this machine, in this process.
    fn copy(&self, refspecs: &[&str], dir: &Path) -> Result<()> {
        let copy = || -> Result<(), git2::Error> {
            let repository = Repository::open_bare(dir)?;
            let mut options = FetchOptions::new();
            options.download_tags(AutotagOption::None);
            let mut remote = repository.remote_anonymous(self.url)?;
            remote.fetch(refspecs, Some(&mut options), None)
        };
        copy().map_err(|error| self.failed("fetch", error.message()))
    }

    fn program_fetch(&self, options: &[&str], refspecs: &[&str], dir: &Path) -> Result<()> {
        let mut command = self.git()?;
        command
            .arg("--git-dir=.")
            .args(["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"])
            .arg("--no-write-fetch-head")
            .args(options)
            .args(["--", self.url])
            .args(refspecs)
            .current_dir(dir);
        process::limit_files(&mut command, PACK_BYTES);
        self.run("fetch", &mut command).map(drop)
    }

    fn ask(&self, name: &str) -> Result<Option<String>> {
        let peeled = format!("{name}^{{}}");
        let mut command = self.git()?;
        command
            .args(["ls-remote", "--quiet", "--", self.url, name, &peeled])
            .current_dir("/");
        let text = self.run("reach", &mut command)?.stdout;
        let lines = text.lines().filter_map(|line| line.split_once('\t'));
        let lines = lines.collect::<Vec<_>>();
        let id_of = |wanted: &str| lines.iter().find(|(_, name)| *name == wanted);
        let found = id_of(&peeled).or_else(|| id_of(name));
        Ok(found.map(|(id, _)| (*id).to_owned()).filter(|id| is_id(id)))
    }

    /// The `git` program, with nothing of the environment that speaks of another repository.
    fn git(&self) -> Result<Command> {
        let program = process::find("git").ok_or_else(|| {
            let id = self.id.escape_debug();
            let message = format!("`{id}` cannot be fetched without the `git` program");
            Error::new(Kind::Tool, message).help("install git, or give a directory")
        })?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_foreign) {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").env_remove("LANGUAGE");
        command.env("GIT_NO_LAZY_FETCH", "1");
        if !self.human {
            command.env("GIT_TERMINAL_PROMPT", "0");
            command.env("GCM_INTERACTIVE", "never");
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    fn run(&self, action: &str, command: &mut Command) -> Result<Outcome> {
        let place = if self.human {
            Place::Ours
        } else {
            Place::Session
        };
        let mut said = Vec::new();
        let outcome = process::run_at(place, LIMITS, command, |line| {
            let line = self.clean(line);
            if !line.is_empty() && said.len() < 20 {
                said.push(line);
            }
        })?;
        if outcome.late {
            let minutes = LIMITS.time.as_secs() / 60;
            return Err(self.failed(action, &format!("not done within {minutes} minutes")));
        }
        if !outcome.success {
            return Err(self.failed(action, &reason(&said)));
        }
        Ok(outcome)
    }

    /// A line of git's, or of a server's, that can be shown.
    fn clean(&self, line: &str) -> String {
        let mut line = line.replace(self.url, self.id);
        if let Some(secret) = self.secret {
            line = line.replace(secret, "***");
        }
        let line = line.trim().replace(char::is_control, "");
        line.chars().take(300).collect()
    }
}

/// What became of a look at a reference in a repository of this machine.
enum Look {
    Leads(String),
    Nowhere,
    /// Git knows formats of repositories that libgit2 does not.
    Unreadable,
}

fn look(dir: &Path, name: &str) -> Result<Look> {
    let repository = match Repository::open(dir) {
        Ok(repository) => repository,
        Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::Owner) => {
            return Err(broken(dir, &error));
        }
        Err(_) => return Ok(Look::Unreadable),
    };
    let found = repository.find_reference(name);
    let found = found.and_then(|reference| reference.peel_to_commit());
    Ok(found.map_or(Look::Nowhere, |commit| Look::Leads(commit.id().to_string())))
}

/// Branches and tags of a repository of this machine.
fn names_of(dir: &Path) -> Option<Vec<(&'static str, String)>> {
    let repository = Repository::open(dir).ok()?;
    let references = repository.references().ok()?;
    let names = references.flatten().filter_map(|reference| {
        let name = reference.name().ok()?;
        kind_of(name)
    });
    Some(names.collect())
}

fn kind_of(reference: &str) -> Option<(&'static str, String)> {
    let kinds = [("refs/heads/", "branch"), ("refs/tags/", "tag")];
    kinds
        .into_iter()
        .find_map(|(prefix, kind)| Some((kind, reference.strip_prefix(prefix)?.to_owned())))
}

/// The commit that a fetch has brought.
fn arrived(dir: &Path) -> Result<String, git2::Error> {
    let repository = Repository::open_bare(dir)?;
    let commit = repository.find_reference(ARRIVED)?.peel_to_commit()?;
    Ok(commit.id().to_string())
}

fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_foreign(variable: &str) -> bool {
    let wanted = VARIABLES.iter().chain(&COUNTED);
    variable.starts_with("GIT_") && !wanted.into_iter().any(|known| variable.starts_with(known))
}

/// Git's own reason, and what ssh said before it.
fn reason(said: &[String]) -> String {
    let fatal = said.iter().position(|line| line.starts_with("fatal: "));
    let end = fatal.map_or(said.len(), |at| at + 1);
    let lines = said[end.saturating_sub(2)..end].iter();
    let lines = lines.map(|line| {
        let line = line.trim_start_matches("fatal: ");
        line.trim_end_matches('.')
    });
    let reason = lines.collect::<Vec<_>>().join("; ");
    if said.iter().any(|line| line.contains("signal 25")) {
        return format!("it is larger than {} MiB", PACK_BYTES >> 20);
    }
    if reason.is_empty() {
        return "git does not say why".to_owned();
    }
    reason
}

fn broken(dir: &Path, error: &git2::Error) -> Error {
    let shown = dir.display();
    match error.code() {
        ErrorCode::Owner => {
            let help = quoted(&dir.to_string_lossy());
            let message = format!("the repository `{shown}` belongs to another user");
            Error::new(Kind::Fetch, message)
                .help(format!("git config --global --add safe.directory {help}"))
        }
        ErrorCode::NotFound => Error::new(Kind::Fetch, format!("`{shown}` is no git repository")),
        _ => {
            let message = format!("cannot read the repository `{shown}`: {}", error.message());
            Error::new(Kind::Fetch, message)
        }
    }
}

/// Whether `dir` is a repository, with or without files beside it.
#[must_use]
pub fn is_repository(dir: &Path) -> bool {
    is_bare(dir) || dir.join(".git").exists()
}

/// Whether `dir` is a repository without files beside it.
#[must_use]
pub fn is_bare(dir: &Path) -> bool {
    let parts = ["objects", "refs"];
    parts.iter().all(|part| dir.join(part).is_dir()) && dir.join("HEAD").is_file()
}
