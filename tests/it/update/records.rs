//! The record, from which every update starts: edited, incomplete, or leading nowhere.

use std::fs;

use super::world::{LINES, Service, World};

const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";
const QUEUE: &str = "[[questions]]\nname = \"queue\"\ndefault = \"mail\"\n";

fn world() -> World {
    let world = World::with(&[("a.txt", LINES), ("says.txt.hbs", "queue {{queue}}\n")]);
    world.release_with("1.0.0", QUEUE, &[]);
    world
}

fn edit(service: &Service, from: &str, to: &str) {
    let record = service.read("service.toml");
    assert!(record.contains(from), "{record}");
    service.commit(&[("service.toml", &record.replace(from, to))]);
}

/// Whether or not it is known what the record was, and however often it is updated.
#[test]
fn tables_and_comments_of_the_owner_stay() {
    let world = world();
    let service = world.service();
    fs::remove_dir_all(world.sandbox.root().join("cache")).expect("a cache");
    let record = service.read("service.toml");
    let mine = record.replace("[template]", "# Mine.\n[mine]\nkey = 1\n\n[template]");
    service.commit(&[(
        "service.toml",
        &mine.replace("The jobs service", "Runs jobs"),
    )]);
    world.release_with("1.1.0", QUEUE, &[("a.txt", NEW)]);
    service.updated(&[]);
    let record = service.read("service.toml");
    assert!(record.contains("description = \"Runs jobs\"\n"), "{record}");
    assert!(
        record.contains("\n# Mine.\n[mine]\nkey = 1\n\n[template]\n"),
        "{record}"
    );
    assert!(record.contains("version = \"1.1.0\"\n"), "{record}");
}

/// An answer that was edited into the record is a wish.
#[test]
fn an_answer_that_was_edited_counts_from_now_on() {
    let world = world();
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url(), "-d", "queue=push"]);
    edit(&service, "queue = \"push\"", "queue = \"pull\"");
    world.release_with("1.1.0", QUEUE, &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    service.updated(&[]);
    assert_eq!(service.read("says.txt"), "queue pull\n");
    assert_eq!(service.read("a.txt"), NEW);
}

#[test]
fn a_tree_that_nothing_leads_to() {
    let world = world();
    let service = world.service();
    let record = service.read("service.toml");
    let tree = record.split("\ntree = \"").nth(1).expect("a tree")[..40].to_owned();
    edit(&service, &tree, &"1".repeat(40));
    service.refuses(
        &[],
        19,
        "error: service.toml does not say what the service was made from: with these values worker \
         1.0.0 makes another tree than 111111111111\nhelp: see who edited it: git log -p -- \
         service.toml; what [service], [template] and [answers] said then is what counts\n",
    );
}

#[test]
fn records_that_say_too_little() {
    let world = world();
    let service = world.service();
    let whole = service.read("service.toml");
    let tree = whole
        .lines()
        .find(|line| line.starts_with("tree = "))
        .expect("a tree");
    for (from, to, told) in [
        ("[template]", "[other]", "it has no table `[template]`"),
        (
            "port = 5000",
            "port = \"x\"",
            "`service.port` is missing or odd",
        ),
        ("port = 5000", "port = 99999", "`service.port` is no port"),
        (tree, "", "`template.tree` is missing or odd"),
        (
            "name = \"jobs\"",
            "name = 7",
            "`service.name` is missing or odd",
        ),
    ] {
        service.commit(&[("service.toml", &whole.replace(from, to))]);
        let text = format!("error: service.toml: {told}\nhelp: git log -p -- service.toml\n");
        service.refuses(&[], 19, &text);
    }
    service.commit(&[("service.toml", "[service\n")]);
    let run = service.update(&[]);
    assert_eq!(run.code, 19, "{}", run.stderr);
    assert!(run.stderr.contains("line 1, column"), "{}", run.stderr);
}

#[test]
fn a_record_in_conflict_markers_is_told_as_one_that_cannot_be_read() {
    let world = world();
    let service = world.service();
    let record = service.read("service.toml");
    service.commit(&[(
        "service.toml",
        &format!("<<<<<<< a\n{record}=======\n>>>>>>> b\n"),
    )]);
    let run = service.update(&[]);
    assert_eq!(run.code, 19, "{}", run.stderr);
}

/// A template in a plain directory has no past, so what it rendered is kept.
#[test]
fn the_last_render_is_kept_for_a_service_without_a_past() {
    let world = world();
    let made = world.service();
    world.release_with("1.1.0", QUEUE, &[("a.txt", NEW)]);
    made.updated(&[]);
    fs::remove_dir_all(made.path(".git")).expect("removed");
    let service = world.at("jobs");
    service.git(&["init", "--quiet", "--initial-branch=main"]);
    service.commit(&[("says.txt", "queue mail\nmine\n")]);
    world.release_with("1.2.0", QUEUE, &[("a.txt", "other\n")]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), "other\n");
    assert_eq!(service.read("says.txt"), "queue mail\nmine\n");
    // What was kept and is damaged is not believed.
    let renders = world.sandbox.root().join("cache/generate-service/renders");
    for entry in fs::read_dir(renders).expect("renders") {
        fs::write(entry.expect("an entry").path(), "damaged").expect("written");
    }
    fs::remove_dir_all(service.path(".git")).expect("removed");
    service.git(&["init", "--quiet", "--initial-branch=main"]);
    service.commit(&[("says.txt", "queue mail\nmore\n")]);
    world.release_with("1.3.0", QUEUE, &[("a.txt", NEW)]);
    assert_eq!(service.update(&[]).code, 19);
}

#[test]
fn answers_and_parts_may_be_none() {
    let world = World::with(&[("a.txt", LINES)]);
    let service = world.service();
    edit(&service, "\n[answers]\n", "");
    world.release("1.1.0", &[("a.txt", NEW)]);
    service.updated(&[]);
    assert_eq!(service.read("a.txt"), NEW);
    let run = service.update(&[]).ok();
    assert_eq!(run.stderr, "jobs is up to date with worker 1.1.0.\n");
}

/// A service that carries another name since is still updated, under its new name.
#[test]
fn a_service_that_was_renamed() {
    let world = World::with(&[("a.txt", LINES), ("name.txt.hbs", "{{name}}\n")]);
    world.publish("v1.0.0");
    let service = world.service_of(&["--template", &world.url()]);
    let manifest = service.read("Cargo.toml").replace("\"jobs\"", "\"tasks\"");
    service.commit(&[("Cargo.toml", &manifest), ("name.txt", "tasks\n")]);
    edit(&service, "name = \"jobs\"", "name = \"tasks\"");
    world.release("1.1.0", &[("a.txt", NEW)]);
    world.publish("v1.1.0");
    service.updated(&[]);
    assert_eq!(service.read("name.txt"), "tasks\n");
    assert_eq!(service.read("a.txt"), NEW);
}
