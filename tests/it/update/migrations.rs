//! What a template says of older services: moves, keys, answers, commands, words to the owner.

use std::fs;

use super::world::{LINES, World, events};

const OURS: &str = "ONE\ntwo\nthree\nfour\nfive\n";
const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

fn world() -> World {
    World::with(&[("a.txt", LINES)])
}

/// A file that moved and says other things, and a new one at its old place: the owner's work is at
/// the new place.
#[test]
fn the_owners_lines_move_along() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", OURS)]);
    fs::remove_file(world.template("a.txt")).expect("removed");
    let more = "[[migrations]]\nversion = \"1.1.0\"\nnote = \"a.txt is docs/b.txt now\"\n\
        moves = [{ from = \"a.txt\", to = \"docs/b.txt\" }]\n";
    world.release_with(
        "1.1.0",
        more,
        &[("docs/b.txt", NEW), ("a.txt", "another\n")],
    );
    let run = service.updated(&[]);
    assert_eq!(service.read("docs/b.txt"), "ONE\ntwo\nthree\nfour\nFIVE\n");
    assert_eq!(service.read("a.txt"), "another\n");
    assert!(
        run.stderr.contains("\nnote: a.txt is docs/b.txt now\n"),
        "{}",
        run.stderr
    );
    assert_eq!(
        service.git(&["log", "-1", "--format=%B"]),
        "Update jobs from worker 1.0.0 to worker 1.1.0\n\na.txt is docs/b.txt now\n\n\
         Template-Update: worker 1.1.0"
    );
}

#[test]
fn a_migration_is_for_those_who_pass_its_version() {
    let world = world();
    let service = world.service();
    service.commit(&[("mine.txt", "mine\n")]);
    let migration = |version: &str, from: &str, to: &str| {
        format!(
            "[[migrations]]\nversion = \"{version}\"\nnote = \"note {version}\"\n\
             moves = [{{ from = \"{from}\", to = \"{to}\" }}]\n"
        )
    };
    let steps = [
        migration("0.9.0", "mine.txt", "lost.txt"),
        migration("1.0.0", "mine.txt", "lost.txt"),
        migration("1.1.0", "mine.txt", "x.txt"),
        migration("1.2.0", "x.txt", "y.txt"),
    ];
    world.release_with("1.2.0", &steps.concat(), &[]);
    let run = service.updated(&[]);
    assert_eq!(service.read("y.txt"), "mine\n");
    assert!(run.stderr.contains("note 1.1.0") && run.stderr.contains("note 1.2.0"));
    assert!(!run.stderr.contains("note 1.0.0") && !run.stderr.contains("note 0.9.0"));
    // Once passed, it is passed.
    service.git(&["mv", "y.txt", "mine.txt"]);
    service.commit_all();
    let more = migration("1.1.0", "mine.txt", "x.txt");
    world.release_with("1.3.0", &more, &[("b.txt", "b\n")]);
    service.updated(&[]);
    assert_eq!(service.read("mine.txt"), "mine\n");
}

#[test]
fn an_answer_has_another_name() {
    let world = World::new();
    let ask = |name: &str| format!("[[questions]]\nname = \"{name}\"\ndefault = \"mail\"\n");
    crate::native::template(&world.sandbox, "worker", &[("says.txt.hbs", "{{queue}}\n")]);
    world.release_with("1.0.0", &ask("queue"), &[]);
    let service = world.service_of(&["--template", "worker", "-d", "queue=push"]);
    let more =
        ask("topic") + "[[migrations]]\nversion = \"2.0.0\"\nanswers = { queue = \"topic\" }\n";
    world.release_with("2.0.0", &more, &[("says.txt.hbs", "{{topic}}\n")]);
    service.updated(&[]);
    assert_eq!(service.read("says.txt"), "push\n");
    assert!(
        service
            .read("service.toml")
            .ends_with("[answers]\ntopic = \"push\"\n")
    );
}

#[test]
fn a_key_has_another_place_and_the_owners_value_goes_there() {
    let world = World::with(&[("conf.toml", "[http]\nport = 80\nhost = \"a\"\n")]);
    let service = world.service();
    service.commit(&[("conf.toml", "[http]\nport = 8080\nhost = \"a\"\n")]);
    let more = "[[migrations]]\nversion = \"1.1.0\"\n\
        keys = [{ file = \"conf.toml\", from = \"http.port\", to = \"server.port\" }]\n";
    let new = "[http]\nhost = \"a\"\n\n[server]\nport = 80\n";
    world.release_with("1.1.0", more, &[("conf.toml", new)]);
    service.updated(&[]);
    assert_eq!(
        service.read("conf.toml"),
        "[http]\nhost = \"a\"\n\n[server]\nport = 8080\n"
    );
}

