//! Settings: flag > variable > nearest file > file further up > the user's own > default, and
//! all that is wrong at once.

use std::process::Command;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

/// From the strongest source to the weakest.
const NEAR: &str = "work/a/b/generate-service.toml";
const FAR: &str = "work/generate-service.toml";
const OWN: &str = "home/.config/generate-service.toml";

/// The program in `work/a/b`, which only plans, and a range of ports that no other test uses.
fn planner(sandbox: &Sandbox) -> Command {
    let cwd = sandbox.work().join("a/b");
    std::fs::create_dir_all(&cwd).expect("a directory");
    let mut generator = sandbox.generator();
    generator.current_dir(cwd);
    generator.args(["--dry-run", "--format", "json"]);
    generator.env("GENERATE_SERVICE_PORT_RANGE", "1190-1199");
    generator
}

/// What is planned, as JSON.
#[track_caller]
fn plan(command: &mut Command) -> Value {
    let run = Run::of(command).ok();
    let plan = run.stdout.lines().next().expect("a plan");
    serde_json::from_str(plan).expect("JSON")
}

/// Whether a run in `work` fails with exactly these words.
#[track_caller]
fn fails(sandbox: &Sandbox, command: &mut Command, code: i32, stderr: &str) {
    let run = Run::of(command);
    let stderr = stderr.replace("[ROOT]", &sandbox.root().display().to_string());
    run.fails(code, &stderr);
    assert!(!sandbox.atlas().exists());
}

/// Takes the sources of `key` away one by one; `values` are those of flag, variable, nearest file,
/// file further up and the user's own, as TOML, and what the plan says for each and at last by
/// default.
#[track_caller]
fn cascade(key: &str, values: [&str; 5], said: &str, expected: &[Value; 6]) {
    let sandbox = Sandbox::new();
    let variable = format!(
        "GENERATE_SERVICE_{}",
        key.replace('-', "_").to_ascii_uppercase()
    );
    for (file, value) in [NEAR, FAR, OWN].iter().zip(&values[2..]) {
        sandbox.write(file, &format!("{key} = {value}\n"));
    }
    for (gone, expected) in expected.iter().enumerate() {
        let mut planner = planner(&sandbox);
        planner.arg("orders");
        if gone < 1 {
            planner.args([&format!("--{key}"), values[0]]);
        }
        if gone < 2 {
            planner.env(&variable, values[1]);
        }
        if let Some(file) = gone.checked_sub(3).and_then(|n| [NEAR, FAR, OWN].get(n)) {
            std::fs::remove_file(sandbox.root().join(file)).expect("a file");
        }
        let plan = plan(&mut planner);
        let found = sandbox.anonymous(&plan[said].to_string());
        assert_eq!(found, expected.to_string(), "without the first {gone}");
    }
}

#[test]
fn a_text_comes_from_the_nearest_source() {
    let values = ["by flag", "by variable", "'near'", "\"far\"", "'''own'''"];
    let expected = [
        "by flag",
        "by variable",
        "near",
        "far",
        "own",
        "The orders service",
    ];
    cascade(
        "description",
        values,
        "description",
        &expected.map(Value::from),
    );
}

#[test]
fn a_number_comes_from_the_nearest_source() {
    let values = ["1201", "1202", "1203", "'1204'", "1205"];
    let expected = [1201, 1202, 1203, 1204, 1205, 1190].map(Value::from);
    cascade("port", values, "port", &expected);
}

#[test]
fn a_path_comes_from_the_nearest_source_and_is_relative_to_its_file() {
    let values = ["..", ".", "'..'", "'.'", "'../../work'"];
    let expected = ["work/a", "work/a/b", "work/a", "work", "work", "work/a/b"];
    let expected = expected.map(|dir| Value::from(format!("[ROOT]/{dir}/orders")));
    cascade("into", values, "destination", &expected);
}

