//! Consent to what a template of others would run.

use std::fs;

use crate::native::{HEAD, template};
use crate::sandbox::{Run, Sandbox};

const WORDS: [&str; 4] = ["jobs", "--template", "worker", "--quiet"];

fn refusal(sandbox: &Sandbox) -> String {
    let root = sandbox.root();
    let root = root.display();
    format!(
        "error: the template {root}/work/worker would run code that nobody agreed to: its build (build scripts, procedural macros)\n\
         help: generate-service template describe {root}/work/worker, then --trust, or do not build: --build none\n"
    )
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    template(&sandbox, "worker", &[("template.toml", HEAD)]);
    sandbox
}

#[test]
fn a_build_needs_consent_and_what_does_not_build_does_not() {
    let sandbox = sandbox();
    sandbox.run(WORDS).fails(16, &refusal(&sandbox));
    assert_eq!(
        sandbox
            .listing()
            .iter()
            .filter(|path| path.starts_with("jobs"))
            .count(),
        0
    );
    assert_eq!(sandbox.promises(), Vec::<String>::new());
    // A dry run builds nothing.
    sandbox.run(WORDS.iter().chain(&["--dry-run"])).ok();
    sandbox.run(WORDS.iter().chain(&["--build", "none"])).ok();
}

#[test]
fn consent_is_remembered_until_the_template_changes_or_it_is_taken_back() {
    let sandbox = sandbox();
    let root = sandbox.root();
    let root = root.display();
    let list = |sandbox: &Sandbox| sandbox.run(["trust", "list"]).ok().stdout;
    assert_eq!(list(&sandbox), "No template may run anything here.\n");
    let added = sandbox.run(["trust", "add", "worker"]).ok().stdout;
    assert_eq!(
        added,
        format!("{root}/work/worker may run:\n  its build (build scripts, procedural macros)\n")
    );
    let listed = list(&sandbox);
    assert!(
        listed.starts_with(&format!("{root}/work/worker\n  ")),
        "{listed}"
    );
    assert!(
        listed.ends_with("  its build (build scripts, procedural macros)\n"),
        "{listed}"
    );
    sandbox.run(WORDS).ok();
    fs::remove_dir_all(sandbox.work().join("jobs")).expect("removed");
    // Somebody changes the template after it was looked at.
    sandbox.write("work/worker/build.rs", "fn main() {}\n");
    sandbox.run(WORDS).fails(16, &refusal(&sandbox));
    sandbox.run(["trust", "add", "worker"]).ok();
    sandbox.run(WORDS.iter().chain(&["--build", "check"])).ok();
    fs::remove_dir_all(sandbox.work().join("jobs")).expect("removed");
    let removed = sandbox.run(["trust", "remove", "worker"]).ok().stdout;
    assert_eq!(
        removed,
        format!("{root}/work/worker may no longer run 2 things\n")
    );
    assert_eq!(list(&sandbox), "No template may run anything here.\n");
    sandbox.run(WORDS).fails(16, &refusal(&sandbox));
}

#[test]
fn trust_for_a_run_is_not_remembered() {
    let sandbox = sandbox();
    sandbox
        .run(WORDS.iter().chain(&["--trust", "--build", "check"]))
        .ok();
    assert_eq!(
        sandbox.run(["trust", "list"]).ok().stdout,
        "No template may run anything here.\n"
    );
}

#[test]
fn the_users_own_settings_can_trust_sources() {
    let sandbox = sandbox();
    let root = sandbox.root();
    let own = |glob: &str| {
        let text = format!(
            "trusted = [\"https://git.example.com/*\", \"{}{glob}\"]\n",
            root.display()
        );
        sandbox.write("home/.config/generate-service.toml", &text);
    };
    own("/elsewhere/*");
    sandbox.run(WORDS).fails(16, &refusal(&sandbox));
    own("/work/*");
    sandbox.run(WORDS.iter().chain(&["--build", "check"])).ok();
}

/// Whoever can write a file into the directory one works in could else run their code.
#[test]
fn no_other_settings_file_can_give_consent() {
    for (line, why) in [
        (
            "trusted = [\"*\"]",
            "`trusted` has no place here: only your own settings file says whom you trust",
        ),
        (
            "trust = true",
            "`trust` has no place here: consent is given for one run, or remembered by `trust add`",
        ),
    ] {
        let sandbox = sandbox();
        let path = sandbox.write("work/generate-service.toml", &format!("{line}\n"));
        let path = path.display();
        let run = sandbox.run(WORDS);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert_eq!(
            run.stderr,
            format!(
                "error: {path}, line 1: {why}\nhelp: \"${{EDITOR:-vi}}\" +1 '{path}'\n{}",
                refusal(&sandbox)
            )
        );
    }
}

#[test]
fn a_template_that_may_run_still_lends_nothing_to_others() {
    let sandbox = sandbox();
    let cache = sandbox.root().join("cache");
    let mut generator = sandbox.generator();
    generator
        .args(WORDS)
        .arg("--trust")
        .env("XDG_CACHE_HOME", &cache);
    Run::of(&mut generator).ok();
    let mut there = crate::sandbox::listing(&cache);
    // What is kept for updates is text.
    there.retain(|path| !path.contains("/renders"));
    assert_eq!(there, ["generate-service"]);
}

#[test]
fn a_damaged_memory_is_named() {
    let sandbox = sandbox();
    let path = sandbox.write("home/.config/generate-service/trust.toml", "consent = 1\n");
    let run = sandbox.run(WORDS);
    assert_eq!(run.code, 13, "{}", run.stderr);
    let start = format!("error: {}: ", path.display());
    assert!(run.stderr.starts_with(&start), "{}", run.stderr);
    assert!(
        run.stderr
            .ends_with(&format!("help: rm '{}'\n", path.display())),
        "{}",
        run.stderr
    );
}

/// A command may run any file of the template: what stands in that one was looked at, too.
#[test]
fn consent_to_a_command_ends_when_what_it_runs_changes() {
    let sandbox = sandbox();
    let manifest = format!("{HEAD}[[hooks]]\nrun = [\"sh\", \"set up.sh\"]\n");
    sandbox.write("work/worker/template.toml", &manifest);
    sandbox.write("work/worker/set up.sh", "echo good > made.txt\n");
    let words = ["jobs", "--template", "worker", "--quiet", "--build", "none"];
    let refusal = format!(
        "error: the template {0}/work/worker would run code that nobody agreed to: command `sh 'set up.sh'`\n\
         help: generate-service template describe {0}/work/worker, then --trust\n",
        sandbox.root().display()
    );
    sandbox.run(words).fails(16, &refusal);
    sandbox.run(["trust", "add", "worker"]).ok();
    sandbox.run(words).ok();
    fs::remove_dir_all(sandbox.work().join("jobs")).expect("removed");
    sandbox.write("work/worker/set up.sh", "echo evil > made.txt\n");
    sandbox.run(words).fails(16, &refusal);
}
