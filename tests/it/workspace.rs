//! A service in a cargo workspace: a member, and the workspace as it was otherwise.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::git::git;
use crate::live::Live;
use crate::sandbox::{Run, Sandbox, script, until};

const WORDS: [&str; 5] = ["orders", "--build", "none", "--no-git", "--quiet"];

/// The profiles of the template, so that its compiled dependencies serve here too.
const PROFILES: &str = "\n[profile.dev]\ndebug = \"line-tables-only\"\n\n\
                        [profile.dev.package.\"*\"]\ndebug = false\n";

/// A workspace in `work` with this manifest.
fn workspace(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("work/Cargo.toml", manifest);
    sandbox
}

/// A package, at a place in the sandbox.
fn package(sandbox: &Sandbox, place: &str, name: &str, more: &str) {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}");
    sandbox.write(format!("{place}/Cargo.toml"), &manifest);
    sandbox.write(
        format!("{place}/src/lib.rs"),
        "//! Theirs.\n\n/// Theirs.\npub fn theirs() {}\n",
    );
}

/// A workspace that can be built: its lock file knows the versions that are downloaded already.
fn buildable() -> Sandbox {
    let manifest = format!("[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n{PROFILES}");
    let sandbox = workspace(&manifest);
    package(&sandbox, "work/app", "app", "");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("template/Cargo.lock");
    fs::copy(template, sandbox.work().join("Cargo.lock")).expect("a lock file");
    sandbox
}

/// The generator, with a warm target directory and no network.
fn offline(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.warm_generator();
    command.args(words).env("CARGO_NET_OFFLINE", "true");
    command
}

/// What cargo says in `work`; not one warning.
#[track_caller]
fn cargo(sandbox: &Sandbox, words: &[&str]) -> Run {
    let mut cargo = sandbox.command("cargo");
    cargo
        .args(words)
        .args(["--locked", "--offline"])
        .current_dir(sandbox.work())
        .env("CARGO_TARGET_DIR", crate::sandbox::warm_target());
    let run = Run::of(&mut cargo).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    run
}

/// The manifest and the lock file at the root.
fn root(sandbox: &Sandbox) -> [Option<Vec<u8>>; 2] {
    ["Cargo.toml", "Cargo.lock"].map(|name| fs::read(sandbox.work().join(name)).ok())
}

#[track_caller]
fn manifest(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.work().join("Cargo.toml")).expect("a manifest")
}

/// What the list of members looks like before and after.
const SHAPES: [(&str, &str); 11] = [
    ("members = []", "members = [\"orders\"]"),
    ("members = [ ]", "members = [\"orders\"]"),
    ("members = [\"app\"]", "members = [\"app\", \"orders\"]"),
    (
        "members = [ \"app\" ] # ours",
        "members = [ \"app\", \"orders\" ] # ours",
    ),
    ("members = [\"app\",]", "members = [\"app\", \"orders\",]"),
    (
        "members = [\n    \"app\",\n]",
        "members = [\n    \"app\",\n    \"orders\",\n]",
    ),
    (
        "members = [\n    \"app\"\n]",
        "members = [\n    \"app\",\n    \"orders\",\n]",
    ),
    (
        "members = [\n  # the app\n  \"app\", # stays first\n  # more to come\n]",
        "members = [\n  # the app\n  \"app\", # stays first\n  # more to come\n  \"orders\",\n]",
    ),
    (
        "members = [\n\t\"app\" # stays first\n]",
        "members = [\n\t\"app\", # stays first\n\t\"orders\",\n]",
    ),
    (
        "members = [\n    # nothing yet\n]",
        "members = [\n    # nothing yet\n    \"orders\",\n]",
    ),
    (
        "resolver = \"3\" # new\n# members follow",
        "resolver = \"3\" # new\nmembers = [\"orders\"]\n# members follow",
    ),
];

#[test]
fn a_member_is_added_in_the_style_of_the_list() {
    for (before, after) in SHAPES {
        let around = |list: &str| {
            format!(
                "# Ours.\n\n[workspace] # all\n{list}\n\n[workspace.package]\nedition = \"2024\"\n"
            )
        };
        let sandbox = workspace(&around(before));
        sandbox.run(WORDS).ok();
        assert_eq!(manifest(&sandbox), around(after), "{before}");
    }
}

#[test]
fn a_member_deep_below_is_named_by_its_path() {
    let sandbox = workspace("[workspace]\nmembers = []\n");
    let deep = sandbox.work().join("services/europe");
    fs::create_dir_all(&deep).expect("directories");
    Run::of(sandbox.generator().args(WORDS).current_dir(&deep)).ok();
    let after = "[workspace]\nmembers = [\"services/europe/orders\"]\n";
    assert_eq!(manifest(&sandbox), after);
}

