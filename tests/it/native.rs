//! Templates in our own format: what they ask, which files there are, what they run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::{Run, Sandbox, script, snapshot};

/// A small manifest, to which tests add.
pub const HEAD: &str = "[template]\nname = \"worker\"\nversion = \"1.2.3\"\n";

const MANIFEST: &str = r#"[template]
name = "worker"
version = "1.2.3"

[[questions]]
name = "queue"
ask = "Which queue?"
default = "{{name}}-jobs"
regex = "[a-z-]+"
length = [3, 20]

[[questions]]
name = "workers"
type = "integer"
range = [1, 64]

[[questions]]
name = "store"
type = "one-of"
choices = ["postgres", { value = "none", label = "No store" }]
default = "none"

[[questions]]
name = "table"
ask = "Which table?"
when = '(ne store "none")'

[[questions]]
name = "extras"
type = "many-of"
choices = ["mail", "push"]
default = []

[[questions]]
name = "strict"
type = "bool"
default = false

[[questions]]
name = "token"
secret = true
default = "none"

[[files]]
path = "src/store.rs.hbs"
when = '(ne store "none")'
"#;

/// Writes the template `name` with these files into the sandbox.
pub fn template(sandbox: &Sandbox, name: &str, files: &[(&str, &str)]) {
    sandbox.write(
        format!("work/{name}/Cargo.toml.hbs"),
        "[package]\nname = \"{{name}}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    sandbox.write(format!("work/{name}/src/main.rs"), "fn main() {}\n");
    for (path, text) in files {
        sandbox.write(format!("work/{name}/{path}"), text);
    }
}

/// The template `worker` with a file that says all answers.
fn worker(sandbox: &Sandbox) {
    let says = "{{queue}} {{workers}} {{store}} {{extras}} {{strict}}{{#if strict}} token {{token}}{{/if}}\n";
    template(
        sandbox,
        "worker",
        &[
            ("template.toml", MANIFEST),
            ("says.txt.hbs", says),
            (
                "src/store.rs.hbs",
                "pub const TABLE: &str = \"{{table}}\";\n",
            ),
        ],
    );
}

const WORDS: [&str; 6] = ["jobs", "--template", "worker", "--build", "none", "--quiet"];

fn run(sandbox: &Sandbox, more: &[&str]) -> Run {
    sandbox.run(WORDS.iter().chain(more))
}

#[track_caller]
fn says(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.work().join("jobs/says.txt")).expect("a rendered file")
}

#[test]
fn answers_come_from_the_nearest_source_and_the_rest_from_defaults() {
    let sandbox = Sandbox::new();
    worker(&sandbox);
    sandbox.write(
        "work/generate-service.toml",
        "[answers]\nqueue = \"by-settings\"\nworkers = 1\nstrict = true\nextras = [\"push\"]\nelsewhere = 1\n",
    );
    sandbox.write("work/answers.toml", "workers = 3\nqueue = \"by-file\"\n");
    sandbox.write("work/answers.json", "{\"strict\": false}\n");
    let mut generator = sandbox.generator();
    generator.args(WORDS);
    generator.args(["--answers", "answers.toml", "--answers", "answers.json"]);
    generator.args(["--define", "queue=by-flag"]);
    generator.env("GENERATE_SERVICE_ANSWER_WORKERS", "2");
    generator.env("GENERATE_SERVICE_ANSWER_EXTRAS", "mail,push");
    Run::of(&mut generator).ok();
    assert_eq!(says(&sandbox), "by-flag 3 none [mail, push] false\n");
}

#[test]
fn answers_can_be_piped() {
    let sandbox = Sandbox::new();
    worker(&sandbox);
    let mut shell = sandbox.command("sh");
    shell.env("generator", env!("CARGO_BIN_EXE_generate-service"));
    let line = format!(
        "echo '{{\"workers\": 7}}' | \"$generator\" {} --answers -",
        WORDS.join(" ")
    );
    Run::of(shell.args(["-c", &line]).current_dir(sandbox.work())).ok();
    assert_eq!(says(&sandbox), "jobs-jobs 7 none [] false\n");
}

