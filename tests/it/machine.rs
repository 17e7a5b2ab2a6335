//! The program among programs: events, paths, codes, pipes.

mod mirror;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use generate_service::error::Kind;
use serde_json::Value;

use crate::sandbox::{Run, Sandbox, snapshot};
use mirror::{ErrorEvent, Event, ResultEvent, Step};

/// Every line of standard output, read strictly.
#[track_caller]
fn events(run: &Run) -> Vec<Event> {
    assert!(run.stdout.ends_with('\n'));
    run.stdout.lines().map(event).collect()
}

/// Strictly: nothing is missing, and what is not known would be missed on the way back.
#[track_caller]
fn event(line: &str) -> Event {
    let event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let known = serde_json::to_value(&event).expect("JSON");
    let said = serde_json::from_str::<Value>(line).expect("JSON");
    assert_eq!(known, said);
    event
}

#[track_caller]
fn result(events: Vec<Event>) -> ResultEvent {
    match events.into_iter().last() {
        Some(Event::Result(result)) => result,
        other => panic!("no result: {other:?}"),
    }
}

/// A schema without what only people read.
fn bare(schema: &Value) -> Value {
    const WORDS: [&str; 4] = ["description", "title", "default", "$schema"];
    match schema {
        Value::Object(object) if is_choice(object.get("oneOf")) => {
            let words = object["oneOf"].as_array().into_iter().flatten();
            serde_json::json!({"enum": words.map(|word| &word["const"]).collect::<Vec<_>>()})
        }
        Value::Object(object) => {
            let kept = object
                .iter()
                .filter(|(key, _)| !WORDS.contains(&key.as_str()));
            let kept = kept.map(|(key, value)| match value {
                // Here keys are names of fields.
                Value::Object(fields) if key == "properties" => {
                    let fields = fields.iter().map(|(name, of)| (name.clone(), bare(of)));
                    (key.clone(), fields.collect())
                }
                _ => (key.clone(), bare(value)),
            });
            kept.filter(|(key, value)| {
                key != "type" || value != "string" || !object.contains_key("enum")
            })
            .collect()
        }
        Value::Array(items) => items.iter().map(bare).collect(),
        other => other.clone(),
    }
}

/// Words with descriptions are written as one constant each.
fn is_choice(one_of: Option<&Value>) -> bool {
    let choices = one_of.and_then(Value::as_array);
    choices.is_some_and(|choices| choices.iter().all(|choice| choice["const"].is_string()))
}

/// What is read strictly in these tests is what the schema promises.
#[test]
fn the_printed_schema_is_that_of_the_events() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run(["schema"]).ok().stdout;
    let printed = serde_json::from_str(&printed).expect("JSON");
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let ours = settings.into_generator().into_root_schema_for::<Event>();
    assert_eq!(bare(&printed), bare(ours.as_value()));
    assert_eq!(
        printed["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn a_success_is_a_plan_steps_and_a_result() {
    let sandbox = Sandbox::new();
    let mut generator = sandbox.warm_generator();
    let run = Run::of(generator.args(["orders", "--build", "check", "--format", "json"])).ok();
    let mut events = events(&run);
    let Event::Plan(plan) = events.remove(0) else {
        panic!("no plan: {}", run.stdout)
    };
    let steps = [Step::Generate, Step::Git, Step::Fetch, Step::Build];
    assert_eq!(plan.steps, steps);
    assert_eq!(
        (plan.git.as_str(), plan.crate_name.as_str()),
        ("own", "orders")
    );
    let files = plan.files.iter().map(|file| file.path.as_str());
    assert!(files.clone().is_sorted() && files.clone().any(|path| path == "Cargo.toml"));
    let told = events
        .iter()
        .filter(|event| !matches!(event, Event::Cache { .. }));
    for (event, expected) in told.zip(steps) {
        assert!(
            matches!(event, Event::Step { step, .. } if *step == expected),
            "{event:?}"
        );
    }
    let result = result(events);
    assert_eq!((result.status.as_str(), result.exit_code), ("done", 0));
    assert_eq!(result.path.as_ref(), Some(&plan.destination));
    assert_eq!(result.port, Some(plan.port));
    assert_eq!(result.commit.map(|commit| commit.len()), Some(40));
    assert_eq!(result.errors, []);
}

/// The sizes and the tree that are planned are those that are written.
#[test]
fn the_plan_tells_what_is_written() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .run(["orders", "--build", "none", "--format=json"])
        .ok();
    let Some(Event::Plan(plan)) = events(&run).into_iter().next() else {
        panic!("no plan: {}", run.stdout)
    };
    let planned = plan
        .files
        .iter()
        .map(|file| (file.path.clone(), file.bytes));
    let planned = planned.collect::<BTreeMap<_, _>>();
    let dir = sandbox.work().join("orders");
    let written = snapshot(&dir).into_keys().filter(|path| path.is_file());
    let written = written.filter_map(|path| {
        let bytes = path.metadata().ok()?.len();
        let path = path.strip_prefix(&dir).ok()?.to_str()?.to_owned();
        (!path.starts_with(".git/")).then(|| Some((path, usize::try_from(bytes).ok()?)))?
    });
    assert_eq!(planned, written.collect::<BTreeMap<_, _>>());
    let tree = git2::Repository::open(&dir).expect("a repository");
    let tree = tree.head().and_then(|head| head.peel_to_tree());
    assert_eq!(tree.expect("a tree").id().to_string(), plan.tree);
}