#[test]
fn how_far_cargo_goes_comes_from_the_nearest_source() {
    let values = ["none", "test", "'none'", "'test'", "'none'"];
    let steps = |build: &[&str]| {
        let steps = ["generate", "git"].iter().chain(build).copied();
        Value::from(steps.collect::<Vec<_>>())
    };
    let (none, test) = (steps(&[]), steps(&["fetch", "build", "test"]));
    let build = steps(&["fetch", "build"]);
    let expected = [none.clone(), test.clone(), none.clone(), test, none, build];
    cascade("build", values, "steps", &expected);
}

#[test]
fn yes_and_no_come_from_the_nearest_source_too() {
    let sandbox = Sandbox::new();
    let git = |change: &dyn Fn(&mut Command)| {
        let mut planner = planner(&sandbox);
        change(planner.arg("orders"));
        plan(&mut planner)["git"].clone()
    };
    assert_eq!(git(&|_| ()), "own");
    sandbox.write(OWN, "git = false\n");
    assert_eq!(git(&|_| ()), "none");
    sandbox.write(FAR, "git = 'yes'\n");
    assert_eq!(git(&|_| ()), "own");
    let variable = |text: &'static str| {
        move |run: &mut Command| {
            run.env("GENERATE_SERVICE_GIT", text);
        }
    };
    for (texts, expected) in [
        (["false", "0", "no", "off"], "none"),
        (["true", "1", "yes", "on"], "own"),
    ] {
        for text in texts {
            assert_eq!(git(&variable(text)), expected, "{text}");
        }
    }
    for (words, expected) in [
        (&["--no-git"][..], "none"),
        (&["--git"], "own"),
        (&["--no-git", "--git"], "own"),
        (&["--git", "--no-git"], "none"),
    ] {
        let against = if expected == "own" { "false" } else { "true" };
        let run = |run: &mut Command| {
            run.args(words).env("GENERATE_SERVICE_GIT", against);
        };
        assert_eq!(git(&run), expected, "{words:?}");
    }
}

#[test]
fn even_the_name_has_its_variable_and_its_key() {
    let sandbox = Sandbox::new();
    sandbox.write(NEAR, "name = 'by-file'\n");
    assert_eq!(plan(&mut planner(&sandbox))["name"], "by-file");
    let mut variable = planner(&sandbox);
    variable.env("GENERATE_SERVICE_NAME", "by-variable");
    assert_eq!(plan(&mut variable)["name"], "by-variable");
    assert_eq!(plan(variable.arg("by-word"))["name"], "by-word");
}

#[test]
fn the_users_own_file_is_in_the_configuration_directory() {
    let sandbox = Sandbox::new();
    sandbox.write(OWN, "description = 'own'\n");
    sandbox.write("xdg/generate-service.toml", "description = 'xdg'\n");
    let with = |place: &str| {
        let mut planner = planner(&sandbox);
        planner.arg("orders").env("XDG_CONFIG_HOME", place);
        plan(&mut planner)["description"].clone()
    };
    assert_eq!(
        with(&sandbox.root().join("xdg").display().to_string()),
        "xdg"
    );
    // By the specification, relative paths are ignored.
    assert_eq!(with("../../../xdg"), "own");
    assert_eq!(with(""), "own");
}

#[test]
fn a_tilde_in_a_file_is_home() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.home().join("services")).expect("a directory");
    sandbox.write(NEAR, "into = '~/services'\natlas = '~/registry'\n");
    let plan = plan(planner(&sandbox).arg("orders"));
    let destination = plan["destination"].as_str().expect("a path");
    assert_eq!(
        sandbox.anonymous(destination),
        "[ROOT]/home/services/orders"
    );
    let mut generator = sandbox.generator();
    generator.current_dir(sandbox.work().join("a/b"));
    Run::of(generator.args(["orders", "--build", "none", "--no-git"])).ok();
    assert!(sandbox.home().join("registry/ports").is_dir());
    assert!(sandbox.home().join("services/orders/Cargo.toml").is_file());
}