#[test]
fn everything_missing_and_wrong_is_said_at_once() {
    let sandbox = Sandbox::new();
    worker(&sandbox);
    let before = snapshot(&sandbox.work());
    let defines = [
        "queue=Jobs!",
        "store=postgress",
        "wrokers=4",
        "extras=mail,fax",
        "strict=perhaps",
    ];
    let defines = defines
        .iter()
        .flat_map(|define| ["-d", define])
        .collect::<Vec<_>>();
    run(&sandbox, &defines).fails(
        2,
        "error: the template does not ask for `wrokers` (`--define`)\n\
         help: did you mean `workers`?\n\
         error: invalid answer `Jobs!` to `queue` (`--define`): expected what `[a-z-]+` matches\n\
         help: --define queue=TEXT\n\
         error: no answer to `workers`\n\
         help: --define workers=1\n\
         error: invalid answer `postgress` to `store` (`--define`): expected one of postgres, none; did you mean `postgres`?\n\
         help: --define store=postgres\n\
         error: invalid answer `mail,fax` to `extras` (`--define`): expected one of mail, push\n\
         help: --define extras=mail\n\
         error: invalid answer `perhaps` to `strict` (`--define`): expected true or false\n\
         help: --define strict=true\n",
    );
    assert_eq!(snapshot(&sandbox.work()), before);
    run(&sandbox, &["-d", "workers=65", "-d", "store=postgres"]).fails(
        2,
        "error: invalid answer `65` to `workers` (`--define`): expected a whole number from 1 to 64\n\
         help: --define workers=1\n\
         error: no answer to `table` (Which table?)\n\
         help: --define table=TEXT\n",
    );
    run(
        &sandbox,
        &["-d", "workers=64", "-d", "store=postgres", "-d", "queue=ab"],
    )
    .fails(
        2,
        "error: invalid answer `ab` to `queue` (`--define`): expected 3 to 20 characters\n\
         help: --define queue=TEXT\n\
         error: no answer to `table` (Which table?)\n\
         help: --define table=TEXT\n",
    );
}

#[test]
fn conditions_decide_on_questions_and_files() {
    let sandbox = Sandbox::new();
    worker(&sandbox);
    run(&sandbox, &["-d", "workers=4"]).ok();
    assert!(!sandbox.work().join("jobs/src/store.rs").exists());
    fs::remove_dir_all(sandbox.work().join("jobs")).expect("removed");
    run(
        &sandbox,
        &[
            "-d",
            "workers=4",
            "-d",
            "store=postgres",
            "-d",
            "table=jobs",
        ],
    )
    .ok();
    let store = fs::read_to_string(sandbox.work().join("jobs/src/store.rs")).expect("a file");
    assert_eq!(store, "pub const TABLE: &str = \"jobs\";\n");
}

#[test]
fn the_record_has_template_and_answers_but_no_secret() {
    let sandbox = Sandbox::new();
    worker(&sandbox);
    let secret = ["-d", "workers=4", "-d", "token=sesame", "-d", "strict=true"];
    let told = sandbox.run(
        WORDS[..5]
            .iter()
            .chain(&secret)
            .chain(&["--format", "json"]),
    );
    let told = told.ok();
    let said = format!("{}{}", told.stderr, told.stdout);
    let told = told.stdout;
    assert!(!said.contains("sesame"), "{said}");
    let service = sandbox.work().join("jobs");
    let record = fs::read_to_string(service.join("service.toml")).expect("a record");
    let record = sandbox.anonymous(&record);
    let id = |key: &str| {
        let line = record.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split('"').nth(1))
            .expect(key)
            .to_owned()
    };
    assert_eq!(
        record,
        format!(
            "# The service's record, for generate-service; its Sidecar and its clients read it, too.\n\
             [service]\nname = \"jobs\"\ndescription = \"The jobs service\"\nport = 5000\n\n\
             [template]\nname = \"worker\"\nversion = \"1.2.3\"\nformat = \"generate-service\"\n\
             source = \"[ROOT]/work/worker\"\nfrom = \"{}\"\ntree = \"{}\"\n\n\
             [answers]\nextras = []\nqueue = \"jobs-jobs\"\nstore = \"none\"\nstrict = true\nworkers = 4\n",
            id("from"),
            id("tree"),
        )
    );
    let plan = told.lines().next().expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(plan).expect("JSON");
    assert_eq!(plan["source"]["tree"], id("from"));
    assert_eq!(plan["answers"]["queue"], "jobs-jobs");
    assert!(plan["answers"]["token"].is_null());
    // The answer itself is where the template put it.
    assert!(says(&sandbox).ends_with("true token sesame\n"));
}

