//! Services that teams have worked on, for updates to prove themselves: `tests/fleet`.

#[path = "../fleet/mod.rs"]
pub mod fleet;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};
use fleet::{SERVICES, Service, Tree, VERSIONS, commit, lay_out, number, rendered, template};

/// The fleet as one digest. Whoever changes the fleet changes what was measured with it.
const FLEET: &str = "5713571e6172e31a007e56f02cc002335e2c5d75";

/// How many services, and how many of their files, an update of the fleet leaves to humans.
const OPEN: [usize; 2] = [72, 113];

/// Makes a service by the real program from the repository of its template, lets its team do its
/// work, and commits that, if there was any.
pub fn make(sandbox: &Sandbox, repository: &Path, service: &Service) -> PathBuf {
    let source = format!("file://{}", repository.display());
    let tag = format!("v{}", number(service.version));
    let words = [
        &service.name,
        "--template",
        &source,
        "--tag",
        &tag,
        "--build",
        "none",
        "--quiet",
    ];
    sandbox.run(words).ok();
    let dir = sandbox.work().join(&service.name);
    if !service.changes.is_empty() {
        lay_out(service.tree(), &dir);
        commit(&dir, "Do our work");
    }
    dir
}

/// The files in `dir`, without repository and record.
fn found(dir: &Path) -> Tree {
    let entries = walkdir::WalkDir::new(dir).into_iter();
    let entries = entries.filter_entry(|entry| entry.file_name() != ".git");
    let files = entries
        .map(|entry| entry.expect("a readable directory"))
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != "service.toml");
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(dir).expect("below it");
        let mode = entry.metadata().expect("a mode").permissions().mode();
        let file = fleet::File {
            bytes: fs::read(entry.path()).expect("a file"),
            executable: mode & 0o100 != 0,
        };
        (path.display().to_string(), file)
    };
    files.map(read).collect()
}

#[test]
fn the_fleet_is_the_same_everywhere() {
    let mut digest = sha1_smol::Sha1::new();
    for version in 0..VERSIONS {
        add(&template(version), &mut digest);
    }
    for service in fleet::services() {
        digest.update(service.name.as_bytes());
        add(service.tree(), &mut digest);
    }
    assert_eq!(digest.hexdigest(), FLEET);
}

fn add(tree: &Tree, digest: &mut sha1_smol::Sha1) {
    for (path, file) in tree {
        let head = format!("{path} {} {}\n", file.executable, file.bytes.len());
        digest.update(head.as_bytes());
        digest.update(&file.bytes);
    }
}

/// Enough of everything: versions, files, idle teams, busy teams, and each thing that teams do.
#[test]
fn the_fleet_is_manifold() {
    for version in 0..VERSIONS {
        let files = template(version).len();
        assert!((25..=40).contains(&files), "{version}: {files}");
    }
    let services = fleet::services().collect::<Vec<_>>();
    let names = services.iter().map(|service| &service.name);
    assert_eq!(names.collect::<HashSet<_>>().len(), SERVICES);
    let idle = services.iter().filter(|service| service.changes.is_empty());
    let idle = idle.count();
    assert!((40..=60).contains(&idle), "{idle}");
    let said = |change: fleet::Change| format!("{change:?}");
    let done = services
        .iter()
        .flat_map(|service| service.changes.iter().copied());
    let done = done.map(said).collect::<BTreeSet<_>>();
    let possible = fleet::possible().map(said).collect::<BTreeSet<_>>();
    let never = possible.difference(&done).collect::<Vec<_>>();
    assert!(never.is_empty(), "{never:#?}");
}

