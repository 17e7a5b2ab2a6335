//! Where a service stands: in a bigger repository, in a worktree, behind a link, in a clone.

use std::fs;
use std::os::unix::fs::symlink;

use super::world::{LINES, Service, World};
use crate::sandbox::Run;

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";
const OURS: &str = "ONE\ntwo\nthree\nfour\nfive\n";
const BOTH: &str = "ONE\ntwo\nthree\nfour\nFIVE\n";

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

/// Two services in `services/` of the repository `mono`.
fn mono(world: &World) -> Service<'_> {
    let mono = world.at("mono");
    fs::create_dir_all(mono.path("services")).expect("a directory");
    mono.git(&["init", "--quiet", "--initial-branch=main"]);
    mono.commit(&[("README.md", "all\n"), ("a.txt", "of the root\n")]);
    for (name, port) in [("jobs", "5000"), ("mails", "5001")] {
        let mut command = world.generator();
        command.args([name, "--port", port, "--template", "worker", "--build=none"]);
        command.args(["--quiet", "--trust", "--into", "mono/services"]);
        Run::of(&mut command).ok();
    }
    if !mono.git(&["status", "--porcelain"]).is_empty() {
        mono.commit_all();
    }
    mono
}

#[test]
fn a_directory_of_a_bigger_repository() {
    let world = world();
    let mono = mono(&world);
    let service = world.at("mono/services/jobs");
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    // What is changed elsewhere is nobody's business.
    mono.write("README.md", "changed\n");
    let run = Run::of(world.generator().current_dir(&mono.dir).args([
        "update",
        "--no-verify",
        "services/jobs",
    ]));
    run.ok();
    assert_eq!(service.read("a.txt"), BOTH);
    assert_eq!(mono.read("a.txt"), "of the root\n");
    assert_eq!(mono.git(&["status", "--porcelain"]), " M README.md");
    assert_eq!(
        mono.git(&["show", "--format=", "--name-only", "HEAD"]),
        "services/jobs/a.txt\nservices/jobs/service.toml"
    );
    assert_eq!(world.at("mono/services/mails").read("a.txt"), LINES);
}

#[test]
fn what_is_staged_elsewhere_is_not_taken_along() {
    let world = world();
    let mono = mono(&world);
    world.release("1.1.0", &[("a.txt", NEW)]);
    mono.write("README.md", "staged\n");
    mono.git(&["add", "README.md"]);
    world.at("mono/services/jobs").refuses(
        &[],
        7,
        "error: there are changes that are not committed: `README.md`\nhelp: git -C \
         [ROOT]/work/mono commit --all, or `git stash`; or update on a branch beside it: --branch\n",
    );
}

