//! Templates from elsewhere, by the real program: names, places, versions, both formats.

use std::fs;

use crate::git::git;
use crate::native::{HEAD, template};
use crate::sandbox::{Run, Sandbox, listing};

const QUIET: [&str; 3] = ["--build", "none", "--quiet"];

/// The program with a cache of its own.
fn run(sandbox: &Sandbox, words: &[&str]) -> Run {
    let mut generator = sandbox.generator();
    generator.args(words).args(QUIET);
    Run::of(generator.env("XDG_CACHE_HOME", sandbox.root().join("cache")))
}

/// A repository of the template `worker`, with a tag and a branch.
fn repository(sandbox: &Sandbox) -> String {
    template(
        sandbox,
        "worker",
        &[("template.toml", HEAD), ("v.txt", "one")],
    );
    let dir = sandbox.work().join("worker");
    let git = |words: &[&str]| git(sandbox, &dir, words);
    git(&["init", "--quiet", "--initial-branch", "main"]);
    let commit = |text: &str| {
        fs::write(dir.join("v.txt"), text).expect("written");
        git(&["add", "--all"]);
        git(&[
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "-m",
            text,
        ]);
    };
    commit("one");
    git(&["tag", "v1"]);
    git(&["switch", "--quiet", "--create", "next"]);
    commit("next");
    git(&["switch", "--quiet", "main"]);
    commit("two");
    format!("file://{}", dir.display())
}

#[track_caller]
fn version(sandbox: &Sandbox, service: &str) -> String {
    fs::read_to_string(sandbox.work().join(service).join("v.txt")).expect("a file")
}

#[test]
fn a_git_template_has_versions_and_works_offline_once_it_was_fetched() {
    let sandbox = Sandbox::new();
    let url = repository(&sandbox);
    run(&sandbox, &["a", "--template", &url]).ok();
    run(&sandbox, &["b", "--template", &url, "--tag", "v1"]).ok();
    run(&sandbox, &["c", "--template", &url, "--branch", "next"]).ok();
    let [a, b, c] = ["a", "b", "c"].map(|service| version(&sandbox, service));
    assert_eq!([a.as_str(), &b, &c], ["two", "one", "next"]);
    let head = git(
        &sandbox,
        &sandbox.work().join("worker"),
        &["rev-parse", "v1"],
    );
    let record = fs::read_to_string(sandbox.work().join("b/service.toml")).expect("a record");
    assert!(
        record.contains(&format!(
            "source = \"{url}\"\ntag = \"v1\"\ncommit = \"{head}\"\n"
        )),
        "{record}"
    );
    run(&sandbox, &["d", "--template", &url, "--rev", &head]).ok();
    assert_eq!(version(&sandbox, "d"), "one");
    fs::rename(sandbox.work().join("worker"), sandbox.work().join("moved")).expect("moved");
    let run_away = run(&sandbox, &["e", "--template", &url]);
    assert_eq!(run_away.code, 10, "{}", run_away.stderr);
    assert!(run_away.stderr.contains("--offline"), "{}", run_away.stderr);
    run(&sandbox, &["e", "--template", &url, "--offline"]).ok();
    assert_eq!(version(&sandbox, "e"), "two");
}

#[test]
fn settings_name_templates_and_flags_say_more_of_them() {
    let sandbox = Sandbox::new();
    let url = repository(&sandbox);
    sandbox.write(
        "work/generate-service.toml",
        &format!("template = \"old\"\n[templates]\nnew = \"{url}\"\nold = {{ source = \"{url}\", tag = \"v1\" }}\nhere = \"worker\"\n"),
    );
    run(&sandbox, &["a"]).ok();
    run(&sandbox, &["b", "-t", "new"]).ok();
    run(&sandbox, &["c", "-t", "old", "--branch", "next"]).ok();
    run(&sandbox, &["d", "-t", "here"]).ok();
    let said = ["a", "b", "c", "d"].map(|service| version(&sandbox, service));
    assert_eq!(said, ["one", "two", "next", "two"]);
}

#[test]
fn the_embedded_template_has_a_name_and_nothing_to_choose_from() {
    let sandbox = Sandbox::new();
    run(&sandbox, &["a", "--template", "service"]).ok();
    assert!(sandbox.work().join("a/src/main.rs").exists());
    run(&sandbox, &["b", "--template", "service", "--tag", "v1"]).fails(
        2,
        "error: `service` is the embedded template, which has no tag\nhelp: do without that flag\n",
    );
    run(&sandbox, &["b", "--tag", "v1"]).fails(
        2,
        "error: `--tag` says more of a template, but none is named\nhelp: --template SOURCE\n",
    );
    run(&sandbox, &["b", "-d", "a=b"]).fails(
        2,
        "error: the template does not ask for `a` (`--define`)\nhelp: it asks for nothing\n",
    );
    run(&sandbox, &["b", "--template", "nowhere"]).fails(
        10,
        &format!(
            "error: cannot find the template `{}/work/nowhere`: no such file or directory\n\
             help: a template is a directory, an archive, a URL of git, `gh:owner/repo`, or a name from [templates] in generate-service.toml\n",
            sandbox.root().display()
        ),
    );
}

#[test]
fn archives_are_templates() {
    let sandbox = Sandbox::new();
    template(
        &sandbox,
        "worker",
        &[("template.toml", HEAD), ("v.txt", "one")],
    );
    let mut tar = sandbox.command("tar");
    Run::of(
        tar.args(["-czf", "worker.tar.gz", "worker"])
            .current_dir(sandbox.work()),
    )
    .ok();
    run(&sandbox, &["a", "-t", "worker.tar.gz"]).ok();
    assert_eq!(version(&sandbox, "a"), "one");
}