#[test]
fn an_empty_variable_is_unset() {
    let sandbox = Sandbox::new();
    let mut planner = planner(&sandbox);
    planner.arg("orders").env("ATLAS", "");
    for name in [
        "NAME",
        "DESCRIPTION",
        "INTO",
        "PORT",
        "PORT_RANGE",
        "BUILD",
        "GIT",
        "YES",
    ] {
        planner.env(format!("GENERATE_SERVICE_{name}"), "");
    }
    let plan = plan(&mut planner);
    assert_eq!(plan["description"], "The orders service");
    assert_eq!(plan["git"], "own");
}

/// What is wrong in a file, and the words for it.
#[rustfmt::skip]
const BROKEN: &[(&str, &str)] = &[
    ("\n\nprot = 5004\n", "[FILE], line 3: unknown key `prot`\nhelp: did you mean `port`?"),
    ("port_range = '1-2'\n", "[FILE], line 1: unknown key `port_range`\nhelp: did you mean `port-range`?"),
    ("# a comment\ncolour = 'never'\n", "[FILE], line 2: unknown key `colour`\nhelp: did you mean `color`?"),
    ("x = 1\n", "[FILE], line 1: unknown key `x`\nhelp: the keys: generate-service --help"),
    ("[service]\nname = 'a'\n", "[FILE], line 1: unknown key `service`\nhelp: the keys: generate-service --help"),
    ("port = [5004]\n", "[FILE], line 1: `port` takes one value and no array\nhelp: write it as port = \"…\""),
    ("\n[git]\na = 1\n", "[FILE], line 2: `git` takes one value and no table\nhelp: write it as git = \"…\""),
    ("port = 0\n", "invalid port `0` (`port` in [FILE], line 1): a port is a number from 1 to 65535\nhelp: \"${EDITOR:-vi}\" +1 '[FILE]'"),
    ("port = true\n", "invalid port `true` (`port` in [FILE], line 1): a port is a number from 1 to 65535\nhelp: \"${EDITOR:-vi}\" +1 '[FILE]'"),
    ("\n\nbuild = 'fast'\n", "invalid build `fast` (`build` in [FILE], line 3): expected none, check, build, test or release\nhelp: \"${EDITOR:-vi}\" +3 '[FILE]'"),
    ("git = 'maybe'\n", "invalid git `maybe` (`git` in [FILE], line 1): expected true or false\nhelp: \"${EDITOR:-vi}\" +1 '[FILE]'"),
    ("description = \"two\\nlines\"\n", "invalid description `two\nlines` (`description` in [FILE], line 1): a description is one line of text\nhelp: \"${EDITOR:-vi}\" +1 '[FILE]'"),
    ("a = 1\nport 5004\n", "[FILE], line 2: key with no value, expected `=`\nhelp: \"${EDITOR:-vi}\" +2 '[FILE]'"),
    ("port = 1\nport = 2\n", "[FILE], line 2: duplicate key\nhelp: \"${EDITOR:-vi}\" +2 '[FILE]'"),
    ("port = 'open\n", "[FILE], line 1: invalid literal string, expected `'`\nhelp: \"${EDITOR:-vi}\" +1 '[FILE]'"),
];

