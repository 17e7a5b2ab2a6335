//! The template: what is embedded, and what a service has of it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test it template` writes the golden copies anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use generate_service::fill::{self, Values};
use generate_service::template::{File, Template};

use crate::git::{planned_tree, quiet_port};
use crate::sandbox::{Run, Sandbox};

/// What stands in `template/` for its authors only.
const STAYS_HERE: [&str; 2] = [".cargo/", ".template/golden/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn in_template(path: &str) -> PathBuf {
    root().join("template").join(path)
}

/// The files of `template/` by git's word, those to be added included, save what stays here.
fn files() -> BTreeSet<String> {
    let mut git = std::process::Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let run = Run::of(git.current_dir(root().join("template"))).ok();
    let paths = run.stdout.lines().map(str::to_owned);
    let files = paths.filter(|path| in_template(path).is_file());
    let files = files.filter(|path| !STAYS_HERE.iter().any(|dir| path.starts_with(dir)));
    files.collect()
}

/// What a link leads to: an entry of the top, or one of those whose directory is not wanted whole.
fn linked(path: &str) -> String {
    let (top, rest) = path.split_once('/').unwrap_or((path, ""));
    match top {
        ".template" => format!("{top}/{rest}"),
        top => top.to_owned(),
    }
}

/// A fresh service with every part.
fn service(sandbox: &Sandbox) -> PathBuf {
    let words = ["orders", "--build", "none", "--no-git", "--with"];
    let parts = Template::embedded().parts.into_iter();
    let parts = parts.map(|part| part.name).collect::<Vec<_>>().join(",");
    sandbox.run(words.into_iter().chain([&*parts])).ok();
    sandbox.work().join("orders")
}

#[test]
fn what_is_embedded_is_what_git_knows() {
    let embedded = Template::embedded().files.into_iter();
    let embedded = embedded.map(|file| file.path).collect::<BTreeSet<_>>();
    assert_eq!(embedded, files());
}