#[test]
fn a_warning_is_an_event() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.local/share/atlas/ports/notes", "");
    let words = ["orders", "--build", "none", "--no-git", "--format", "json"];
    let run = sandbox.run(words).ok();
    let message = "`[ROOT]/home/.local/share/atlas/ports/notes` is no record of a port";
    let message = message.replace("[ROOT]", &sandbox.root().display().to_string());
    assert_eq!(events(&run)[1], Event::Warning { message });
}

/// What provokes a kind of failure; `generator` has `orders --format json` and a warm start.
type Provocation = fn(&Sandbox, &mut Command);

#[rustfmt::skip]
const FAILURES: &[(Kind, Provocation)] = &[
    (Kind::Usage, |_, run| { run.arg("--nonsense"); }),
    (Kind::Usage, |_, run| { run.args(["--port", "0"]); }),
    (Kind::Name, |_, run| { run.env("GENERATE_SERVICE_NAME", "gen"); }),
    (Kind::Destination, |_, run| { run.args(["--into", "missing"]); }),
    (Kind::Destination, |sandbox, _| { sandbox.write("work/orders/file", ""); }),
    (Kind::Port, |_, run| { run.args(["--port-range", "5060-5061"]); }),
    (Kind::Git, |_, run| { run.env("GIT_AUTHOR_DATE", "yesterday"); }),
    (Kind::Tool, |_, run| { run.env("PATH", "/nowhere"); }),
    (Kind::Fetch, |sandbox, run| {
        run.env("CARGO_HOME", sandbox.root().join("empty"));
        run.env("CARGO_NET_OFFLINE", "true");
    }),
    (Kind::Build, |_, run| { run.env("RUSTFLAGS", "--nonsense"); }),
    (Kind::Atlas, |sandbox, run| { run.env("ATLAS", sandbox.write("home/file", "")); }),
    (Kind::Settings, |sandbox, _| { sandbox.write("work/generate-service.toml", "x = 1"); }),
];

#[test]
fn each_failure_is_a_result_with_its_kind_and_code() {
    for (n, (kind, provoke)) in FAILURES.iter().enumerate() {
        let sandbox = Sandbox::new();
        let mut generator = sandbox.generator();
        generator
            .args(["--format", "json"])
            .env("GENERATE_SERVICE_NAME", "orders");
        provoke(&sandbox, &mut generator);
        let run = Run::of(&mut generator);
        assert_eq!(run.code, i32::from(kind.code()), "{n}: {}", run.stderr);
        let result = result(events(&run));
        assert_eq!(
            (result.status.as_str(), result.exit_code),
            ("failed", kind.code())
        );
        assert_eq!(
            (&result.path, result.port, &result.commit),
            (&None, None, &None)
        );
        let [error] = result.errors.as_slice() else {
            panic!("{:?}", result.errors)
        };
        let said = serde_json::to_value(kind).expect("a word");
        assert_eq!(
            format!("{:?}", error.kind).to_lowercase(),
            said.as_str().expect("a word")
        );
        assert!(run.stderr.contains(&as_text(error)), "{n}: {}", run.stderr);
        assert_eq!(sandbox.promises(), [""; 0], "{n}");
    }
}

/// The same error as people read it. Each has a line of help.
fn as_text(error: &ErrorEvent) -> String {
    let help = error.help.as_ref().expect("help");
    format!("error: {}\nhelp: {help}\n", error.message)
}

#[test]
fn a_result_names_everything_that_is_wrong() {
    let sandbox = Sandbox::new();
    let run = sandbox.run([
        "Bad", "--port", "x", "--into", "missing", "--format", "json",
    ]);
    assert_eq!(run.code, 2);
    let result = result(events(&run));
    let kinds = result.errors.iter().map(|error| &error.kind);
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            &mirror::Kind::Usage,
            &mirror::Kind::Name,
            &mirror::Kind::Destination
        ]
    );
    let text = result.errors.iter().map(as_text).collect::<String>();
    assert_eq!(run.stderr, text);
}