#[test]
fn a_broken_file_is_named_with_line_and_key() {
    let sandbox = Sandbox::new();
    for (text, words) in BROKEN {
        sandbox.write(FAR, text);
        let words = format!("error: {words}\n").replace("[FILE]", &format!("[ROOT]/{FAR}"));
        let mut generator = sandbox.generator();
        fails(&sandbox, generator.arg("orders"), 13, &words);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sandbox = Sandbox::new();
    let file = sandbox.root().join(FAR);
    std::fs::create_dir(&file).expect("a directory");
    let words = |why: &str| {
        format!(
            "error: cannot read the settings file `[ROOT]/{FAR}`: {why}\n\
             help: ls -l '[ROOT]/{FAR}'\n"
        )
    };
    let run = |why: &str| {
        let mut generator = sandbox.generator();
        fails(&sandbox, generator.arg("orders"), 13, &words(why));
    };
    run("is a directory");
    std::fs::remove_dir(&file).expect("removed");
    std::fs::write(&file, b"name = '\xff'\n").expect("a file");
    run("stream did not contain valid UTF-8");
}

#[test]
fn a_file_that_is_met_twice_is_read_once() {
    let sandbox = Sandbox::new();
    sandbox.write(OWN, "prot = 1\n");
    let below = sandbox.home().join(".config/below");
    std::fs::create_dir(&below).expect("a directory");
    let words =
        format!("error: [ROOT]/{OWN}, line 1: unknown key `prot`\nhelp: did you mean `port`?\n");
    for cwd in [below, sandbox.home().join(".config"), sandbox.work()] {
        let mut generator = sandbox.generator();
        let run = generator.arg("orders");
        fails(&sandbox, run.current_dir(cwd), 13, &words);
    }
}

#[test]
fn a_wrong_variable_is_named_and_can_be_unset() {
    let sandbox = Sandbox::new();
    for (variable, text, words) in [
        (
            "PORT",
            "http",
            "invalid port `http` ([VARIABLE]): a port is a number from 1 to 65535",
        ),
        (
            "BUILD",
            "fast",
            "invalid build `fast` ([VARIABLE]): expected none, check, build, test or release",
        ),
        (
            "YES",
            "perhaps",
            "invalid yes `perhaps` ([VARIABLE]): expected true or false",
        ),
        (
            "FORMAT",
            "xml",
            "invalid format `xml` ([VARIABLE]): expected human or json",
        ),
        (
            "COLOR",
            "red",
            "invalid color `red` ([VARIABLE]): expected auto, always or never",
        ),
    ] {
        let variable = format!("GENERATE_SERVICE_{variable}");
        let words = words.replace("[VARIABLE]", &format!("variable `{variable}`"));
        let words = format!("error: {words}\nhelp: unset {variable}\n");
        let mut generator = sandbox.generator();
        fails(
            &sandbox,
            generator.arg("orders").env(variable, text),
            2,
            &words,
        );
    }
}

#[test]
fn what_a_nearer_source_overrides_cannot_be_wrong() {
    let sandbox = Sandbox::new();
    sandbox.write(NEAR, "port = 'none'\n");
    let mut planner = planner(&sandbox);
    planner.env("GENERATE_SERVICE_PORT", "no number");
    assert_eq!(
        plan(planner.args(["orders", "--port", "1206"]))["port"],
        1206
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write(NEAR, "prot = 1\ncolor = 'red'\n");
    sandbox.write(FAR, "[broken\n");
    let cwd = sandbox.work().join("a/b");
    let mut generator = sandbox.generator();
    generator
        .current_dir(&cwd)
        .env("GENERATE_SERVICE_BUILD", "fast");
    generator.args(["My Service", "--into", "missing", "--port-range", "9-1"]);
    let words = format!(
        "error: [ROOT]/{NEAR}, line 1: unknown key `prot`\n\
         help: did you mean `port`?\n\
         error: [ROOT]/{FAR}, line 1: unclosed table, expected `]`\n\
         help: \"${{EDITOR:-vi}}\" +1 '[ROOT]/{FAR}'\n\
         error: invalid port-range `9-1` (`--port-range`): a range is two ports from low to high, such as 5000-5999\n\
         help: --port-range 5000-5999\n\
         error: invalid build `fast` (variable `GENERATE_SERVICE_BUILD`): expected none, check, build, test or release\n\
         help: unset GENERATE_SERVICE_BUILD\n\
         error: invalid color `red` (`color` in [ROOT]/{NEAR}, line 2): expected auto, always or never\n\
         help: \"${{EDITOR:-vi}}\" +2 '[ROOT]/{NEAR}'\n\
         error: `My Service` cannot name a service: `M` is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\n\
         help: did you mean `my-service`?\n\
         error: the directory `[ROOT]/work/a/b/missing` does not exist\n\
         help: mkdir -p '[ROOT]/work/a/b/missing'\n"
    );
    fails(&sandbox, &mut generator, 2, &words);
}

#[test]
fn nothing_given_and_nobody_there_to_ask() {
    let sandbox = Sandbox::new();
    fails(
        &sandbox,
        &mut sandbox.generator(),
        2,
        "error: the service's name is missing\nhelp: generate-service my-service\n",
    );
}