#[test]
fn every_entry_has_its_link() {
    let home = root().join("src/embedded");
    let links = walkdir::WalkDir::new(&home).into_iter();
    let links = links.map(|link| link.expect("an entry"));
    let links = links.filter(|link| !link.file_type().is_dir());
    let targets = links.map(|link| {
        let own = link.path().strip_prefix(&home).expect("below it");
        let own = own.to_str().expect("a name");
        let target = fs::read_link(link.path()).expect("a link");
        let up = "../".repeat(own.matches('/').count() + 2);
        let there = target.strip_prefix(format!("{up}template"));
        let own = own.strip_suffix(".in").unwrap_or(own);
        assert_eq!(there.expect("a way there"), Path::new(own));
        own.to_owned()
    });
    let wanted = files()
        .iter()
        .map(|path| linked(path))
        .collect::<BTreeSet<_>>();
    assert_eq!(targets.collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn what_is_embedded_is_small_and_has_no_build_output() {
    for file in Template::embedded().files {
        assert!(file.bytes.len() <= 64 * 1024, "{} is large", file.path);
        let parts = file.path.split('/').collect::<Vec<_>>();
        assert!(!parts.contains(&"target"), "{}", file.path);
        assert!(!parts.contains(&".git"), "{}", file.path);
    }
}

#[test]
fn executable_bits_are_those_of_the_files() {
    for file in Template::embedded().files {
        let meta = in_template(&file.path).metadata().expect("the file");
        let executable = meta.permissions().mode() & 0o111 != 0;
        assert_eq!(file.executable, executable, "{}", file.path);
    }
}

#[test]
fn files_are_bytes_unless_they_say_otherwise() {
    const STAMPED: [&str; 3] = ["Cargo.toml", "Cargo.lock", "service.toml"];
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let mut same = 0;
    for path in files() {
        if path.strip_suffix(".hbs").is_some() || STAMPED.contains(&path.as_str()) {
            continue;
        }
        let ours = fs::read(in_template(&path)).expect("a file");
        if has_parts(&ours) || NOT_THERE.contains(&path.as_str()) {
            continue;
        }
        let theirs = fs::read(service.join(&path)).expect("a file");
        assert_eq!(ours, theirs, "{path}");
        same += 1;
    }
    assert!(same > 10, "hardly anything was compared: {same}");
}

/// What a service with every part has not: what tells of the template, and what stands in for a
/// part.
const NOT_THERE: [&str; 5] = [
    ".template/CHANGELOG.md",
    "Cargo.lock.parts",
    "parts.toml",
    "src/teams/memory.rs",
    "template.toml",
];

fn has_parts(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("(feature = \"")
}

/// Where parts are spoken of, a service has the template's lines in the template's order, and
/// speaks of them no more.
#[test]
fn files_with_parts_lose_lines_and_gain_none() {
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let mut compared = 0;
    for path in files() {
        let ours = fs::read(in_template(&path)).expect("a file");
        if path.strip_suffix(".rs").is_none() || !has_parts(&ours) {
            continue;
        }
        let ours = String::from_utf8_lossy(&ours).into_owned();
        let theirs = fs::read_to_string(service.join(&path)).expect("a text");
        assert!(!theirs.contains("feature ="), "{path}");
        let mut lines = ours.lines();
        for line in theirs.lines() {
            assert!(lines.any(|ours| ours == line), "{path}: {line}");
        }
        compared += 1;
    }
    assert!(compared > 5, "hardly anything was compared: {compared}");
}

/// Nothing more and nothing less than the template's files is there.
#[test]
fn the_files_are_those_of_the_template() {
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let there = crate::sandbox::listing(&service).into_iter();
    let there = there.filter(|path| service.join(path).is_file());
    let wanted = files().into_iter();
    let wanted = wanted.filter(|path| !NOT_THERE.contains(&path.as_str()));
    let wanted = wanted.map(|path| path.strip_suffix(".hbs").unwrap_or(&path).to_owned());
    assert_eq!(
        there.collect::<BTreeSet<_>>(),
        wanted.collect::<BTreeSet<_>>()
    );
}

fn manifest(path: &Path) -> toml_edit::DocumentMut {
    let text = fs::read_to_string(path).expect("a manifest");
    text.parse().expect("TOML")
}

#[test]
fn the_manifest_has_the_services_name_and_no_choice_left() {
    let sandbox = Sandbox::new();
    let ours = manifest(&in_template("Cargo.toml"));
    let theirs = manifest(&service(&sandbox).join("Cargo.toml"));
    assert_eq!(theirs["package"]["name"].as_str(), Some("orders"));
    let description = theirs["package"]["description"].as_str();
    assert_eq!(description, Some("The orders service"));
    assert!(theirs.get("features").is_none());
    assert!(!theirs.to_string().contains("optional"));
    let names = |manifest: &toml_edit::DocumentMut| {
        let table = manifest["dependencies"].as_table().expect("a table");
        table
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&theirs), names(&ours));
    for table in ["lints", "profile", "workspace"] {
        assert_eq!(
            theirs[table].to_string(),
            ours[table].to_string(),
            "{table}"
        );
    }
}

#[test]
fn the_record_says_name_port_and_tree() {
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let text = fs::read_to_string(service.join("service.toml")).expect("a record");
    let record = text.parse::<toml_edit::DocumentMut>().expect("TOML");
    assert_eq!(record["service"]["name"].as_str(), Some("orders"));
    sandbox.ports_agree();
    let template = Template::embedded();
    assert_eq!(
        record["template"]["version"].as_str(),
        Some(template.version.as_str())
    );
    let tree = record["template"]["tree"].as_str().expect("a tree");
    assert_eq!(tree, tree_without_record(&sandbox, &service));
}

/// Git's own word on the tree of all files but the record.
fn tree_without_record(sandbox: &Sandbox, service: &Path) -> String {
    let git = |words: &[&str]| crate::git::git(sandbox, service, words);
    git(&["init", "--quiet"]);
    git(&["add", "--all", "--force"]);
    git(&["rm", "--quiet", "--cached", "service.toml"]);
    git(&["write-tree"])
}

#[test]
fn the_lock_file_is_one_that_cargo_accepts() {
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let mut cargo = sandbox.command("cargo");
    cargo.args(["metadata", "--locked", "--offline", "--format-version=1"]);
    Run::of(cargo.current_dir(service)).ok();
}

#[test]
fn what_is_rendered_equals_its_golden_copy() {
    let golden = root().join("tests/it/golden");
    let template = Template::embedded();
    let mut names = BTreeSet::new();
    for (which, has) in [("all-parts", true), ("no-parts", false)] {
        let parts = template.parts.iter().map(|part| (part.name.clone(), has));
        let values = Values {
            parts: parts.collect(),
            ..values("The orders service")
        };
        let sources = template
            .files
            .iter()
            .filter(|file| file.path.strip_suffix(".hbs").is_some());
        for source in sources {
            // A template that says nothing makes no file.
            for file in
                fill::fill(std::slice::from_ref(source), &values.json()).expect("it renders")
            {
                let name = format!("{which}-{}", file.path.replace('/', "-"));
                compare(&golden.join(&name), &String::from_utf8_lossy(&file.bytes));
                names.insert(name);
            }
        }
    }
    assert!(!names.is_empty(), "nothing is rendered");
    let there = crate::sandbox::listing(&golden).into_iter();
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "a copy of nothing");
}

#[track_caller]
fn compare(golden: &Path, rendered: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().expect("a directory")).expect("a directory");
        fs::write(golden, rendered).expect("a golden copy");
    }
    let copy = fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(
        copy,
        rendered,
        "UPDATE_GOLDEN=1 rewrites {}",
        golden.display()
    );
}