/// However the table is written.
#[test]
fn dotted_and_inline_tables() {
    for (before, after) in [
        (
            "workspace.members = [\"app\"]\n",
            "workspace.members = [\"app\", \"orders\"]\n",
        ),
        (
            "workspace = { members = [\"app\"] }\n",
            "workspace = { members = [\"app\", \"orders\"] }\n",
        ),
    ] {
        let sandbox = workspace(before);
        sandbox.run(WORDS).ok();
        assert_eq!(manifest(&sandbox), after);
    }
}

#[test]
fn a_list_that_covers_it_stays_as_it_is() {
    for members in [
        "\"*\"",
        "\"ord*\"",
        "\"orders\"",
        "\"./orders/\"",
        "\"app\", \"o?ders\"",
    ] {
        let text = format!("[workspace]\nmembers = [{members}]\n");
        let sandbox = workspace(&text);
        let run = sandbox.run(WORDS.into_iter().chain(["--dry-run"])).ok();
        assert!(!run.stdout.contains("Changes in"), "{}", run.stdout);
        sandbox.run(WORDS).ok();
        assert_eq!(manifest(&sandbox), text);
        assert!(!sandbox.work().join("orders/Cargo.lock").exists());
    }
}

/// A service that is no member has its own lock file and is its own workspace.
#[track_caller]
fn stands_alone(sandbox: &Sandbox, service: &Path) {
    let text = fs::read_to_string(service.join("Cargo.toml")).expect("a manifest");
    assert!(text.contains("\n[workspace]\n"), "{text}");
    let mut cargo = sandbox.command("cargo");
    cargo.args([
        "metadata",
        "--no-deps",
        "--locked",
        "--offline",
        "--format-version=1",
    ]);
    let run = Run::of(cargo.current_dir(service)).ok();
    let root = format!("\"workspace_root\":\"{}\"", service.display());
    assert!(run.stdout.contains(&root), "{}", run.stdout);
}

#[test]
fn where_it_is_excluded_it_stands_alone() {
    for exclude in ["orders", "./orders", "orders/"] {
        let text = format!("[workspace]\nexclude = [\"{exclude}\"]\n");
        let sandbox = workspace(&text);
        sandbox.run(WORDS).ok();
        assert_eq!(manifest(&sandbox), text);
        stands_alone(&sandbox, &sandbox.work().join("orders"));
    }
}

#[test]
fn on_demand_it_stands_alone_and_builds() {
    let sandbox = buildable();
    let before = root(&sandbox);
    let words = ["ws-alone", "--no-workspace", "--build", "check", "--no-git"];
    Run::of(&mut offline(&sandbox, &words)).ok();
    assert_eq!(root(&sandbox), before);
    stands_alone(&sandbox, &sandbox.work().join("ws-alone"));
}

#[test]
fn in_a_package_that_is_no_workspace_it_stands_alone() {
    let sandbox = Sandbox::new();
    package(&sandbox, "work", "lone", "");
    let before = root(&sandbox);
    sandbox.run(WORDS).ok();
    assert_eq!(root(&sandbox), before);
    stands_alone(&sandbox, &sandbox.work().join("orders"));
}

#[test]
fn two_services_build_and_test_together_without_a_warning() {
    let sandbox = buildable();
    for name in ["ws-one", "ws-two"] {
        let run = Run::of(&mut offline(&sandbox, &[name, "--no-git"])).ok();
        assert!(
            run.stderr.contains("  Member of workspace:    "),
            "{}",
            run.stderr
        );
        assert!(!sandbox.work().join(name).join("target").exists());
        assert!(!sandbox.work().join(name).join("Cargo.lock").exists());
    }
    let built = cargo(&sandbox, &["build", "--workspace"]);
    assert!(built.stderr.contains("Finished"), "{}", built.stderr);
    let tested = cargo(&sandbox, &["test", "--workspace"]);
    let good = tested.stdout.matches("test result: ok. ").count();
    assert!(good >= 4, "{}", tested.stdout);
    assert_eq!(
        manifest(&sandbox).lines().nth(1),
        Some("members = [\"app\", \"ws-one\", \"ws-two\"]")
    );
}