#[test]
fn the_variable_asks_for_events_too_even_when_clap_objects() {
    let sandbox = Sandbox::new();
    let mut generator = sandbox.generator();
    generator.env("GENERATE_SERVICE_FORMAT", "json");
    let run = Run::of(generator.args(["a", "b"]));
    assert_eq!(run.code, 2);
    let error = result(events(&run)).errors.remove(0);
    assert_eq!(error.message, "unexpected argument 'b' found");
    assert_eq!(error.help.as_deref(), Some("generate-service --help"));
}

#[test]
fn cd_goes_where_the_service_is() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.work().join("a place")).expect("a directory");
    for into in [".", "a place"] {
        let mut sh = sandbox.command("sh");
        sh.args([
            "-c",
            "cd \"$($generator orders --into \"$into\")\" && pwd && cat Cargo.toml",
        ]);
        sh.env("generator", env!("CARGO_BIN_EXE_generate-service"));
        sh.env("into", into).env("GENERATE_SERVICE_BUILD", "none");
        let run = Run::of(sh.current_dir(sandbox.work())).ok();
        let (place, manifest) = run.stdout.split_once('\n').expect("two outputs");
        assert_eq!(
            Path::new(place),
            sandbox
                .work()
                .join(into)
                .join("orders")
                .canonicalize()
                .expect("a place")
        );
        assert!(manifest.starts_with("[package]\nname = \"orders\"\n"));
        // The narrative's own line for the shell works as well.
        let line = run.stderr.lines().last().expect("a line");
        let line = line.split(" && ").next().expect("a command");
        let mut sh = sandbox.command("sh");
        let run = Run::of(sh.args(["-c", &format!("{line} && pwd")])).ok();
        assert_eq!(run.stdout.trim_end(), place);
    }
}

#[test]
fn quiet_says_nothing_but_errors() {
    let sandbox = Sandbox::new();
    for flag in ["-q", "--quiet"] {
        let name = format!("orders{flag}").replace("--", "-");
        let run = sandbox.run([&name, "--build", "none", flag]).ok();
        assert_eq!(run.stderr, "");
        assert_eq!(
            sandbox.anonymous(&run.stdout),
            format!("[ROOT]/work/{name}\n")
        );
    }
    let run = sandbox.run(["orders", "--quiet", "--build", "none", "--into", "missing"]);
    let words = "error: the directory `[ROOT]/work/missing` does not exist\n\
                 help: mkdir -p '[ROOT]/work/missing'\n";
    run.fails(
        4,
        &words.replace("[ROOT]", &sandbox.root().display().to_string()),
    );
}

/// Also with something to look at: a registry, a sibling, a workspace and a repository.
#[test]
fn a_dry_run_touches_nothing() {
    let sandbox = Sandbox::new();
    for words in [&["first", "--no-git"][..], &["second"]] {
        sandbox.run(words.iter().chain(&["--build", "none"])).ok();
    }
    sandbox.write(
        "work/Cargo.toml",
        "[workspace]\nmembers = [\"first\"]\nresolver = \"3\"\n",
    );
    std::fs::remove_file(sandbox.work().join("first/Cargo.lock")).expect("removed");
    let manifest = sandbox.work().join("first/Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let (text, _) = text.split_once("[profile.dev]").expect("a profile");
    std::fs::write(&manifest, text).expect("a member");
    let before = snapshot(&sandbox.root());
    for format in ["human", "json"] {
        let run = sandbox
            .run(["orders", "--dry-run", "--format", format])
            .ok();
        assert_eq!(run.stderr, "");
        assert!(run.stdout.contains("tests/it/main.rs"), "{}", run.stdout);
    }
    let empty = Sandbox::new();
    let nothing = snapshot(&empty.root());
    empty.run(["orders", "--dry-run"]).ok();
    assert!(snapshot(&empty.root()) == nothing, "the empty home");
    assert!(snapshot(&sandbox.root()) == before, "the busy home");
}

#[test]
fn a_dry_run_lists_each_file() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["orders", "--dry-run"]).ok();
    let listed = run.stdout.split_once("\nFiles:\n").expect("files").1;
    let listed = listed
        .lines()
        .filter_map(|line| Some(line.trim().split_once("  ")?.1));
    let listed = listed.map(str::to_owned).collect::<Vec<_>>();
    let run = sandbox
        .run(["orders", "--dry-run", "--format", "json"])
        .ok();
    let mut events = events(&run);
    let Event::Plan(plan) = events.remove(0) else {
        panic!("no plan: {}", run.stdout)
    };
    let planned = plan.files.into_iter().map(|file| file.path);
    assert_eq!(planned.collect::<Vec<_>>(), listed);
    assert_eq!(events.len(), 1);
    assert_eq!(result(events).status, "planned");
}

/// The exit codes as `--help` and the README have them: code and meaning.
fn table() -> Vec<(u8, String)> {
    let done = (0, "done".to_owned());
    let kinds = Kind::ALL.iter().map(|kind| kind.exit());
    let kinds = kinds.map(|(code, meaning)| (code, meaning.to_owned()));
    std::iter::once(done).chain(kinds).collect()
}

