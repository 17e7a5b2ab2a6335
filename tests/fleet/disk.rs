//! Trees in directories and git repositories, made by the `git` program: the same commits each
//! time, whoever makes them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::change::Tree;
use super::{VERSIONS, number, template};

/// What a tree is not to touch in a service's directory.
const KEPT: [&str; 2] = [".git", "service.toml"];

/// Makes `dir` hold `tree`, and nothing else but its repository and its record.
pub fn lay_out(tree: &Tree, dir: &Path) {
    fs::create_dir_all(dir).expect("a directory");
    let wanted = tree
        .keys()
        .map(|path| dir.join(path))
        .collect::<BTreeSet<_>>();
    for path in files(dir) {
        if !wanted.contains(&path) {
            fs::remove_file(&path).expect("a file goes");
            without_empty(path.parent().expect("a directory"), dir);
        }
    }
    for (path, file) in tree {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories");
        fs::write(&path, &file.bytes).expect("a file");
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
}

/// The template's repository, a commit and a tag for each version, in `dir`.
pub fn repository(dir: &Path) {
    lay_out(&Tree::new(), dir);
    git(dir, &["init", "--quiet", "--initial-branch", "main"]);
    for version in 0..VERSIONS {
        let tag = format!("v{}", number(version));
        lay_out(&template(version), dir);
        commit(dir, &format!("Release {tag}"));
        git(dir, &["tag", &tag]);
    }
}

/// Commits all there is in `dir`.
pub fn commit(dir: &Path, message: &str) {
    git(dir, &["add", "--all"]);
    git(
        dir,
        &["commit", "--quiet", "--allow-empty", "--message", message],
    );
}

/// What git says, trimmed: nobody's settings, one author, one time.
#[track_caller]
pub fn git(dir: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(words).current_dir(dir);
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Fleet")
            .env(format!("GIT_{who}_EMAIL"), "fleet@example.com")
            .env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {words:?}: {said}");
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// Every file below `dir` that may go.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(dir).into_iter();
    let ours = |path: &Path| !KEPT.iter().any(|kept| path == dir.join(kept));
    entries
        .filter_entry(|entry| ours(entry.path()))
        .map(|entry| entry.expect("a readable directory"))
        .filter(|entry| !entry.file_type().is_dir())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// Takes `dir` and those around it away, up to `top`, as long as they are empty.
fn without_empty(dir: &Path, top: &Path) {
    if dir != top && fs::remove_dir(dir).is_ok() {
        without_empty(dir.parent().expect("below the top"), top);
    }
}