/// Where cargo puts what, and that it need not do it again.
#[test]
fn the_workspaces_target_directory_is_used_and_stays_fresh() {
    let sandbox = buildable();
    let mut command = sandbox.generator();
    command.env("CARGO_NET_OFFLINE", "true");
    Run::of(command.args(["orders", "--no-git"])).ok();
    assert!(sandbox.work().join("target/debug/orders").is_file());
    assert!(!sandbox.work().join("orders/target").exists());
    let mut cargo = sandbox.command("cargo");
    cargo.args([
        "build",
        "-v",
        "--locked",
        "--offline",
        "--package",
        "orders",
    ]);
    let run = Run::of(cargo.current_dir(sandbox.work())).ok();
    assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
    let left = crate::traces::files_with(&sandbox.work(), ".generate-service-");
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_package_at_the_root_and_a_glob() {
    let sandbox = Sandbox::new();
    let more = format!("\n[workspace]\nmembers = [\"crates/*\"]\n{PROFILES}");
    package(&sandbox, "work", "ws-root", &more);
    package(&sandbox, "work/crates/app", "app", "");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("template/Cargo.lock");
    fs::copy(template, sandbox.work().join("Cargo.lock")).expect("a lock file");
    let before = manifest(&sandbox);
    let crates = sandbox.work().join("crates");
    let words = ["ws-globbed", "--no-git"];
    Run::of(offline(&sandbox, &words).current_dir(&crates)).ok();
    assert_eq!(manifest(&sandbox), before);
    cargo(&sandbox, &["build", "--workspace"]);
}

/// A glob takes whatever lies there for a member: neither a stage, not even that of a run that
/// was killed, nor a wreck may be in its reach.
#[test]
fn a_glob_finds_neither_stage_nor_wreck() {
    for (members, deep) in [
        ("crates/*", "crates"),
        ("*", "."),
        ("crates/*/*", "crates/ours"),
    ] {
        let text = format!("[workspace]\nmembers = [\"{members}\"]\nresolver = \"3\"\n");
        let sandbox = workspace(&text);
        package(&sandbox, &format!("work/{deep}/app"), "app", "");
        cargo_unlocked(&sandbox);
        let wrapper = script(
            &sandbox,
            "wrapper",
            "touch \"$HOME/ran\"; while :; do sleep 0.05; done\n",
        );
        let words = ["orders", "--no-git", "--keep-on-failure"];
        let mut command = offline(&sandbox, &words);
        command
            .current_dir(sandbox.work().join(deep))
            .env("CARGO_TARGET_DIR", sandbox.root().join("target"));
        let live = Live::start(&sandbox, command.env("RUSTC_WRAPPER", wrapper));
        until("its build", || sandbox.home().join("ran").exists());
        cargo_unlocked(&sandbox);
        live.kill(&sandbox);
        cargo_unlocked(&sandbox);
        let failed = Run::of(command.env("RUSTC_WRAPPER", "false"));
        assert_eq!(failed.code, 11, "{}", failed.stderr);
        assert!(
            failed.stderr.contains("orders.failed-"),
            "{}",
            failed.stderr
        );
        cargo_unlocked(&sandbox);
        assert!(!sandbox.work().join(deep).join("orders").exists());
        Run::of(
            command
                .env_remove("RUSTC_WRAPPER")
                .args(["--build", "none"]),
        )
        .ok();
    }
}

/// The workspace is one that cargo understands, with nobody in it but `app`.
#[track_caller]
fn cargo_unlocked(sandbox: &Sandbox) {
    let mut cargo = sandbox.command("cargo");
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let run = Run::of(cargo.current_dir(sandbox.work())).ok();
    let metadata: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let names = packages.iter().map(|package| &package["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["app"]);
}

/// Wherever the stage stands: what cargo is configured to do in the service's place is done.
#[test]
fn configurations_of_cargo_on_the_way_down_count_once() {
    let sandbox = buildable();
    let text = "[workspace]\nmembers = [\"crates/eu/*\", \"app\"]\nresolver = \"3\"\n";
    sandbox.write("work/Cargo.toml", &format!("{text}{PROFILES}"));
    for (place, name) in [("work", "outer"), ("work/crates", "inner")] {
        let config = format!("[build]\nrustflags = [\"--cfg={name}\"]\n");
        sandbox.write(format!("{place}/.cargo/config.toml"), &config);
    }
    let text = "echo \"$@\" >> \"$HOME/log\"\nexec \"$@\"\n";
    let wrapper = script(&sandbox, "wrapper", text);
    let words = ["ws-flags", "--no-git", "--build", "check"];
    let mut command = offline(&sandbox, &words);
    let eu = sandbox.work().join("crates/eu");
    fs::create_dir(&eu).expect("a directory");
    Run::of(command.current_dir(eu).env("RUSTC_WRAPPER", wrapper)).ok();
    let log = fs::read_to_string(sandbox.home().join("log")).expect("a log");
    let line = log
        .lines()
        .find(|line| line.contains("--crate-name ws_flags"));
    let line = line.expect("the service was compiled");
    for flag in ["--cfg=outer", "--cfg=inner"] {
        assert_eq!(line.matches(flag).count(), 1, "{flag}: {line}");
    }
}

#[test]
fn members_with_dependencies_beside_the_workspace() {
    let sandbox = buildable();
    package(&sandbox, "shared", "shared", "");
    let more = "\n[dependencies]\nshared = { path = \"../../shared\" }\n";
    package(&sandbox, "work/app", "app", more);
    Run::of(&mut offline(&sandbox, &["ws-beside", "--no-git"])).ok();
    cargo(&sandbox, &["build", "--workspace"]);
}

#[test]
fn a_failing_build_leaves_manifest_and_lock_as_they_were() {
    let sandbox = buildable();
    let before = root(&sandbox);
    let listing = sandbox.listing();
    let mut command = offline(&sandbox, &["orders", "--no-git"]);
    let run = Run::of(command.env("RUSTFLAGS", "-Clinker=/nonexistent/linker"));
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert_eq!(root(&sandbox), before);
    assert_eq!(sandbox.listing(), listing);
}

#[test]
fn killed_in_the_build_it_leaves_manifest_and_lock_as_they_were() {
    let sandbox = buildable();
    let before = root(&sandbox);
    let text = "case \"$*\" in *'--crate-name ws_killed '*) touch \"$HOME/reached\"; \
                while :; do sleep 0.05; done;; esac\nexec \"$@\"\n";
    let wrapper = script(&sandbox, "wrapper", text);
    let words = ["ws-killed", "--no-git"];
    let mut command = offline(&sandbox, &words);
    let live = Live::start(&sandbox, command.env("RUSTC_WRAPPER", wrapper));
    until("its build", || sandbox.home().join("reached").exists());
    live.kill(&sandbox);
    assert_eq!(root(&sandbox), before);
    assert!(!sandbox.work().join("ws-killed").exists());
    Run::of(&mut offline(&sandbox, &words)).ok();
    cargo(&sandbox, &["build", "--package", "ws-killed"]);
}

/// `does` runs at the root of the workspace while the service is compiled.
#[track_caller]
fn meanwhile(sandbox: &Sandbox, name: &str, does: &str) -> Run {
    let crate_name = name.replace('-', "_");
    let text = format!(
        "case \"$*\" in *'--crate-name {crate_name} '*) (cd \"$HOME/../work\"; {does});; esac\n\
         exec \"$@\"\n"
    );
    let wrapper = script(sandbox, "wrapper", &text);
    let words = [name, "--no-git", "--quiet"];
    let run = Run::of(offline(sandbox, &words).env("RUSTC_WRAPPER", wrapper));
    let stderr = sandbox.anonymous(&run.stderr);
    Run { stderr, ..run }
}

#[test]
fn a_manifest_that_somebody_changes_during_the_build_is_theirs() {
    let sandbox = buildable();
    let [before, lock] = root(&sandbox);
    meanwhile(&sandbox, "ws-raced", "echo '# theirs' >> Cargo.toml").fails(
        8,
        "error: `[ROOT]/work/Cargo.toml` was changed by somebody meanwhile\n\
         help: run the same command again\n",
    );
    let theirs = [before.expect("a manifest"), b"# theirs\n".to_vec()].concat();
    assert_eq!(root(&sandbox), [Some(theirs), lock]);
    assert!(!sandbox.work().join("ws-raced").exists());
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

#[test]
fn a_lock_file_that_somebody_changes_during_the_build_is_theirs() {
    let sandbox = buildable();
    let [before, lock] = root(&sandbox);
    meanwhile(&sandbox, "ws-locked", "echo '# theirs' >> Cargo.lock").fails(
        8,
        "error: `[ROOT]/work/Cargo.lock` was changed by somebody meanwhile\n\
         help: run the same command again\n",
    );
    let theirs = [lock.expect("a lock file"), b"# theirs\n".to_vec()].concat();
    assert_eq!(root(&sandbox), [before, Some(theirs)]);
    assert!(!sandbox.work().join("ws-locked").exists());
}

#[test]
fn a_member_of_that_name_is_there_already() {
    for members in ["\"apps/first\"", "\"apps/*\""] {
        let sandbox = workspace(&format!("[workspace]\nmembers = [{members}]\n"));
        package(&sandbox, "work/apps/first", "orders", "");
        let before = sandbox.listing();
        let run = sandbox.run(WORDS);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        assert!(run.stderr.contains("workspace"), "{}", run.stderr);
        assert_eq!(sandbox.listing(), before);
    }
}

#[test]
fn a_root_manifest_that_is_broken() {
    let sandbox = workspace("[workspace\nmembers = []\n");
    let run = sandbox.run(WORDS);
    let stderr = sandbox.anonymous(&run.stderr);
    let start = "error: `[ROOT]/work/Cargo.toml` is not valid TOML: ";
    assert!(stderr.starts_with(start), "{stderr}");
    assert!(
        stderr.ends_with("\nhelp: stand alone: --no-workspace\n"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    assert_eq!(run.code, 8);
    assert_eq!(sandbox.listing(), ["Cargo.toml"]);
    sandbox
        .run(WORDS.into_iter().chain(["--no-workspace"]))
        .ok();
}

#[test]
fn members_that_are_no_list() {
    let sandbox = workspace("[workspace]\nmembers = \"orders\"\n");
    let run = sandbox.run(WORDS);
    let stderr = sandbox.anonymous(&run.stderr);
    Run { stderr, ..run }.fails(
        8,
        "error: `[ROOT]/work/Cargo.toml` has a `workspace.members` that is no list of paths\n\
         help: stand alone: --no-workspace\n",
    );
}

#[test]
fn the_dry_run_shows_the_edit_and_makes_none() {
    let sandbox = workspace("[workspace]\nmembers = [\n    \"app\",\n]\n");
    let before = root(&sandbox);
    let run = sandbox.run(WORDS.into_iter().chain(["--dry-run"])).ok();
    let said = sandbox.anonymous(&run.stdout);
    let edit = "\nChanges in [ROOT]/work/Cargo.toml:\n+     \"orders\",\n";
    assert!(said.contains(edit), "{said}");
    assert_eq!(root(&sandbox), before);
    let words = ["--dry-run", "--format", "json"];
    let run = sandbox.run(WORDS.into_iter().chain(words)).ok();
    let plan = run.stdout.lines().next().expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(plan).expect("JSON");
    let edited = sandbox.work().join("Cargo.toml");
    assert_eq!(plan["edits"], serde_json::json!([edited]));
    assert_eq!(plan["workspace"], serde_json::json!(sandbox.work()));
}

/// `buildable`, all of it committed.
fn committed() -> Sandbox {
    let sandbox = buildable();
    let ada = "[user]\n\tname = Ada\n\temail = ada@example.org\n";
    sandbox.write("home/.gitconfig", ada);
    for words in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["commit", "--quiet", "--message", "First"],
    ] {
        git(&sandbox, &sandbox.work(), words);
    }
    sandbox
}

#[test]
fn the_commit_holds_manifest_and_lock_too() {
    let sandbox = committed();
    Run::of(&mut offline(
        &sandbox,
        &["ws-commit", "--commit", "--build", "check"],
    ))
    .ok();
    let status = git(&sandbox, &sandbox.work(), &["status", "--porcelain"]);
    assert_eq!(status, "");
    let changed = ["diff", "--name-only", "HEAD~", "HEAD"];
    let changed = git(&sandbox, &sandbox.work(), &changed);
    let around = changed
        .lines()
        .filter(|line| !line.starts_with("ws-commit/"));
    assert_eq!(around.collect::<Vec<_>>(), ["Cargo.lock", "Cargo.toml"]);
    cargo(&sandbox, &["check", "--workspace"]);
}

#[test]
fn changes_of_the_users_in_manifest_and_lock_are_not_committed() {
    let sandbox = committed();
    let path = sandbox.work().join("Cargo.toml");
    fs::write(&path, manifest(&sandbox) + "# theirs\n").expect("a change");
    let words = ["ws-dirty", "--commit", "--build", "check"];
    Run::of(&mut offline(&sandbox, &words)).ok();
    assert!(manifest(&sandbox).ends_with("# theirs\n"));
    assert!(manifest(&sandbox).contains("\"ws-dirty\""));
    let status = git(&sandbox, &sandbox.work(), &["status", "--porcelain"]);
    assert_eq!(status, " M Cargo.toml");
    let head = git(&sandbox, &sandbox.work(), &["show", "HEAD:Cargo.toml"]);
    assert!(!head.contains("ws-dirty"), "{head}");
}