#[test]
fn help_has_the_exit_codes() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(["--help"]).ok().stdout;
    let lines = help.split_once("\nExit codes:\n").expect("a table").1;
    let lines = lines.lines().filter_map(|line| {
        let (code, meaning) = line.trim().split_once("  ")?;
        Some((code.parse().ok()?, meaning.to_owned()))
    });
    assert_eq!(lines.collect::<Vec<_>>(), table());
}

#[test]
fn the_readme_has_the_exit_codes() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("a README");
    let section = readme.split_once("\n## Exit codes\n").expect("a section").1;
    let section = section.split("\n## ").next().expect("its text");
    let rows = section.lines().filter_map(|line| {
        let (code, meaning) = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split_once(" | ")?;
        Some((code.parse().ok()?, meaning.to_owned()))
    });
    assert_eq!(rows.collect::<Vec<_>>(), table());
}

#[test]
fn codes_are_told_apart() {
    let codes = table()
        .into_iter()
        .map(|(code, _)| code)
        .collect::<Vec<_>>();
    assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
}

#[test]
fn the_version_names_the_template_too() {
    let sandbox = Sandbox::new();
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("template/service.toml");
    let record = std::fs::read_to_string(record).expect("a record");
    let record = record.parse::<toml_edit::DocumentMut>().expect("TOML");
    let template = record["template"]["version"].as_str().expect("a version");
    let own = env!("CARGO_PKG_VERSION");
    for flag in ["-V", "--version"] {
        let run = sandbox.run([flag]).ok();
        let words = format!("generate-service {own} (template service {template})\n");
        assert_eq!((run.stdout, run.stderr.as_str()), (words, ""));
    }
}

#[test]
fn completions_know_the_flags_in_each_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = sandbox.run(["completions", shell]).ok();
        for word in ["port-range", "dry-run", "completions"] {
            assert!(run.stdout.contains(word), "{shell}: {word}");
        }
        assert_eq!(run.stderr, "");
    }
    let words = sandbox.run(["completions", "bash"]).ok().stdout;
    let file = sandbox.write("completions.bash", &words);
    let run = Run::of(sandbox.command("bash").arg("-n").arg(file)).ok();
    assert_eq!(run.stderr, "");
}

#[test]
fn bash_completes_with_them() {
    let sandbox = Sandbox::new();
    let words = sandbox.run(["completions", "bash"]).ok().stdout;
    let ask = "COMP_WORDS=(generate-service --build re)\nCOMP_CWORD=2\n\
               _generate__service generate-service re --build\n\
               echo \"${COMPREPLY[@]}\"\n";
    let file = sandbox.write("complete.bash", &format!("{words}\n{ask}"));
    let run = Run::of(sandbox.command("bash").arg(file)).ok();
    assert_eq!(run.stdout, "release\n");
}

#[test]
fn the_manual_is_roff_and_has_the_exit_codes() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["man"]).ok();
    assert!(
        run.stdout.starts_with(".ie \\n(.g .ds Aq \\(aq\n"),
        "{}",
        run.stdout
    );
    let page = run.stdout.replace("\\-", "-");
    for words in [
        ".TH generate-service 1",
        ".SH NAME",
        "--port-range",
        "Exit codes:",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

/// Whoever has read enough closes the pipe, and that is no failure.
#[test]
fn closed_pipes_are_no_panic() {
    let sandbox = Sandbox::new();
    for words in [
        &["schema"][..],
        &["man"],
        &["completions", "zsh"],
        &["--help"],
        &["--version"],
        &["a", "--dry-run"],
        &["b", "--dry-run", "--format", "json"],
        &["c", "--build", "none", "--format", "json"],
        &["d", "--build", "none"],
    ] {
        let mut generator = sandbox.generator();
        generator.args(words).stdin(Stdio::null());
        generator.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = generator.spawn().expect("the program starts");
        drop(child.stdout.take());
        let run = Run::from(child.wait_with_output().expect("its end"));
        assert_eq!(run.code, 0, "{words:?}: {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
    for name in ["c", "d"] {
        assert!(sandbox.work().join(name).join("service.toml").is_file());
    }
}

/// As above, for the narrative.
#[test]
fn nobody_has_to_listen_to_the_narrative() {
    let sandbox = Sandbox::new();
    let mut generator = sandbox.generator();
    generator.args(["orders", "--build", "none"]);
    generator.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = generator.stderr(Stdio::piped()).spawn().expect("a start");
    drop(child.stderr.take());
    let run = Run::from(child.wait_with_output().expect("its end")).ok();
    assert_eq!(sandbox.anonymous(&run.stdout), "[ROOT]/work/orders\n");
}
