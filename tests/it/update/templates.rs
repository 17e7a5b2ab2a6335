//! Where templates come from, and which version of them is the newest.

use std::fs;

use super::world::{LINES, World};

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";
const OURS: &str = "ONE\ntwo\nthree\nfour\nfive\n";
const BOTH: &str = "ONE\ntwo\nthree\nfour\nFIVE\n";

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

#[test]
fn a_branch_is_followed() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "--branch", "main"]);
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    let commit = world.publish("v1.1.0");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    let record = service.read("service.toml");
    assert!(record.contains("branch = \"main\"\n"), "{record}");
    assert!(
        record.contains(&format!("commit = \"{commit}\"\n")),
        "{record}"
    );
}

#[test]
fn whoever_named_nothing_follows_the_default_branch() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url()]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), NEW);
    let record = service.read("service.toml");
    assert!(!record.contains("branch"), "{record}");
}

/// In the order of versions, not of tags; what is no version and what comes before one does not
/// count.
#[test]
fn a_tag_is_followed_by_the_highest_version() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "--tag", "v1.0.0"]);
    for version in ["1.10.0", "1.9.0", "2.0.0-alpha.1"] {
        world.release(version, &[("a.txt", &LINES.replace("five", version))]);
        world.publish(&format!("v{version}"));
    }
    for tag in ["latest", "2.5.0", "w3.0.0", "v1", "v99"] {
        world.git(&world.template(""), &["tag", tag, "v1.0.0"]);
    }
    service.updated(&[]);
    assert!(service.read("service.toml").contains("tag = \"v1.10.0\"\n"));
    assert_eq!(service.read("a.txt"), LINES.replace("five", "1.10.0"));
    let run = service.update(&[]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker 1.10.0.\n");
    // What comes before a version is for whoever asks for it.
    service.updated(&["--to", "2.0.0-alpha.1"]);
    let run = service.update(&[]).ok();
    assert_eq!(
        run.stderr,
        "jobs is up to date with worker 2.0.0-alpha.1.\n"
    );
    service.refuses(
        &["--to", "v1.10.0"],
        2,
        "error: the service is at worker 2.0.0-alpha.1 already, and worker 1.10.0 is older\nhelp: to \
         go back: git revert of the commit of the update\n",
    );
}

#[test]
fn to_a_tag_a_branch_and_a_commit() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "--tag", "v1.0.0"]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    world.release("1.2.0", &[("b.txt", "b\n")]);
    let commit = world.publish("nightly");
    world.release("1.3.0", &[("c.txt", "c\n")]);
    world.publish("v1.3.0");
    service.updated(&["--to", "1.1.0"]);
    assert!(service.read("service.toml").contains("tag = \"v1.1.0\"\n"));
    service.updated(&["--to", &commit[..12]]);
    assert!(
        service
            .read("service.toml")
            .contains(&format!("commit = \"{commit}\"\n"))
    );
    assert!(service.path("b.txt").exists() && !service.path("c.txt").exists());
    service.updated(&["--to", "main"]);
    assert!(service.read("service.toml").contains("branch = \"main\"\n"));
    assert!(service.path("c.txt").exists());
    let back = service.update(&["--to", "v1.1.0"]);
    assert_eq!(back.code, 2, "{}", back.stderr);
    service.refuses(
        &["--to", "v1.3.1"],
        2,
        "error: the template has no tag, branch or commit `v1.3.1`\nhelp: did you mean --to v1.3.0?\n",
    );
}

/// Versions may be missing; history is there.
#[test]
fn back_in_history_is_a_downgrade() {
    let world = world();
    let old = world.publish("first");
    world.release("1.0.0", &[("a.txt", NEW)]);
    world.publish("second");
    let service = world.service_of(&["--template", &world.url()]);
    let run = service.update(&["--to", &old]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("older"), "{}", run.stderr);
}

#[test]
fn a_sub_folder_and_another_one() {
    let world = World::new();
    let put = |dir: &str, version: &str, text: &str| {
        let at = |path: &str| format!("work/worker/{dir}/{path}");
        let head = format!("[template]\nname = \"worker\"\nversion = \"{version}\"\n");
        world.sandbox.write(at("template.toml"), &head);
        let manifest = "[package]\nname = \"{{name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        world.sandbox.write(at("Cargo.toml.hbs"), manifest);
        world.sandbox.write(at("src/main.rs"), "fn main() {}\n");
        world.sandbox.write(at("a.txt"), text);
    };
    put("services/http", "1.0.0", LINES);
    world.publish("v1.0.0");
    let words = ["--template", &world.url(), "--subfolder", "services/http"];
    let service = world.service_of(&words);
    service.commit(&[("a.txt", OURS)]);
    put("services/http", "1.1.0", NEW);
    world.publish("v1.1.0");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    assert!(
        service
            .read("service.toml")
            .contains("subfolder = \"services/http\"\n")
    );
}

