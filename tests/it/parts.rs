//! Parts: whichever are chosen, the service is whole, and the others leave no trace.

use std::fs;
use std::path::Path;
use std::process::Command;

use generate_service::parts::{self, Chosen, locks};
use generate_service::template::Template;

use crate::sandbox::{Run, Sandbox};

/// The words that ask for exactly `chosen`.
fn words(template: &Template, chosen: &Chosen) -> Vec<String> {
    let list = |wanted: bool| {
        let names = template
            .parts
            .iter()
            .filter(|part| chosen.contains(&part.name) == wanted);
        names
            .map(|part| part.name.clone())
            .collect::<Vec<_>>()
            .join(",")
    };
    vec![
        "--with".to_owned(),
        list(true),
        "--without".to_owned(),
        list(false),
    ]
}

fn generated(sandbox: &Sandbox, name: &str, template: &Template, chosen: &Chosen) -> Command {
    let words = words(template, chosen);
    let mut generator = sandbox.generator();
    generator
        .args([name, "--build", "none", "--quiet"])
        .args(words);
    Run::of(&mut generator).ok();
    let mut cargo = sandbox.command("cargo");
    cargo.current_dir(sandbox.work().join(name));
    cargo.env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("parts"),
    );
    cargo
}

/// `UPDATE_LOCKS=1` writes what this test would compare with.
#[test]
fn the_merged_locks_are_what_cargo_would_write() {
    let template = Template::embedded();
    let whole = template.text("Cargo.lock").expect("a lock file");
    let sandbox = Sandbox::new();
    let mut pruned = Vec::new();
    for (number, chosen) in parts::combinations(&template.parts).iter().enumerate() {
        let name = format!("service-{number}");
        let mut cargo = generated(&sandbox, &name, &template, chosen);
        let lock = sandbox.work().join(&name).join("Cargo.lock");
        let ours = fs::read_to_string(&lock).expect("a lock file");
        let renamed = whole.replace("name = \"service\"\n", &format!("name = \"{name}\"\n"));
        fs::write(&lock, renamed).expect("a lock file");
        Run::of(cargo.args(["metadata", "--offline", "--format-version", "1"])).ok();
        let theirs = fs::read_to_string(&lock).expect("a lock file");
        if std::env::var_os("UPDATE_LOCKS").is_none() {
            assert_eq!(ours, theirs, "parts {chosen:?}: run with UPDATE_LOCKS=1");
        }
        pruned.push(theirs.replace(&name, "service"));
    }
    if std::env::var_os("UPDATE_LOCKS").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("template")
            .join(locks::FILE);
        fs::write(file, locks::merge(&pruned)).expect("the merged locks");
    }
}

#[test]
fn every_combination_is_formatted_linted_and_tested() {
    let template = Template::embedded();
    let sandbox = Sandbox::new();
    for (number, chosen) in parts::combinations(&template.parts).iter().enumerate() {
        let name = format!("service-{number}");
        for words in [
            &["fmt", "--check"][..],
            &[
                "clippy",
                "--all-targets",
                "--locked",
                "--offline",
                "--",
                "-D",
                "warnings",
            ],
            &["test", "--locked", "--offline"],
        ] {
            let mut cargo = if sandbox.work().join(&name).exists() {
                let mut cargo = sandbox.command("cargo");
                cargo.current_dir(sandbox.work().join(&name));
                cargo.env(
                    "CARGO_TARGET_DIR",
                    Path::new(env!("CARGO_TARGET_TMPDIR")).join("parts"),
                );
                cargo
            } else {
                generated(&sandbox, &name, &template, chosen)
            };
            let run = Run::of(cargo.args(words));
            assert_eq!(
                run.code, 0,
                "{chosen:?} {words:?}\n{}\n{}",
                run.stdout, run.stderr
            );
        }
    }
}