/// The template's service tells its callers what it was made from, and so does its record.
#[test]
fn the_manifest_and_the_record_agree() {
    let template = Template::embedded();
    let record = manifest(&in_template("service.toml"));
    let field = |name: &str| record["template"][name].as_str();
    assert_eq!(field("name"), Some(template.name.as_str()));
    assert_eq!(field("version"), Some(template.version.as_str()));
}

#[test]
fn two_renders_are_one_tree() {
    let port = quiet_port(&Sandbox::new());
    let words = ["orders", "--port", &port];
    let trees = [(); 2].map(|()| planned_tree(&Sandbox::new(), &words));
    assert_eq!(trees[0], trees[1]);
    let other = ["orders", "--port-range", "8000-8999"];
    assert_ne!(trees[0], planned_tree(&Sandbox::new(), &other));
}

#[test]
fn no_rust_file_has_a_placeholder() {
    for path in files() {
        if path.strip_suffix(".rs").is_none() {
            continue;
        }
        let text = fs::read_to_string(in_template(&path)).expect("a text");
        for (at, _) in text.match_indices("{{") {
            let inside = text[at + 2..].split("}}").next().unwrap_or_default();
            let tag = inside
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_ .#/>!&^".contains(c));
            assert!(!tag, "{path}: {:.40}", &text[at..]);
        }
    }
}

fn values(description: &str) -> Values {
    Values {
        name: "late-orders".to_owned(),
        crate_name: "late_orders".to_owned(),
        env_prefix: "LATE_ORDERS".to_owned(),
        description: description.to_owned(),
        port: 5004,
        template_version: "1.0.0".to_owned(),
        parts: BTreeMap::new(),
        answers: BTreeMap::new(),
    }
}

/// The one file, filled: its path, its mode and its text, or what is wrong with it.
fn filled(path: &str, bytes: &[u8], executable: bool) -> Result<(String, bool, String), String> {
    let file = File {
        path: path.to_owned(),
        executable,
        bytes: bytes.to_vec().into(),
    };
    let values = values("Orders & <returns> \"all\"");
    let files = fill::fill(&[file], &values.json()).map_err(|error| {
        assert_eq!(error.kind.code(), 6);
        error.message
    })?;
    let [file] = files.as_slice() else {
        panic!("one file is one file");
    };
    let text = String::from_utf8_lossy(&file.bytes).into_owned();
    Ok((file.path.clone(), file.executable, text))
}

#[test]
fn variables_are_filled_and_nothing_is_escaped() {
    let source = b"{{name}} {{port}}: {{description}} \\{{name}}\n";
    let text = "late-orders 5004: Orders & <returns> \"all\" {{name}}\n";
    let wanted = ("bin/run".to_owned(), true, text.to_owned());
    assert_eq!(filled("bin/run.hbs", source, true), Ok(wanted));
}

#[test]
fn what_has_no_suffix_is_not_looked_at() {
    let source = b"${{ secrets.TOKEN }} {{nobody}} {{#if";
    let text = String::from_utf8_lossy(source).into_owned();
    let wanted = ("ci.yml".to_owned(), false, text);
    assert_eq!(filled("ci.yml", source, false), Ok(wanted));
}

#[test]
fn an_unknown_variable_names_its_place() {
    let error = filled("docs/a.md.hbs", b"# {{name}}\n\n  {{nmae}}\n", false);
    let wanted =
        "template file docs/a.md.hbs, line 3, column 3: unknown variable `nmae`, in `{{nmae}}`";
    assert_eq!(error, Err(wanted.to_owned()));
}

#[test]
fn an_unclosed_tag_names_its_place() {
    let error = filled("a.hbs", b"one\n{{#if name}}two\n", false).expect_err("no template");
    assert!(
        error.starts_with("template file a.hbs, line 3, column 1: "),
        "{error}"
    );
    let error = filled("a.hbs", b"one\n{{name\n", false).expect_err("no template");
    assert!(error.starts_with("template file a.hbs, line "), "{error}");
}

#[test]
fn bytes_that_are_no_text_name_their_line() {
    let error = filled("a.hbs", b"one\ntwo \xff\n", false);
    let wanted = "template file a.hbs, line 2: not UTF-8";
    assert_eq!(error, Err(wanted.to_owned()));
}

/// The template has its own copy of Atlas's format, since a service depends on nothing of ours.
#[test]
fn the_template_is_tested_against_the_registrys_own_examples() {
    let atlas = root().join("atlas/tests/golden");
    let names = crate::sandbox::listing(&atlas);
    let theirs = root().join("template/src/atlas/golden");
    assert_eq!(crate::sandbox::listing(&theirs), names);
    for name in names {
        let read = |dir: &std::path::Path| fs::read(dir.join(&name)).expect("an example");
        assert_eq!(read(&atlas), read(&theirs), "{name}");
    }
}
