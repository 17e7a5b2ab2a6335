//! The template: what is embedded, and what a service has of it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test it template` writes the golden copies anew.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use generate_service::fill::{self, Values};
use generate_service::template::{File, Template};

use crate::git::{planned_tree, quiet_port};
use crate::sandbox::{Run, Sandbox};

/// What stands in `template/` for its authors only.
const STAYS_HERE: [&str; 1] = [".cargo"];

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
    let files = files.filter(|path| !STAYS_HERE.contains(&top(path).as_str()));
    files.collect()
}

fn top(path: &str) -> String {
    path.split('/').next().unwrap_or(path).to_owned()
}

/// A fresh service.
fn service(sandbox: &Sandbox) -> PathBuf {
    sandbox.run(["orders", "--build", "none", "--no-git"]).ok();
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
    let links = fs::read_dir(root().join("src/embedded")).expect("links");
    let links = links.map(|link| link.expect("a link").path());
    let targets = links.map(|link| {
        let target = fs::read_link(&link).expect("a link");
        let name = target.strip_prefix("../../template").expect("a way there");
        let own = link
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let own = own.strip_suffix(".in").unwrap_or(own);
        assert_eq!(Path::new(own), name);
        own.to_owned()
    });
    let wanted = files()
        .iter()
        .map(|path| top(path))
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
        let (ours, theirs) = (fs::read(in_template(&path)), fs::read(service.join(&path)));
        assert_eq!(ours.expect("a file"), theirs.expect("a file"), "{path}");
        same += 1;
    }
    assert!(same > 10, "hardly anything was compared: {same}");
}

/// Nothing more and nothing less than the template's files is there.
#[test]
fn the_files_are_those_of_the_template() {
    let sandbox = Sandbox::new();
    let service = service(&sandbox);
    let there = crate::sandbox::listing(&service).into_iter();
    let there = there.filter(|path| service.join(path).is_file());
    let wanted = files().into_iter();
    let wanted = wanted.map(|path| path.strip_suffix(".hbs").unwrap_or(&path).to_owned());
    assert_eq!(
        there.collect::<BTreeSet<_>>(),
        wanted.collect::<BTreeSet<_>>()
    );
}

/// The lines in which two texts differ, as `-` and `+`; they have equally many.
fn differences(path: &str, service: &Path) -> Vec<String> {
    let read = |path: PathBuf| fs::read_to_string(path).expect("a text");
    let (ours, theirs) = (read(in_template(path)), read(service.join(path)));
    assert_eq!(ours.lines().count(), theirs.lines().count(), "{path}");
    let pairs = ours.lines().zip(theirs.lines());
    let pairs = pairs.filter(|(ours, theirs)| ours != theirs);
    pairs
        .flat_map(|(ours, theirs)| [format!("- {ours}"), format!("+ {theirs}")])
        .collect()
}

#[test]
fn the_manifest_is_the_templates_save_name_and_description() {
    let sandbox = Sandbox::new();
    assert_eq!(
        differences("Cargo.toml", &service(&sandbox)),
        [
            "- name = \"service\"",
            "+ name = \"orders\"",
            "- description = \"A small HTTP service\"",
            "+ description = \"The orders service\"",
        ]
    );
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
    let mut names = BTreeSet::new();
    let files = Template::embedded().files;
    let rendered = fill::fill(&files, &values("The orders service")).expect("it renders");
    for (source, file) in files.iter().zip(rendered) {
        if source.path == file.path {
            continue;
        }
        let name = file.path.replace('/', "-");
        let rendered = String::from_utf8_lossy(&file.bytes);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&golden).expect("a directory");
            fs::write(golden.join(&name), &*rendered).expect("a golden copy");
        }
        let copy = fs::read_to_string(golden.join(&name)).unwrap_or_default();
        assert_eq!(copy, rendered, "UPDATE_GOLDEN=1 rewrites {name}");
        names.insert(name);
    }
    assert!(!names.is_empty(), "nothing is rendered");
    let there = crate::sandbox::listing(&golden).into_iter();
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "a copy of nothing");
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
            let next = text[at + 2..].trim_start().chars().next();
            let tag = next.is_some_and(|c| c.is_ascii_alphabetic() || "#/>!&^".contains(c));
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
    let files = fill::fill(&[file], &values).map_err(|error| {
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
    let wanted = "template file docs/a.md.hbs, line 3, column 3: unknown variable `nmae`";
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