#[test]
fn names_are_templates_too() {
    let sandbox = Sandbox::new();
    let manifest = format!("{HEAD}[[questions]]\nname = \"entity\"\n");
    template(
        &sandbox,
        "worker",
        &[
            ("template.toml", &manifest),
            ("src/{{snakeCase entity}}/mod.rs", "// {{entity}} stays\n"),
            ("src/{{entity}}.txt.hbs", "{{entity}}\n"),
        ],
    );
    run(&sandbox, &["-d", "entity=BlueOrder"]).ok();
    let read = |path: &str| fs::read_to_string(sandbox.work().join("jobs/src").join(path));
    assert_eq!(
        read("blue_order/mod.rs").expect("a file"),
        "// {{entity}} stays\n"
    );
    assert_eq!(read("BlueOrder.txt").expect("a file"), "BlueOrder\n");
    sandbox.write("work/worker/{{nobody}}/gone.md", "x");
    run(&sandbox, &["--into", "worker", "-d", "entity=a"]).fails(
        6,
        "error: template file {{nobody}}/gone.md, line 1, column 1: unknown variable `nobody`, in `{{nobody}}`\n",
    );
}

#[test]
fn what_a_name_becomes_is_checked() {
    let no_name = "template file {{where}}/x.txt: `{{where}}` becomes";
    let cases = [
        ("..", "the template's `../x.txt` has `..` in its path".to_owned()),
        ("a/b", format!("{no_name} `a/b`, which is no name")),
        ("/etc", format!("{no_name} `/etc`, which is no name")),
        (".git", "the template's `.git/x.txt` would be part of git's own directory".to_owned()),
        ("con", "the template's `con/x.txt` has the name of a device of Windows in its path: `con`".to_owned()),
        ("C:", "the template's `C:/x.txt` is a path on a drive".to_owned()),
        ("a\u{202e}b", "the template's `a\\u{202e}b/x.txt` has a character nobody can see in its path: '\\u{202e}'".to_owned()),
        ("SRC", "the template's `src` differs from `SRC` by case or composition alone".to_owned()),
    ];
    let sandbox = Sandbox::new();
    let manifest = format!("{HEAD}[[questions]]\nname = \"where\"\n");
    template(
        &sandbox,
        "worker",
        &[("template.toml", &manifest), ("{{where}}/x.txt", "x")],
    );
    let before = snapshot(&sandbox.root());
    for (answer, refusal) in cases {
        let run = run(&sandbox, &["-d", &format!("where={answer}")]);
        assert_eq!(run.code, 6, "{answer}: {}", run.stderr);
        assert_eq!(run.stderr, format!("error: {refusal}\n"));
    }
    let mut after = snapshot(&sandbox.root());
    after.retain(|path, _| before.contains_key(path) || !path.starts_with(sandbox.home()));
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    // A part that comes out empty is no file.
    run(&sandbox, &["-d", "where="]).ok();
    assert!(
        !sandbox
            .listing()
            .iter()
            .any(|path| path.ends_with("jobs/x.txt"))
    );
}

#[test]
fn two_files_cannot_become_one() {
    let sandbox = Sandbox::new();
    let manifest = format!("{HEAD}[[questions]]\nname = \"other\"\ndefault = \"a\"\n");
    let files = [
        ("template.toml", &*manifest),
        ("a.txt", "a"),
        ("{{other}}.txt", "b"),
    ];
    template(&sandbox, "worker", &files);
    run(&sandbox, &[]).fails(6, "error: the template's `a.txt` is there twice\n");
}