#[test]
fn a_directory_of_a_source_can_be_the_template() {
    let sandbox = Sandbox::new();
    template(
        &sandbox,
        "all/worker",
        &[("template.toml", HEAD), ("v.txt", "one")],
    );
    run(&sandbox, &["a", "-t", "all", "--subfolder", "worker"]).ok();
    assert_eq!(version(&sandbox, "a"), "one");
    run(&sandbox, &["b", "-t", "all", "--subfolder", "wroker"]).fails(
        6,
        "error: the template has no directory `wroker`\nhelp: --subfolder DIR\n",
    );
}

/// A template of cargo-generate that asks three things, one of them under a condition.
fn greeting(sandbox: &Sandbox) {
    let file = |path: &str, text: &str| {
        sandbox.write(format!("work/cg/{path}"), text);
    };
    file(
        "cargo-generate.toml",
        "[placeholders]\ngreeting = { prompt = \"What to say?\", type = \"string\" }\nloud = { prompt = \"Loud?\", type = \"bool\", default = false }\n[conditional.'loud == true'.placeholders]\nmarks = { prompt = \"How many marks?\", type = \"string\" }\n",
    );
    file(
        "Cargo.toml",
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nauthors = [\"{{authors}}\"]\n",
    );
    file(
        "src/main.rs",
        "fn main() { println!(\"{{greeting}} from {{crate_name}}{{marks}}\"); }\n",
    );
}

/// The whole pipeline on a template of cargo-generate: a port, a commit, a build, a record.
#[test]
fn a_template_of_cargo_generate_becomes_a_service() {
    let sandbox = Sandbox::new();
    greeting(&sandbox);
    let words = ["hello-there", "-t", "cg"];
    run(&sandbox, &[&words[..], &["-d", "loud=true"]].concat()).fails(
        2,
        "error: no answer to `greeting` (What to say?)\nhelp: --define greeting=TEXT\n\
         error: no answer to `marks` (How many marks?)\nhelp: --define marks=TEXT\n",
    );
    let mut generator = sandbox.generator();
    generator.args(words).args(["-d", "greeting=hi", "--trust"]);
    generator
        .env("CARGO_NAME", "Ada")
        .env("CARGO_EMAIL", "ada@example.com");
    let said = Run::of(&mut generator).ok();
    let service = sandbox.work().join("hello-there");
    assert_eq!(
        said.stdout,
        format!("{}\n", sandbox.root().join("work/hello-there").display())
    );
    assert_eq!(
        listing(&service),
        [
            ".git",
            "Cargo.lock",
            "Cargo.toml",
            "service.toml",
            "src",
            "src/main.rs",
            "target"
        ]
    );
    let manifest = fs::read_to_string(service.join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("name = \"hello-there\"\n"), "{manifest}");
    assert!(
        manifest.contains("authors = [\"Ada <ada@example.com>\"]\n"),
        "{manifest}"
    );
    assert_eq!(git(&sandbox, &service, &["status", "--short"]), "");
    let mut service_itself = sandbox.command(service.join("target/debug/hello-there"));
    assert_eq!(
        Run::of(&mut service_itself).ok().stdout,
        "hi from hello_there\n"
    );
    let record = fs::read_to_string(service.join("service.toml")).expect("a record");
    assert!(record.contains("format = \"cargo-generate\"\n"), "{record}");
    assert!(
        record.ends_with("[answers]\ngreeting = \"hi\"\nloud = false\n"),
        "{record}"
    );
    sandbox.ports_agree();
}

#[test]
fn what_makes_no_package_of_that_name_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "work/plain/Cargo.toml",
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\n",
    );
    run(&sandbox, &["a", "-t", "plain"]).fails(
        6,
        "error: the template names the package `plain`, and the service is `a`\n\
         help: a template says `name = \"{{project-name}}\"`, or `{{name}}` in Cargo.toml.hbs\n",
    );
    sandbox.write("work/readme/README.md", "moved\n");
    run(&sandbox, &["a", "-t", "readme"]).fails(
        6,
        "error: the template makes no package: it has no Cargo.toml at its top\n\
         help: name the directory it stands in: --subfolder DIR\n",
    );
    assert!(!sandbox.work().join("a").exists());
}

/// What a hook answers before anybody is asked is not missing.
#[test]
fn a_hook_may_answer_for_everybody() {
    let sandbox = Sandbox::new();
    let file = |path: &str, text: &str| {
        sandbox.write(format!("work/cg/{path}"), text);
    };
    let config = "[hooks]\ninit = [\"init.rhai\"]\n[placeholders]\ncolour = { prompt = \"Colour?\", type = \"string\" }\n";
    file("cargo-generate.toml", config);
    let init = "variable::set(\"colour\", \"blue\");\nprint(\"blue it is\");\n";
    file("init.rhai", init);
    file(
        "Cargo.toml",
        "[package]\nname = \"{{project-name}}\"\nversion = \"0.1.0\"\n",
    );
    file("v.txt", "{{colour}}\n");
    let words = ["a", "-t", "cg", "--trust", "--build", "none"];
    let told = sandbox.run(words).ok().stderr;
    assert!(told.contains("\nThe template says: blue it is\n"), "{told}");
    assert_eq!(version(&sandbox, "a"), "blue\n");
    let record = fs::read_to_string(sandbox.work().join("a/service.toml")).expect("a record");
    assert!(
        record.ends_with("[answers]\ncolour = \"blue\"\n"),
        "{record}"
    );
    file("init.rhai", "// nothing\n");
    run(&sandbox, &["b", "-t", "cg", "--trust"]).fails(
        2,
        "error: the template asks for `colour`: Colour?\nhelp: --define colour=…\n",
    );
}
