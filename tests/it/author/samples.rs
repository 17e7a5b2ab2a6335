//! `template test` and `template describe`.

use std::fs;

use super::{run, says, template};
use crate::sandbox::{Sandbox, listing, snapshot};

const MANIFEST: &str = "[[questions]]\nname = \"queue\"\nask = \"The queue it reads\"\n\
     default = \"{{name}}-jobs\"\n\
     [[samples]]\nname = \"plain\"\n\
     [[samples]]\nname = \"other\"\nanswers = { queue = \"mail\" }\ngolden = \"listing\"\n";

const FILES: &[(&str, &str)] = &[("notes.txt.hbs", "{{name}}\n{{queue}}\n{{port}}\n")];

#[test]
fn what_was_accepted_is_expected() {
    let sandbox = Sandbox::new();
    let dir = template(&sandbox, MANIFEST, FILES);
    let words = ["test", "small", "--build", "none"];
    run(&sandbox, &words).fails(
        6,
        "error: sample `plain` has no golden tree to be compared with\n\
         help: generate-service template test [ROOT]/work/small --review --sample plain\n\
         error: sample `other` has no golden tree to be compared with\n\
         help: generate-service template test [ROOT]/work/small --review --sample other\n",
    );
    assert!(!dir.join(".template").exists());
    let accepted = "sample plain: 4 files accepted\nsample other: 4 files accepted\n";
    says(
        run(&sandbox, &[&words[..], &["--review"]].concat()),
        accepted,
        "",
    );
    let golden = dir.join(".template/golden");
    let files = ["other.txt", "plain", "plain/Cargo.toml", "plain/notes.txt"];
    assert_eq!(listing(&golden)[..4], files);
    let read = |path: &str| fs::read_to_string(golden.join(path)).expect("a golden file");
    assert_eq!(
        read("plain/notes.txt"),
        "sample-service\nsample-service-jobs\n5000\n"
    );
    let line = "100644 ";
    assert!(read("other.txt").lines().all(|text| text.starts_with(line)));
    assert!(read("other.txt").ends_with(" src/main.rs\n"));
    let good = "sample plain: 4 files as expected\nsample other: 4 files as expected\n";
    says(run(&sandbox, &words), good, "");
}

/// The same template elsewhere, read by somebody else, and with its golden trees in it.
#[test]
fn golden_trees_hold_on_every_machine() {
    let sandbox = Sandbox::new();
    let dir = template(&sandbox, MANIFEST, FILES);
    run(&sandbox, &["test", "small", "--build", "none", "--review"]).ok();
    fs::rename(dir, sandbox.root().join("elsewhere")).expect("a move");
    let good = "sample plain: 4 files as expected\nsample other: 4 files as expected\n";
    let mut generator = sandbox.generator();
    generator.args(["template", "test", "../elsewhere", "--build", "none"]);
    generator.env("GENERATE_SERVICE_ANSWER_QUEUE", "of-the-user");
    generator.env("GENERATE_SERVICE_PORT", "6000");
    generator.env("GENERATE_SERVICE_DESCRIPTION", "Of the user");
    says(crate::sandbox::Run::of(&mut generator), good, "");
}

#[test]
fn differences_are_shown() {
    let sandbox = Sandbox::new();
    let dir = template(&sandbox, MANIFEST, FILES);
    sandbox.write("work/small/gone.txt", "gone\n");
    run(&sandbox, &["test", "small", "--build", "none", "--review"]).ok();
    fs::remove_file(dir.join("gone.txt")).expect("the file");
    sandbox.write(
        "work/small/notes.txt.hbs",
        "{{name}}\nfrom {{queue}}\x1b[2J\n{{port}}\n",
    );
    sandbox.write("work/small/new.txt", "new\n");
    let before = snapshot(&dir);
    run(&sandbox, &["test", "small", "--build", "none", "--sample", "plain"]).fails(
        6,
        "\nSample plain, as it was and as it is now:\n\n\
         --- golden/gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\n\
         --- /dev/null\n+++ rendered/new.txt\n@@ -0,0 +1 @@\n+new\n\n\
         --- golden/notes.txt\n+++ rendered/notes.txt\n@@ -1,3 +1,3 @@\n sample-service\n\
         -sample-service-jobs\n+from sample-service-jobs\\u{1b}[2J\n 5000\n\n\
         error: sample `plain` is not as expected: 3 files differ\n\
         help: if that is right: generate-service template test [ROOT]/work/small --review --sample plain\n",
    );
    assert_eq!(snapshot(&dir), before);
    let accepted = "sample plain: 5 files accepted\n";
    let words = [
        "test", "small", "--build", "none", "--sample", "plain", "--review",
    ];
    says(run(&sandbox, &words), accepted, "");
    assert!(!dir.join(".template/golden/plain/gone.txt").exists());
    let words = ["test", "small", "--build", "none", "--sample", "other"];
    let other = run(&sandbox, &words);
    assert!(
        other
            .stderr
            .contains("\n--- golden/.template/golden/other.txt\n"),
        "{}",
        other.stderr
    );
}