/// A command runs in the merged service, and nobody's runs without consent.
#[test]
fn a_command_runs_with_consent_alone() {
    let world = world();
    let service = world.service();
    service.commit(&[("a.txt", OURS)]);
    let more = "[[migrations]]\nversion = \"1.1.0\"\nrun = [[\"cp\", \"a.txt\", \"copy.txt\"]]\n";
    world.release_with("1.1.0", more, &[("a.txt", NEW)]);
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 16, "{}", run.stderr);
    assert_eq!(
        world.sandbox.anonymous(&run.stderr).lines().next(),
        Some(
            "error: the template [ROOT]/work/worker would run code that nobody agreed to: \
             command `cp a.txt copy.txt`"
        )
    );
    // To look runs nothing, and needs no consent.
    let run = service.update(&["--dry-run"]).ok();
    let line = "\nThe migration runs: cp a.txt copy.txt\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert_eq!(service.update(&["--check"]).code, 18);
    service.state().is(&before);
    service.updated(&["--trust"]);
    assert_eq!(service.read("copy.txt"), "ONE\ntwo\nthree\nfour\nFIVE\n");
}

#[test]
fn a_command_that_fails_leaves_the_service_as_it_was() {
    let world = world();
    let service = world.service();
    let more = "[[migrations]]\nversion = \"1.1.0\"\nrun = [[\"false\"]]\n";
    world.release_with("1.1.0", more, &[("a.txt", NEW)]);
    let before = service.state();
    let run = service.update(&["--trust"]);
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("`false`"), "{}", run.stderr);
    service.state().is(&before);
    let traces = crate::sandbox::listing(&world.sandbox.work());
    assert!(
        !traces.iter().any(|path| path.contains(".generate")),
        "{traces:?}"
    );
}

/// Hooks are for new services: an update neither runs them nor asks for consent to them.
#[test]
fn hooks_of_a_new_version_do_not_run() {
    let world = world();
    let service = world.service();
    let more = "[[hooks]]\nrun = [\"touch\", \"hooked\"]\n";
    world.release_with("1.1.0", more, &[("a.txt", NEW)]);
    service.updated(&[]);
    assert!(!service.path("hooked").exists());
}

#[test]
fn what_is_deprecated_and_used_is_said() {
    let world = world();
    let service = world.service();
    let more = "[[deprecations]]\nsince = \"1.1.0\"\nfile = \"a.txt\"\nnote = \"read b.txt\"\n\
        [[deprecations]]\nsince = \"1.1.0\"\nfile = \"no.txt\"\nnote = \"unused\"\n";
    world.release_with("1.1.0", more, &[("b.txt", NEW)]);
    let run = service
        .update(&["--dry-run", "--format=json", "--quiet"])
        .ok();
    let said = "file `a.txt` is deprecated since 1.1.0: read b.txt";
    assert_eq!(events(&run)[0]["deprecated"], serde_json::json!([said]));
    let run = service.updated(&[]);
    assert!(
        run.stderr.contains(&format!("\ndeprecated: {said}\n")),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("unused"), "{}", run.stderr);
}

#[test]
fn the_news_of_the_versions_between_are_shown_and_kept() {
    let world = world();
    let service = world.service();
    let news =
        "# Changelog\n\n## 1.2.0\n\n- five is FIVE\n\n## 1.1.0\n\n- nothing\n\n## 1.0.0\n\n- all\n";
    world.release("1.2.0", &[("a.txt", NEW), (".template/CHANGELOG.md", news)]);
    let run = service.updated(&[]);
    let told =
        "What the template says:\n\n  ## 1.2.0\n\n  - five is FIVE\n\n  ## 1.1.0\n\n  - nothing\n";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert_eq!(
        service.git(&["log", "-1", "--format=%B"]),
        "Update jobs from worker 1.0.0 to worker 1.2.0\n\n1.2.0\n\n- five is FIVE\n\n1.1.0\n\n\
         - nothing\n\nTemplate-Update: worker 1.2.0"
    );
    assert!(!service.path(".template").exists());
}

/// Scripts decide while a template is rendered: those of a new version are new.
#[test]
fn scripts_of_a_new_version_need_consent_and_those_of_the_old_one_no_more() {
    let world = World::new();
    let at = |path: &str| format!("work/worker/{path}");
    let manifest =
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    world.sandbox.write(at("Cargo.toml"), manifest);
    world.sandbox.write(at("src/main.rs"), "fn main() {}\n");
    world
        .sandbox
        .write(at("cargo-generate.toml"), "[template]\n");
    let service = world.service();
    let hooks = "[template]\n\n[hooks]\npre = [\"pre.rhai\"]\n";
    world.sandbox.write(at("cargo-generate.toml"), hooks);
    world
        .sandbox
        .write(at("pre.rhai"), "variable::set(\"who\", \"script\");\n");
    world.sandbox.write(at("a.txt"), "by {{who}}\n");
    let before = service.state();
    let run = service.update(&[]);
    assert_eq!(run.code, 16, "{}", run.stderr);
    assert!(run.stderr.contains("script `pre.rhai`"), "{}", run.stderr);
    service.state().is(&before);
    service.updated(&["--trust"]);
    assert_eq!(service.read("a.txt"), "by script\n");
    // A version without them needs none: what the old one made is kept.
    world
        .sandbox
        .write(at("cargo-generate.toml"), "[template]\n");
    world.sandbox.write(at("a.txt"), "by nobody\n");
    fs::remove_file(world.template("pre.rhai")).expect("removed");
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "by nobody\n");
}
