//! Services of the embedded template: from the first release to today's, without any network.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use generate_service::name::{Neighbours, ServiceName};
use generate_service::parts;
use generate_service::questions::Answers;
use generate_service::render::{self, Request};
use generate_service::stamp;
use generate_service::template::Template;

use super::world::{Service, World, events};

/// A service as the first release made it, in a repository of its own.
fn first(world: &World) -> Service<'_> {
    let template = Template::released("0.1.0").expect("a release");
    let name = ServiceName::parse("jobs", Neighbours::default()).expect("a name");
    let service = world.at("jobs");
    let chosen = parts::usual(&template.parts);
    let request = Request {
        name: &name,
        description: "The jobs service",
        port: 5000,
        parts: &chosen,
        answers: &Answers::new(),
        beside: BTreeMap::new(),
        destination: &service.dir,
        human: false,
        author: None,
    };
    let rendered = render::embedded(&template, &request).expect("it renders");
    let stamped = stamp::stamp(rendered, &template, &request, false).expect("it is stamped");
    for file in &stamped.files {
        let path = service.path(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("directories");
        fs::write(&path, &file.bytes).expect("written");
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    service.git(&["init", "--quiet", "--initial-branch=main"]);
    service.git(&["add", "--all", "--force"]);
    service.git(&["commit", "--quiet", "--message", "Generate jobs"]);
    service
}

fn newest() -> String {
    Template::embedded().version
}

/// What a new service would be, apart from its record.
fn today(world: &World) -> Vec<(String, String)> {
    let mut command = world.generator();
    command.current_dir(world.sandbox.home());
    command.args([
        "jobs",
        "--port",
        "5000",
        "--build=none",
        "--quiet",
        "--port-range=5000-5001",
    ]);
    crate::sandbox::Run::of(&mut command).ok();
    let dir = world.sandbox.home().join("jobs");
    let paths = world.git(&dir, &["ls-files"]);
    let paths = paths.lines().filter(|path| *path != "service.toml");
    let read = |path: &str| fs::read_to_string(dir.join(path)).expect("a text");
    paths.map(|path| (path.to_owned(), read(path))).collect()
}

#[test]
fn an_untouched_service_becomes_what_a_new_one_would_be() {
    let world = World::new();
    let service = first(&world);
    service.updated(&["--offline"]);
    let today = today(&world);
    assert_eq!(service.git(&["ls-files"]).lines().count(), today.len() + 1);
    for (path, text) in today {
        assert_eq!(service.read(&path), text, "{path}");
    }
    let version = format!("version = \"{}\"\n", newest());
    assert!(service.read("service.toml").contains(&version));
    let again = service.update(&["--offline"]).ok();
    let wanted = format!("jobs is up to date with service {}.\n", newest());
    assert_eq!(again.stderr, wanted);
}

#[test]
fn the_owners_work_is_merged() {
    let world = World::new();
    let service = first(&world);
    let manifest = service.read("Cargo.toml");
    let manifest = manifest.replace("[dependencies]\n", "[dependencies]\nfnv = \"1\"\n");
    let readme = service
        .read("README.md")
        .replacen("\n\n", "\n\nOn call: the jobs team.\n\n", 1);
    let files = [
        ("Cargo.toml", manifest.as_str()),
        ("README.md", &readme),
        ("src/mine.rs", "//! Mine.\n"),
    ];
    service.commit(&files);
    service.git(&["rm", "--quiet", "deny.toml"]);
    service.commit_all();
    let run = service.update(&["--offline"]);
    assert!([0, 17].contains(&run.code), "{}", run.stderr);
    assert!(
        service
            .read("README.md")
            .contains("On call: the jobs team.\n")
    );
    assert!(service.read("Cargo.toml").contains("fnv = \"1\"\n"));
    assert_eq!(service.read("src/mine.rs"), "//! Mine.\n");
}

#[test]
fn the_check_counts_releases() {
    let world = World::new();
    let service = first(&world);
    let before = service.state();
    let run = service.update(&["--check", "--offline", "--format=json"]);
    assert_eq!(run.code, 18, "{}", run.stderr);
    service.state().is(&before);
    let events = events(&run);
    assert_eq!(events[0]["current"], "service 0.1.0");
    assert_eq!(events[0]["newest"], format!("service {}", newest()));
    let releases = generate_service::template::releases();
    let wanted = serde_json::json!(releases.len() - 1);
    assert_eq!(events[0]["releases_behind"], wanted);
    assert_eq!(events[0]["conflicts"], 0);
}

#[test]
fn to_a_release_by_its_number_and_never_back() {
    let world = World::new();
    let service = first(&world);
    let run = service.update(&["--to", "0.1.0"]).ok();
    assert_eq!(run.stderr, "jobs is up to date with service 0.1.0.\n");
    service.updated(&["--to", &format!("v{}", newest())]);
    let newest = newest();
    service.refuses(
        &["--to", "0.1.0"],
        2,
        &format!(
            "error: the service is at service {newest} already, and service 0.1.0 is older\nhelp: \
             install a newer generate-service; to go back: git revert of the commit of the update\n"
        ),
    );
    let releases = generate_service::template::releases().join(", ");
    service.refuses(
        &["--to", "9.9.9"],
        2,
        &format!("error: the embedded template has no version `9.9.9`\nhelp: it has {releases}\n"),
    );
}

#[test]
fn a_part_is_added_on_the_way() {
    let world = World::new();
    let service = first(&world);
    service.updated(&["--offline", "--with", "database", "--without", "metrics"]);
    assert!(service.path("migrations").is_dir());
    assert!(
        service
            .read("service.toml")
            .contains("parts = [\"api\", \"database\"]\n")
    );
    assert!(service.read("Cargo.toml").contains("sqlx"));
}

#[test]
fn a_service_that_a_newer_program_made() {
    let world = World::new();
    let service = first(&world);
    let record = service.read("service.toml");
    let record = record.replace("version = \"0.1.0\"", "version = \"99.0.0\"");
    service.commit(&[("service.toml", &record)]);
    let before = service.state();
    let run = service.update(&[]);
    assert_ne!(run.code, 0);
    assert!(
        run.stderr.contains("install a newer generate-service"),
        "{}",
        run.stderr
    );
    service.state().is(&before);
}

#[test]
fn diff_of_an_untouched_service_is_nothing() {
    let world = World::new();
    let service = first(&world);
    let run = service.run(&["diff"]).ok();
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr
            .starts_with("jobs has drifted from service 0.1.0 in 0 files (+0 -0); ")
    );
}
