//! `template new`, `check`, `test`, `describe` and `schema`, and our own template held to them.

mod checks;
mod migrations;
mod samples;
mod variables;

use std::fs;
use std::path::{Path, PathBuf};

use generate_service::parts;
use generate_service::template::{File, Template};

use crate::sandbox::{Run, Sandbox, listing};

/// A package that compiles at once.
const MANIFEST: &str = "[package]\nname = \"service\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
     description = \"\"\n\n[workspace]\n";

/// The head of a manifest of a template.
const HEAD: &str = "[template]\nname = \"small\"\nversion = \"1.0.0\"\n";

/// The template `work/small`: a package, a manifest that goes on with `manifest`, and `files`.
fn template(sandbox: &Sandbox, manifest: &str, files: &[(&str, &str)]) -> PathBuf {
    let usual = [
        ("template.toml", format!("{HEAD}{manifest}")),
        ("Cargo.toml", MANIFEST.to_owned()),
        ("src/main.rs", "fn main() {}\n".to_owned()),
    ];
    for (path, text) in usual {
        sandbox.write(Path::new("work/small").join(path), &text);
    }
    for (path, text) in files {
        sandbox.write(Path::new("work/small").join(path), text);
    }
    sandbox.work().join("small")
}

/// The program with `template` and these words, its own paths anonymous.
fn run(sandbox: &Sandbox, words: &[&str]) -> Run {
    let run = sandbox.run([&["template"], words].concat());
    Run {
        code: run.code,
        stdout: sandbox.anonymous(&run.stdout),
        stderr: sandbox.anonymous(&run.stderr),
    }
}

/// Fails unless the run ended well and said exactly this.
#[track_caller]
fn says(run: Run, stdout: &str, stderr: &str) {
    let Run {
        code,
        stdout: said,
        stderr: told,
    } = run;
    assert_eq!(told, stderr);
    assert_eq!(said, stdout);
    assert_eq!(code, 0);
}

#[test]
fn a_new_template_is_good_as_it_stands() {
    let sandbox = Sandbox::new();
    let made = run(&sandbox, &["new", "Worker 2"]);
    let words = "All done! A template to start from is in [ROOT]/work/Worker 2\n  \
         generate-service template check '[ROOT]/work/Worker 2'\n  \
         generate-service template test '[ROOT]/work/Worker 2' --trust\n  \
         generate-service my-service --template '[ROOT]/work/Worker 2'\n";
    says(made, "", words);
    assert_eq!(
        listing(&sandbox.work())[0],
        "Worker 2",
        "{:?}",
        listing(&sandbox.work())
    );
    let good = "no mistakes found\n";
    says(run(&sandbox, &["check", "Worker 2"]), good, "");
    let good = "sample default: 9 files as expected, built, tested\n\
         sample container: 10 files as expected, built, tested\n";
    let told = "Building sample default\nBuilding sample container\n";
    let words = ["test", "Worker 2", "--trust"];
    says(run(&sandbox, &words), good, told);
    let manifest = fs::read_to_string(sandbox.work().join("Worker 2/template.toml"));
    assert!(
        manifest
            .expect("a manifest")
            .contains("name = \"worker-2\"\n")
    );
}

/// Authors see, lint and test it where it stands.
#[test]
fn a_new_template_is_a_live_crate() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["new", "worker"]).ok();
    let clippy = "clippy --all-targets --locked --offline -- -D warnings -W clippy::pedantic";
    for words in ["fmt --check", clippy, "test --locked --offline"] {
        let mut cargo = sandbox.command("cargo");
        cargo.args(words.split(' '));
        Run::of(cargo.current_dir(sandbox.work().join("worker"))).ok();
    }
}

#[test]
fn a_new_template_takes_no_place_that_is_taken() {
    let sandbox = Sandbox::new();
    sandbox.write("work/full/notes", "mine");
    sandbox.write("work/file", "mine");
    run(&sandbox, &["new", "full"]).fails(
        4,
        "error: `[ROOT]/work/full` exists and is not empty\nhelp: choose another directory\n",
    );
    run(&sandbox, &["new", "file"]).fails(
        4,
        "error: `[ROOT]/work/file` exists and is not a directory\nhelp: choose another directory\n",
    );
    run(&sandbox, &["new", "no/where"]).fails(
        4,
        "error: the directory `[ROOT]/work/no` does not exist\nhelp: mkdir -p '[ROOT]/work/no'\n",
    );
    assert_eq!(sandbox.listing(), ["file", "full", "full/notes"]);
    fs::create_dir(sandbox.work().join("empty")).expect("a directory");
    run(&sandbox, &["new", "empty"]).ok();
    assert!(sandbox.work().join("empty/template.toml").is_file());
}

#[test]
fn the_embedded_template_passes_its_own_commands() {
    let sandbox = Sandbox::new();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
    let ours = ours.to_str().expect("a path");
    says(run(&sandbox, &["check", ours]), "no mistakes found\n", "");
    // Other tests build every combination of its parts.
    let tested = run(&sandbox, &["test", ours, "--build", "none"]);
    assert_eq!(tested.stderr, "");
    assert_eq!(tested.code, 0);
    let lines = tested.stdout.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with(" files as expected")),
        "{lines:?}"
    );
}

/// What is found when it is read is what was found when the program was built.
#[test]
fn the_embedded_template_read_from_its_directory_is_the_same() {
    let embedded = Template::embedded();
    let read = Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
    let read = Template::read(&read).expect("the template");
    let combinations = parts::combinations(&embedded.parts);
    assert_eq!(combinations.len(), 32);
    for chosen in combinations {
        let cut = |template: &Template| {
            let files = parts::cut(template, &chosen).expect("it can be cut");
            let here = |file: &File| file.path.starts_with("target/");
            files
                .into_iter()
                .filter(|file| !here(file))
                .collect::<Vec<_>>()
        };
        assert!(cut(&embedded) == cut(&read), "parts {chosen:?}");
    }
}

/// The parser takes its stack for every bracket and sign; a program without stack just dies.
#[test]
fn rust_that_goes_too_deep_is_refused() {
    let parts = "[extra]\ndescription = \"\"\n";
    let deep = [
        ("(".repeat(100_000), 2),
        (format!("{}1", "!".repeat(100_000)), 2),
        (format!("1{}", " + 1".repeat(100_000)), 2),
        (format!("1{}", ".a".repeat(100_000)), 2),
        ("if x {} else ".repeat(100_000), 2),
        ("{\n".repeat(1000), 128),
    ];
    for (expression, line) in deep {
        let sandbox = Sandbox::new();
        let rust = format!("// feature\nfn main() {{ {expression} }}\n");
        let files = [("parts.toml", parts), ("src/main.rs", rust.as_str())];
        template(&sandbox, "", &files);
        let wanted = format!(
            "error: template file src/main.rs, line {line}: it goes too deep to be parsed\n"
        );
        run(&sandbox, &["check", "small"]).fails(6, &wanted);
    }
}

/// `UPDATE_GOLDEN=1` writes what this test would compare with.
#[test]
fn the_schema_that_is_shipped_is_the_one_that_is_printed() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/template.schema.json");
    let printed = run(&Sandbox::new(), &["schema"]).ok().stdout;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&shipped, &printed).expect("the schema");
    }
    let text = fs::read_to_string(shipped).expect("the schema");
    assert!(text == printed, "UPDATE_GOLDEN=1 writes it anew");
}