#[test]
fn a_conflict_in_a_bigger_repository() {
    let world = world();
    let mono = mono(&world);
    let service = world.at("mono/services/jobs");
    service.commit(&[("a.txt", "mine\n")]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.update(&[]);
    assert_eq!(run.code, 17, "{}", run.stderr);
    assert_eq!(mono.unmerged(), ["services/jobs/a.txt"]);
    mono.write("README.md", "in the meantime\n");
    Run::of(&mut service.updating(&["--abort"])).ok();
    assert_eq!(mono.git(&["status", "--porcelain"]), " M README.md");
    assert_eq!(service.read("a.txt"), "mine\n");
    mono.git(&["checkout", "--quiet", "--", "."]);
    service.update(&[]);
    mono.git(&["checkout", "--quiet", "--theirs", "services/jobs/a.txt"]);
    mono.commit_all();
    mono.is_clean();
    assert_eq!(
        mono.git(&["rev-list", "--count", "--min-parents=2", "HEAD"]),
        "0"
    );
}

#[test]
fn a_linked_worktree() {
    let world = world();
    let main = world.service();
    main.commit(&[("a.txt", OURS)]);
    main.git(&["worktree", "add", "--quiet", "../side"]);
    let service = world.at("side");
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    assert_eq!(service.git(&["branch", "--show-current"]), "side");
    main.is_clean();
    assert_eq!(main.read("a.txt"), OURS);
    // A conflict in one is none in the other.
    world.release("1.2.0", &[("a.txt", "EINS\n")]);
    service.conflicts(&[], &["a.txt"]);
    main.is_clean();
    Run::of(&mut service.updating(&["--abort"])).ok();
    service.is_clean();
}

#[test]
fn a_repository_that_is_elsewhere() {
    let world = world();
    let service = world.service();
    let elsewhere = world.sandbox.work().join("elsewhere.git");
    service.git(&[
        "init",
        "--quiet",
        "--separate-git-dir",
        &elsewhere.display().to_string(),
    ]);
    assert!(service.path(".git").is_file());
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
}

#[test]
fn a_shallow_clone() {
    let world = world();
    let main = world.service();
    main.commit(&[("a.txt", OURS)]);
    let url = format!("file://{}", main.dir.display());
    world.git(
        &world.sandbox.work(),
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
    );
    let service = world.at("shallow");
    world.publish("v1.0.0");
    world.release("1.1.0", &[("a.txt", NEW)]);
    // The template's own history has what the service's has not.
    let run = service.update(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(service.read("a.txt"), BOTH);
}

#[test]
fn a_shallow_clone_whose_base_is_nowhere() {
    let world = world();
    let main = world.service();
    main.commit(&[("a.txt", OURS)]);
    let url = format!("file://{}", main.dir.display());
    world.git(
        &world.sandbox.work(),
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
    );
    let service = world.at("shallow");
    fs::remove_dir_all(world.sandbox.root().join("cache")).expect("a cache");
    world.release("1.1.0", &[("a.txt", NEW)]);
    let tree = service.read("service.toml");
    let tree = tree.split("\ntree = \"").nth(1).expect("a tree")[..12].to_owned();
    service.refuses(
        &[],
        19,
        &format!(
            "error: service.toml does not say what the service was made from: with these values \
             worker 1.1.0 makes another tree than {tree}\nhelp: git -C [ROOT]/work/shallow fetch \
             --unshallow\n"
        ),
    );
    service.git(&["fetch", "--quiet", "--unshallow"]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
}

#[test]
fn a_submodule_and_a_service_with_one() {
    let world = world();
    let origin = world.service();
    let lib = world.at("lib");
    fs::create_dir(&lib.dir).expect("a directory");
    lib.git(&["init", "--quiet", "--initial-branch=main"]);
    lib.commit(&[("lib.txt", "lib\n")]);
    origin.git(&["submodule", "--quiet", "add", "../lib", "lib"]);
    origin.commit(&[("a.txt", OURS)]);
    let outer = world.at("outer");
    fs::create_dir(&outer.dir).expect("a directory");
    outer.git(&["init", "--quiet", "--initial-branch=main"]);
    let url = origin.dir.display().to_string();
    outer.git(&["submodule", "--quiet", "add", &url, "jobs"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    origin.updated(&[]);
    assert_eq!(origin.read("a.txt"), BOTH);
    assert_eq!(origin.read("lib/lib.txt"), "lib\n");
    let service = world.at("outer/jobs");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
}

#[test]
fn from_inside_the_service_and_behind_a_link() {
    let world = world();
    let service = world.service();
    symlink(&service.dir, world.sandbox.work().join("link")).expect("a link");
    world.release("1.1.0", &[("a.txt", NEW)]);
    let update = |dir: &str, words: &[&str]| {
        let mut command = world.generator();
        command.args(["update", "--no-verify"]).args(words);
        Run::of(command.current_dir(world.sandbox.work().join(dir)))
    };
    update("jobs/src", &[]).ok();
    assert_eq!(service.read("a.txt"), NEW);
    world.release("1.2.0", &[("a.txt", OURS)]);
    update(".", &["link"]).ok();
    assert_eq!(service.read("a.txt"), OURS);
    world.release("1.3.0", &[("a.txt", BOTH)]);
    update("link", &["."]).ok();
    assert_eq!(service.read("a.txt"), BOTH);
    service.is_clean();
}

/// Neither the name of the directory nor the environment of a hook of git's matters.
#[test]
fn another_directory_and_another_repository_in_the_environment() {
    let world = world();
    let made = world.service();
    let dir = world.sandbox.work().join("renamed");
    fs::rename(&made.dir, &dir).expect("renamed");
    let service = world.at("renamed");
    world.release("1.1.0", &[("a.txt", NEW)]);
    let mut command = service.updating(&["--no-verify"]);
    command.env("GIT_DIR", world.sandbox.work().join("nowhere"));
    command.env("GIT_INDEX_FILE", "/nowhere");
    command.env("GIT_WORK_TREE", world.sandbox.home());
    Run::of(&mut command).ok();
    service.is_clean();
    assert_eq!(service.read("a.txt"), NEW);
    assert!(service.read("service.toml").contains("name = \"jobs\""));
}

#[test]
fn a_bare_repository() {
    let world = world();
    let service = world.service();
    service.git(&["config", "core.bare", "true"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let run = service.update(&[]);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr).lines().next(),
        Some("error: `[ROOT]/work/jobs` is in no git repository, so an update could not be undone")
    );
    assert_eq!(run.code, 7);
}

/// The author is who commits here, and no key is asked for.
#[test]
fn the_repositorys_own_settings_count() {
    let world = world();
    let service = world.service();
    service.git(&["config", "user.name", "Local"]);
    service.git(&["config", "user.email", "local@example.invalid"]);
    service.git(&["config", "commit.gpgSign", "true"]);
    service.git(&["config", "gpg.program", "false"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    assert_eq!(
        service.git(&["log", "-1", "--format=%an %ce"]),
        "Local local@example.invalid"
    );
}

/// A member shares its workspace's lock file, and stays a member.
#[test]
fn a_member_of_a_workspace() {
    let world = world();
    let root = world.at("all");
    fs::create_dir(&root.dir).expect("a directory");
    root.git(&["init", "--quiet", "--initial-branch=main"]);
    root.commit(&[(
        "Cargo.toml",
        "[workspace]\nmembers = []\nresolver = \"3\"\n",
    )]);
    let mut command = world.generator();
    command.args(["jobs", "--port=5000", "--template=worker", "--build=none"]);
    Run::of(command.args(["--quiet", "--trust", "--into", "all"])).ok();
    if !root.git(&["status", "--porcelain"]).is_empty() {
        root.commit_all();
    }
    let service = world.at("all/jobs");
    assert!(service.read("service.toml").contains("member = true\n"));
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    assert!(service.read("service.toml").contains("member = true\n"));
    assert!(root.read("Cargo.toml").contains("members = [\"jobs\"]"));
}