#[test]
fn a_sample_is_built_and_tested_where_nobody_sees_it() {
    let sandbox = Sandbox::new();
    let rust = "fn main() {}\n\n#[test]\nfn four() {\n    assert_eq!(2 + 2, 4);\n}\n";
    template(&sandbox, "", &[("src/main.rs", rust)]);
    run(&sandbox, &["test", "small", "--build", "none", "--review"]).ok();
    let before = snapshot(&sandbox.work());
    let good = "sample default: 3 files as expected, built, tested\n";
    says(
        run(&sandbox, &["test", "small", "--trust"]),
        good,
        "Building sample default\n",
    );
    assert_eq!(snapshot(&sandbox.work()), before);
    assert!(sandbox.promises().is_empty());
    sandbox.write("work/small/src/main.rs", &rust.replace("2 + 2", "2 + 3"));
    run(&sandbox, &["test", "small", "--build", "none", "--review"]).ok();
    let bad = run(&sandbox, &["test", "small", "--trust"]);
    assert!(
        bad.stderr
            .ends_with("error: sample `default`: `cargo test --locked` failed\n"),
        "{}",
        bad.stderr
    );
    assert!(
        bad.stderr.contains("test four ... FAILED"),
        "{}",
        bad.stderr
    );
    assert_eq!((bad.code, bad.stdout.as_str()), (11, ""));
}

#[test]
fn nothing_runs_that_nobody_agreed_to() {
    let sandbox = Sandbox::new();
    let manifest = "[[hooks]]\nrun = [\"touch\", \"../../ran\"]\n";
    template(&sandbox, manifest, &[]);
    run(&sandbox, &["test", "small"]).fails(
        16,
        "error: the template [ROOT]/work/small would run code that nobody agreed to: command `touch ../../ran`, its build (build scripts, procedural macros)\n\
         help: generate-service template describe [ROOT]/work/small, then --trust\n",
    );
}

#[test]
fn samples_have_every_answer() {
    let sandbox = Sandbox::new();
    let manifest = "[[questions]]\nname = \"queue\"\nask = \"The queue it reads\"\n";
    template(&sandbox, manifest, FILES);
    run(&sandbox, &["test", "small", "--build", "none"]).fails(
        6,
        "error: sample `default`: no answer to `queue` (The queue it reads)\n\
         help: in [[samples]] of template.toml: answers = { … }\n",
    );
    run(&sandbox, &["test", "small", "--sample", "mine"]).fails(
        2,
        "error: there is no sample `mine`\nhelp: the samples: default\n",
    );
}

const HOOK: &str = "[[questions]]\nname = \"token\"\nask = \"A \\u001B[2J token\"\nsecret = true\n\
     [[files]]\npath = \"src/**\"\nwhen = \"(eq token 'a')\"\n\
     [[hooks]]\nrun = [\"touch\", \"ran\"]\nwhen = \"token\"\n";

#[test]
fn a_template_is_described_and_nothing_of_it_runs() {
    let sandbox = Sandbox::new();
    template(&sandbox, HOOK, &[(".template/golden/default/a", "a")]);
    let before = snapshot(&sandbox.work());
    let told = run(&sandbox, &["describe", "small"]).ok();
    let tree = told
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("Tree:"));
    let tree = tree.expect("a tree").trim().to_owned();
    let wanted = "small 1.0.0\n\n  Format:    generate-service\n  Source:    [ROOT]/work/small\n  Tree:      [TREE]\n\n\
         It asks:\n  token: a text, secret\n    A \\u{1b}[2J token\n\n\
         It runs, if somebody agrees:\n  command touch ran, when token\n  \
         its build: build scripts, procedural macros, tests\n\n\
         Files that are there only when:\n  src/**: (eq token 'a')\n\n\
         Files:\n       92  Cargo.toml\n       13  src/main.rs\n      211  template.toml\n";
    assert_eq!(told.stdout.replace(&tree, "[TREE]"), wanted);
    assert_eq!(told.stderr, "");
    assert_eq!(snapshot(&sandbox.work()), before);
}

#[test]
fn a_template_is_described_for_programs() {
    let sandbox = Sandbox::new();
    template(&sandbox, HOOK, &[]);
    let told = run(&sandbox, &["describe", "small", "--format", "json"]).ok();
    let lines = told.stdout.lines().collect::<Vec<_>>();
    let [template, result] = lines.as_slice() else {
        panic!("two lines: {lines:?}");
    };
    let template = serde_json::from_str::<serde_json::Value>(template).expect("JSON");
    assert_eq!(template["event"], "template");
    assert_eq!(template["source"], "[ROOT]/work/small");
    let token = serde_json::json!([{
        "name": "token", "ask": "A \u{1b}[2J token", "type": "string", "expected": "a text",
        "secret": true
    }]);
    assert_eq!(template["questions"], token);
    assert_eq!(template["runs"][0]["text"], "touch ran");
    assert_eq!(template["runs"][0]["when"], "token");
    assert_eq!(template["runs"][1]["what"], "build");
    let rule = serde_json::json!([{ "path": "src/**", "when": "(eq token 'a')" }]);
    assert_eq!(template["conditions"], rule);
    assert_eq!(template["files"].as_array().map(Vec::len), Some(3));
    assert!(
        result.starts_with("{\"event\":\"result\",\"status\":\"done\",\"exit_code\":0,"),
        "{result}"
    );
    says(
        run(&sandbox, &["describe", "service", "--format", "json"]).ok_embedded(),
        "",
        "",
    );
}

impl crate::sandbox::Run {
    /// A description of the embedded template, taken for good without its many words.
    fn ok_embedded(mut self) -> Self {
        let line = self.stdout.lines().next().unwrap_or_default();
        let told = serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        assert_eq!(told["name"], "service");
        assert_eq!(told["runs"], serde_json::json!([]));
        assert_eq!(told["parts"].as_array().map(Vec::len), Some(5));
        self.stdout.clear();
        self
    }
}