#[test]
fn each_version_of_its_template_is_sound() {
    let sandbox = Sandbox::new();
    for version in 0..VERSIONS {
        let dir = sandbox.root().join(number(version));
        lay_out(&template(version), &dir);
        let mut generator = sandbox.generator();
        generator.args(["template", "check"]).arg(&dir);
        let run = Run::of(&mut generator).ok();
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn the_generator_makes_what_the_fleet_says() {
    let sandbox = Sandbox::new();
    let repository = sandbox.root().join("svc");
    fleet::repository(&repository);
    for service in fleet::services().take(VERSIONS) {
        let dir = make(&sandbox, &repository, &service);
        assert_eq!(&found(&dir), service.tree(), "{}", service.name);
        let first = fleet::git(&dir, &["rev-list", "--max-parents=0", "HEAD"]);
        fleet::git(&dir, &["checkout", "--quiet", &first]);
        let pristine = rendered(service.version, &service.name);
        assert_eq!(found(&dir), pristine, "{}", service.name);
    }
}

/// From ten versions to the newest, in one run. What is left to humans is known, and no line is
/// lost anywhere.
#[test]
fn two_hundred_services_follow_their_template() {
    let sandbox = Sandbox::new();
    let repository = sandbox.root().join("svc");
    fleet::repository(&repository);
    let services = fleet::services().collect::<Vec<_>>();
    let (world, template) = (&sandbox, &repository);
    std::thread::scope(|scope| {
        for half in services.chunks(SERVICES / 2) {
            scope.spawn(move || {
                for service in half {
                    make(world, template, service);
                }
            });
        }
    });
    let words = "update --all --in-place --no-verify --format json";
    let run = Run::of(sandbox.generator().args(words.split(' ')));
    assert_eq!(run.code, 17, "{}", run.stderr);
    let lines = run.stdout.lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let events = events.filter(|event| event["event"] == "service");
    let (mut open, mut files) = ([0, 0], BTreeMap::<String, Vec<&str>>::new());
    for event in events {
        let path = event["path"].as_str().expect("a path");
        let service = services
            .iter()
            .find(|it| path.ends_with(&format!("/{}", it.name)));
        let conflicts = event["conflicts"].as_array().map_or(0, Vec::len);
        let status = event["status"].as_str().expect("a status");
        assert!(
            ["updated", "up-to-date", "conflicts"].contains(&status),
            "{event}"
        );
        assert_eq!(status == "conflicts", conflicts > 0, "{event}");
        open[0] += usize::from(conflicts > 0);
        open[1] += conflicts;
        let service = service.expect("a service");
        for file in event["conflicts"].as_array().into_iter().flatten() {
            let file = file.as_str().expect("a path").to_owned();
            files.entry(file).or_default().push(&service.name);
        }
        nothing_is_lost(service, Path::new(path));
    }
    assert_eq!(open, OPEN, "{files:?}");
}

/// Every line that one side added is there; manifests and other TOML are merged by what they mean.
fn nothing_is_lost(service: &Service, dir: &Path) {
    let old = texts(&rendered(service.version, &service.name));
    let there = texts(&found(dir));
    let new = rendered(VERSIONS - 1, &service.name);
    for (who, tree) in [("team", service.tree()), ("template", &new)] {
        let added = texts(tree);
        let lost = added
            .iter()
            .filter(|line| !old.contains(*line) && !there.contains(*line));
        let lost = lost.collect::<Vec<_>>();
        assert!(
            lost.is_empty(),
            "{} lost of its {who}: {lost:#?}",
            service.name
        );
    }
}

/// The lines of all files that are text and no TOML.
fn texts(tree: &Tree) -> HashSet<String> {
    let files = tree
        .iter()
        .filter(|(path, _)| !path.to_lowercase().ends_with(".toml"));
    let texts = files.filter_map(|(_, file)| std::str::from_utf8(&file.bytes).ok());
    texts
        .flat_map(str::lines)
        .map(|line| line.trim().to_owned())
        .collect()
}

/// For `tests/fleet/peers.py`, into the directory that `$FLEET` names:
/// `FLEET=DIR cargo test --test it teams::dump -- --ignored`.
#[test]
#[ignore = "for other programs"]
fn dump() {
    let dir = PathBuf::from(std::env::var_os("FLEET").expect("$FLEET"));
    for version in 0..VERSIONS {
        let dir = dir.join("template").join(number(version));
        lay_out(&template(version), &dir);
    }
    for service in fleet::services() {
        let dir = dir.join("services").join(&service.name);
        let old = rendered(service.version, &service.name);
        lay_out(&old, &dir.join("base"));
        lay_out(service.tree(), &dir.join("ours"));
        let new = rendered(VERSIONS - 1, &service.name);
        lay_out(&new, &dir.join("theirs"));
        fs::write(dir.join("version"), number(service.version)).expect("a version");
    }
}