#[test]
fn a_directory_in_a_repository_has_its_past() {
    let world = world();
    world.publish("v1.0.0");
    let made = world.service();
    // Nothing of the service's own past is left.
    fs::remove_dir_all(made.path(".git")).expect("removed");
    let service = world.at("jobs");
    service.git(&["init", "--quiet", "--initial-branch=main"]);
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    world.release("1.2.0", &[("b.txt", "not committed\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    assert_eq!(service.read("b.txt"), "not committed\n");
}

#[test]
fn the_cache_of_templates_may_be_emptied_or_broken() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url()]);
    let cache = world.sandbox.root().join("cache");
    fs::remove_dir_all(&cache).expect("a cache");
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    service.updated(&[]);
    for entry in walkdir::WalkDir::new(&cache).into_iter().flatten() {
        if entry.file_type().is_file() {
            let _ = fs::write(entry.path(), "broken");
        }
    }
    world.release("1.2.0", &[("a.txt", "other\n")]);
    world.publish("v1.2.0");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "other\n");
}

#[test]
fn without_a_network_what_is_there_is_the_newest() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "--branch", "main"]);
    let away = world.sandbox.work().join("away");
    fs::rename(world.template(""), &away).expect("renamed");
    let run = service.update(&["--offline"]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker 1.0.0.\n");
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 10, "{}", run.stderr);
    service.state().is(&before);
}

/// A template for cargo-generate: no version but that of git, no record but ours.
fn foreign(world: &World, text: &str) {
    let at = |path: &str| format!("work/worker/{path}");
    let manifest =
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    world.sandbox.write(at("Cargo.toml"), manifest);
    let config =
        "[placeholders.queue]\ntype = \"string\"\nprompt = \"Queue?\"\ndefault = \"mail\"\n";
    world.sandbox.write(at("cargo-generate.toml"), config);
    let main = "fn main() {\n    println!(\"{{queue}}\");\n}\n";
    world.sandbox.write(at("src/main.rs"), main);
    world.sandbox.write(at("a.txt"), text);
}

#[test]
fn a_template_of_cargo_generate_in_a_directory() {
    let world = World::new();
    foreign(&world, LINES);
    let service = world.service_of(&["--template", "worker", "-d", "queue=jobs"]);
    service.commit(&[("a.txt", OURS)]);
    foreign(&world, NEW);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), BOTH);
    assert!(service.read("src/main.rs").contains("\"jobs\""));
    let run = service.update(&[]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker.\n");
}

#[test]
fn a_template_of_cargo_generate_in_git() {
    let world = World::new();
    foreign(&world, LINES);
    let old = world.publish("v0.1.0");
    let service = world.service_of(&["--template", &world.url(), "--tag", "v0.1.0"]);
    service.commit(&[("a.txt", OURS)]);
    foreign(&world, NEW);
    world.publish("v0.2.0");
    let run = service.updated(&[]);
    let head = "Updating jobs from worker v0.1.0 to worker v0.2.0:";
    assert_eq!(run.stderr.lines().next(), Some(head));
    assert_eq!(service.read("a.txt"), BOTH);
    service.refuses(
        &["--to", "v0.1.0"],
        2,
        "error: the service is at worker v0.2.0 already, and worker v0.1.0 is older\nhelp: to go back: \
         git revert of the commit of the update\n",
    );
    let run = service.update(&["--to", &old]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn to_the_version_that_is_there_with_other_answers() {
    let world = World::new();
    foreign(&world, LINES);
    world.publish("v0.1.0");
    let service = world.service_of(&["--template", &world.url(), "--tag", "v0.1.0"]);
    foreign(&world, NEW);
    world.publish("v0.2.0");
    service.updated(&["--to", "v0.1.0", "--define", "queue=push"]);
    assert_eq!(service.read("a.txt"), LINES);
    assert!(service.read("src/main.rs").contains("\"push\""));
    assert!(service.read("service.toml").contains("queue = \"push\""));
}

/// Links and paths that lead out are no template's.
#[test]
fn a_new_version_that_wants_out_is_refused() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url()]);
    std::os::unix::fs::symlink("/etc/passwd", world.template("out")).expect("a link");
    world.release("1.1.0", &[]);
    world.publish("v1.1.0");
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 6, "{}", run.stderr);
    service.state().is(&before);
    assert!(!world.sandbox.work().join("out").exists());
}

#[test]
fn a_template_that_moved_from_a_directory_to_git() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", OURS)]);
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    let url = world.url();
    service.updated(&["--template", &url]);
    assert_eq!(service.read("a.txt"), BOTH);
    let record = service.read("service.toml");
    assert!(record.contains("commit = "), "{record}");
    let run = service.update(&[]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker 1.1.0.\n");
}

/// The service learns of the new place even if nothing else has changed there.
#[test]
fn a_template_that_has_moved_is_followed() {
    let world = world();
    let service = world.service();
    let home = world.sandbox.root().join("home/worker");
    fs::rename(world.template(""), &home).expect("a new place");
    let place = home.display().to_string();
    service.updated(&["--template", &place]);
    let record = service.read("service.toml");
    assert!(
        record.contains(&format!("source = \"{place}\"\n")),
        "{record}"
    );
    fs::write(home.join("a.txt"), NEW).expect("a new text");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), NEW);
}