#[test]
fn mistakes_in_files_name_place_and_text() {
    let sandbox = Sandbox::new();
    let files = [
        ("template.toml", HEAD),
        ("a.md.hbs", "one\n  {{nmae}} two\n"),
        ("b.md.hbs", "{{#if name}}\n"),
        ("c.md.hbs", "{{shout name}}\n"),
    ];
    template(&sandbox, "worker", &files);
    let run = run(&sandbox, &[]);
    assert_eq!(run.code, 6);
    let lines = run.stderr.lines().collect::<Vec<_>>();
    assert_eq!(
        lines[0],
        "error: template file a.md.hbs, line 2, column 3: unknown variable `nmae`, in `{{nmae}} two`"
    );
    assert!(
        lines[1].starts_with("error: template file b.md.hbs, line "),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("error: template file c.md.hbs, line 1, column 1: "),
        "{}",
        lines[2]
    );
    assert!(lines[2].ends_with(", in `{{shout name}}`"), "{}", lines[2]);
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn mistakes_in_the_manifest_name_their_place() {
    let question = "[[questions]]\nname = \"a\"\n";
    let cases: [(String, &str); 17] = [
        (
            "[template]\nname = \"x\"\n".into(),
            "line 1, column 1: missing field `version`",
        ),
        (
            format!("{HEAD}[questions]\na = 1\n"),
            "line 4, column 1: invalid type: map, expected a sequence",
        ),
        (
            format!("{HEAD}colour = \"red\"\n"),
            "line 4, column 1: unknown field `colour`, expected one of `name`, `version`, `description`, `generate-service`",
        ),
        (
            format!("{HEAD}{question}type = \"text\"\n"),
            "line 6, column 8: unknown variant `text`, expected one of `string`, `integer`, `bool`, `one-of`, `many-of`",
        ),
        (
            format!("{HEAD}{question}regex = \"(\"\n"),
            "line 6, column 9: `(` is no regular expression: unclosed group",
        ),
        (
            format!("{HEAD}{question}type = \"bool\"\nregex = \"x\"\n"),
            "line 7, column 9: `regex` says nothing about this type",
        ),
        (
            format!("{HEAD}{question}type = \"one-of\"\n"),
            "line 5, column 8: there is nothing to choose from: `choices`",
        ),
        (
            format!("{HEAD}{question}type = \"one-of\"\nchoices = [\"a\", \"a\"]\n"),
            "line 7, column 11: choices are at least one, and all different",
        ),
        (
            format!("{HEAD}{question}type = \"integer\"\ndefault = \"x\"\n"),
            "line 7, column 11: expected a whole number",
        ),
        (
            format!("{HEAD}{question}default = \"{{{{#if name}}}}x{{{{/if}}}}\"\n"),
            "line 6, column 11: `{{#if name}}x{{/if}}`: blocks (`{{#if …}}`) have no place here",
        ),
        (
            format!("{HEAD}{question}when = \"(eq a\"\n"),
            "line 6, column 8: `(eq a`: ",
        ),
        (
            format!("{HEAD}{question}{question}"),
            "line 7, column 8: `a` is asked for twice",
        ),
        (
            format!("{HEAD}[[questions]]\nname = \"port\"\n"),
            "line 5, column 8: `port` is there without being asked for",
        ),
        (
            format!("{HEAD}[[questions]]\nname = \"A-b\"\n"),
            "line 5, column 8: `A-b` is no name of an answer: lower-case letters, digits and `_`, a letter first",
        ),
        (
            format!("{HEAD}[[files]]\npath = \"[\"\nwhen = \"name\"\n"),
            "line 5, column 8: `[`: ",
        ),
        (
            format!("{HEAD}[[hooks]]\nrun = []\n"),
            "line 5, column 7: there is nothing to run",
        ),
        (
            format!("{HEAD}[[samples]]\nname = \"x\"\nanswers = {{ b = 1 }}\n"),
            "line 6, column 17: nothing asks for `b`",
        ),
    ];
    let sandbox = Sandbox::new();
    for (text, wanted) in cases {
        template(&sandbox, "worker", &[("template.toml", &text)]);
        let run = run(&sandbox, &[]);
        let wanted = format!("error: template.toml, {wanted}");
        assert!(
            run.stderr.starts_with(&wanted),
            "{text}\n{}\n{wanted}",
            run.stderr
        );
        assert_eq!(run.code, 6, "{text}");
    }
}

#[test]
fn a_template_can_want_a_newer_generator() {
    let sandbox = Sandbox::new();
    let manifest = format!("{HEAD}generate-service = \">=9\"\n");
    template(&sandbox, "worker", &[("template.toml", &manifest)]);
    run(&sandbox, &[]).fails(
        6,
        "error: the template wants generate-service >=9, this is 0.1.0\n\
         help: install another generate-service, or take another version of the template: --tag TAG\n",
    );
}

#[test]
fn a_live_manifest_is_stamped_and_a_rendered_one_must_have_the_name() {
    let sandbox = Sandbox::new();
    template(&sandbox, "worker", &[("template.toml", HEAD)]);
    let rendered = sandbox.work().join("worker/Cargo.toml.hbs");
    fs::write(&rendered, "[package]\nname = \"evil\"\n").expect("written");
    run(&sandbox, &[]).fails(
        6,
        "error: the template names the package `evil`, and the service is `jobs`\n\
         help: a template says `name = \"{{project-name}}\"`, or `{{name}}` in Cargo.toml.hbs\n",
    );
    fs::remove_file(&rendered).expect("removed");
    run(&sandbox, &[]).fails(
        6,
        "error: the template makes no package: it has no Cargo.toml at its top\n\
         help: name the directory it stands in: --subfolder DIR\n",
    );
    sandbox.write(
        "work/worker/Cargo.toml",
        "# Live.\n[package]\nname = \"anything\" # ours\ndescription = \"\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    run(&sandbox, &[]).ok();
    let manifest = fs::read_to_string(sandbox.work().join("jobs/Cargo.toml")).expect("a manifest");
    assert_eq!(
        manifest,
        "# Live.\n[package]\nname = \"jobs\" # ours\ndescription = \"The jobs service\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
    );
}

#[test]
fn a_name_of_a_dependency_is_refused_once_the_manifest_is_known() {
    let sandbox = Sandbox::new();
    template(&sandbox, "worker", &[("template.toml", HEAD)]);
    let manifest = "[package]\nname = \"{{name}}\"\n[dependencies]\njobs = \"1\"\n";
    sandbox.write("work/worker/Cargo.toml.hbs", manifest);
    let run = run(&sandbox, &[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("`jobs`"), "{}", run.stderr);
}

#[test]
fn hooks_run_in_the_stage_before_the_commit() {
    let sandbox = Sandbox::new();
    let hook = script(
        &sandbox,
        "hook",
        "echo \"$SERVICE_NAME $1\" > made.txt && chmod +x made.txt\n",
    );
    let manifest = format!(
        "{HEAD}[[questions]]\nname = \"say\"\ndefault = \"hello\"\n\
         [[hooks]]\nrun = [\"{0}\", \"first\"]\n\
         [[hooks]]\nrun = [\"{0}\", \"second\"]\nwhen = '(eq say \"twice\")'\n",
        hook.display()
    );
    template(&sandbox, "worker", &[("template.toml", &manifest)]);
    let root = sandbox.root();
    run(&sandbox, &[]).fails(
        16,
        &format!(
            "error: the template {0}/work/worker would run code that nobody agreed to: command `{0}/hook first`, command `{0}/hook second`\n\
             help: generate-service template describe {0}/work/worker, then --trust\n",
            root.display()
        ),
    );
    run(&sandbox, &["--trust"]).ok();
    let made = sandbox.work().join("jobs/made.txt");
    assert_eq!(fs::read_to_string(&made).expect("made"), "jobs first\n");
    assert_eq!(
        made.metadata().expect("made").permissions().mode() & 0o111,
        0o111
    );
    let status = crate::git::git(
        &sandbox,
        &sandbox.work().join("jobs"),
        &["status", "--short"],
    );
    assert_eq!(status, "");
}

#[test]
fn a_hook_that_fails_leaves_nothing() {
    let sandbox = Sandbox::new();
    let hook = script(&sandbox, "hook", "echo out of luck >&2; exit 3\n");
    let manifest = format!("{HEAD}[[hooks]]\nrun = [\"{}\"]\n", hook.display());
    template(&sandbox, "worker", &[("template.toml", &manifest)]);
    let before = snapshot(&sandbox.work());
    let run = run(&sandbox, &["--trust"]);
    assert_eq!(run.code, 6);
    let root = sandbox.root();
    assert_eq!(
        run.stderr,
        format!(
            "\nout of luck\n\nerror: the template's hook `{}/hook` failed\nhelp: look at what was made: --keep-on-failure\n",
            root.display()
        )
    );
    let paths = |state: &std::collections::BTreeMap<std::path::PathBuf, _>| {
        state.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(paths(&snapshot(&sandbox.work())), paths(&before));
    assert_eq!(sandbox.promises(), Vec::<String>::new());
}

/// A link that a hook leaves behind could lead anywhere later.
#[test]
fn a_hook_that_makes_a_link_out_of_the_tree_is_refused() {
    let sandbox = Sandbox::new();
    let hook = script(&sandbox, "hook", "ln -s /etc out\n");
    let manifest = format!("{HEAD}[[hooks]]\nrun = [\"{}\"]\n", hook.display());
    template(&sandbox, "worker", &[("template.toml", &manifest)]);
    let run = run(&sandbox, &["--trust"]);
    assert_eq!(run.code, 6, "{}", run.stderr);
    assert!(run.stderr.contains("`out`"), "{}", run.stderr);
    assert!(!sandbox.work().join("jobs").exists());
}

#[test]
fn a_service_of_others_is_built_committed_with_its_lock_file_and_joins_workspaces() {
    let sandbox = Sandbox::new();
    template(
        &sandbox,
        "worker",
        &[("template.toml", HEAD), ("src/lib.rs", "//! Nothing.\n")],
    );
    let words = [
        "jobs",
        "--template",
        "worker",
        "--trust",
        "--quiet",
        "--build",
        "test",
    ];
    sandbox.run(words).ok();
    let service = sandbox.work().join("jobs");
    let tracked = crate::git::git(&sandbox, &service, &["ls-files"]);
    assert_eq!(
        tracked,
        "Cargo.lock\nCargo.toml\nservice.toml\nsrc/lib.rs\nsrc/main.rs"
    );
    assert_eq!(
        crate::git::git(&sandbox, &service, &["status", "--short"]),
        ""
    );
    sandbox.write(
        "work/all/Cargo.toml",
        "[workspace]\nmembers = []\nresolver = \"3\"\n",
    );
    let words = [
        "jobs2",
        "--template",
        "worker",
        "--trust",
        "--quiet",
        "--into",
        "all",
    ];
    sandbox.run(words).ok();
    let root = fs::read_to_string(sandbox.work().join("all/Cargo.toml")).expect("a manifest");
    assert_eq!(
        root,
        "[workspace]\nmembers = [\"jobs2\"]\nresolver = \"3\"\n"
    );
    assert!(!sandbox.work().join("all/jobs2/Cargo.lock").exists());
    assert!(sandbox.work().join("all/Cargo.lock").exists());
}

/// What never ends or takes all memory is ended, and nothing is left of it.
#[test]
fn bombs_in_templates_are_contained() {
    let list = format!("[{}]", vec!["1"; 100].join(","));
    let nested = |levels: usize, inside: &str| {
        let each = format!("{{{{#each {list}}}}}").repeat(levels);
        format!("{each}{inside}{}", "{{/each}}".repeat(levels))
    };
    let cases = [
        ("endless", nested(9, "")),
        ("endless output", nested(9, "0123456789")),
        (
            "recursion",
            "{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}".to_owned(),
        ),
        (
            "deep blocks",
            format!(
                "{}{}",
                "{{#if name}}".repeat(50_000),
                "{{/if}}".repeat(50_000)
            ),
        ),
        (
            "a thousand recursions",
            format!("{}{}", "{{#with this}}".repeat(1000), "{{nobody}}{{/with}}"),
        ),
    ];
    for (what, text) in cases {
        let sandbox = Sandbox::new();
        template(
            &sandbox,
            "worker",
            &[("template.toml", HEAD), ("a.txt.hbs", &text)],
        );
        let before = snapshot(&sandbox.work());
        let began = std::time::Instant::now();
        let run = run(&sandbox, &[]);
        assert_eq!(run.code, 6, "{what}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{what}: {}", run.stderr);
        assert!(run.stderr.len() < 2000, "{what}: {}", run.stderr.len());
        assert!(began.elapsed().as_secs() < 120, "{what}");
        assert_eq!(snapshot(&sandbox.work()), before, "{what}");
    }
    // Deep, but it ends.
    let sandbox = Sandbox::new();
    let deep = ("(not ".repeat(20_000), ")".repeat(20_000));
    let deep = format!("{{{{#if {}name{}}}}}x{{{{/if}}}}", deep.0, deep.1);
    template(
        &sandbox,
        "worker",
        &[("template.toml", HEAD), ("a.txt.hbs", &deep)],
    );
    run(&sandbox, &[]).ok();
}
