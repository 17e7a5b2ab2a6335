//! Templates of cargo-generate that mean harm, each rendered by the real program as the child.
//!
//! Whatever one does, it ends in bounded time and memory, nothing outside of its own directory is
//! touched, that directory is gone afterwards, and what comes of it is a tree one can have or an
//! error that says what happened.

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use generate_service::child::{Limits, Terms};
use generate_service::error::Error;
use generate_service::foreign::{self, Consent, Expanded, Expansion};
use generate_service::questions::{Answer, Answers};
use generate_service::template::File;

use crate::corpus::{expansion, terms};
use crate::sandbox::{Sandbox, snapshot};

/// What a row comes to.
enum End {
    /// An error with this in its message.
    Refused(&'static str),
    /// A tree of these files and no others.
    Renders(&'static [&'static str]),
    /// Either, as long as nothing outside is touched.
    Contained,
}
use End::{Contained, Refused, Renders};

/// A template, what is answered as `x`, and what becomes of it.
struct Row {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    x: &'static str,
    commands: bool,
    end: End,
}

const LIMITS: Limits = Limits {
    time: Duration::from_secs(3),
    memory: 1 << 30,
    file: 16 << 20,
    disk: 64 << 20,
};

const HOOKS: (&str, &str) = ("cargo-generate.toml", "[hooks]\npre = [\"pre.rhai\"]\n");

/// A template with one hook.
const fn hook(name: &'static str, files: &'static [(&'static str, &'static str)], end: End) -> Row {
    Row {
        name,
        files,
        x: "",
        commands: false,
        end,
    }
}

const fn named(
    name: &'static str,
    path: &'static [(&'static str, &'static str)],
    x: &'static str,
    end: End,
) -> Row {
    Row {
        name,
        files: path,
        x,
        commands: false,
        end,
    }
}

const LATE: End = Refused("the template's rendering took longer than 3 s");
const OUTSIDE: End = Refused("Path must be inside template dir");

/// `[OUT]` is a directory outside that holds `victim/keep.txt`; `[DEEP:x]` is `x` many times.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Time.
    hook("endless loop in a hook", &[HOOKS, ("pre.rhai", "loop {}")], LATE),
    hook("endless loop before anything", &[("cargo-generate.toml", "[hooks]\ninit = [\"i.rhai\"]\n"), ("i.rhai", "while true { let x = 1; }")], LATE),
    hook("endless loop in the midst of a file", &[("a.md", "{{\"f.rhai\"|rhai}}"), ("f.rhai", "loop {}")], LATE),
    hook("endless loop of a text that is code", &[HOOKS, ("pre.rhai", "eval(\"loop {}\")")], LATE),
    hook("a hook that sleeps", &[HOOKS, ("pre.rhai", "sleep(100000)")], LATE),
    hook("an endless condition", &[("cargo-generate.toml", "[conditional.'eval(\"loop {}\")']\nignore = []\n")], LATE),
    hook("a loop of liquid", &[("a.md", "{% for i in (1..100000) %}{% for j in (1..100000) %}{% assign z = i %}{% endfor %}{% endfor %}")], Refused("the template's rendering")),
    // Memory.
    hook("a text that doubles", &[HOOKS, ("pre.rhai", "let s = \"x\"; loop { s += s; }")], Refused("ran out of memory, 1024 MiB")),
    hook("a list that doubles", &[HOOKS, ("pre.rhai", "let a = [1]; loop { a += a; }")], Refused("the template's rendering")),
    hook("a blob of 10 GB", &[HOOKS, ("pre.rhai", "let b = blob(10000000000);")], Refused("ran out of memory, 1024 MiB")),
    hook("a text of liquid that doubles", &[("a.md", "{% assign s = \"x\" %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor %}")], Refused("the template's rendering")),
    hook("a range of liquid", &[("a.md", "{% for i in (1..1000000000000) %}x{% endfor %}")], Refused("the template's rendering")),
    // Depth.
    hook("recursion in a hook", &[HOOKS, ("pre.rhai", "fn f(x) { f(x + 1) }\nf(0)")], Refused("the template's hook pre.rhai failed: Stack overflow")),
    hook("a module that imports itself", &[HOOKS, ("pre.rhai", "import \"m\" as m;"), ("m.rhai", "import \"m\" as m;")], Refused("the template's")),
    hook("nested parentheses", &[HOOKS, ("pre.rhai", "[DEEP:(]")], Refused("the template's hook pre.rhai failed:")),
    hook("nested blocks of liquid", &[("a.md", "[DEEP:{% if x %}]")], Refused("the template's rendering")),
    hook("nested arrays of the configuration", &[("cargo-generate.toml", "a = [DEEP:[]")], Refused("template file cargo-generate.toml, line 1")),
    hook("a variable of a variable", &[("a.md", "{{ a.b.c.d }} {{ a['b'] }}")], Renders(&["a.md"])),
    // Paths of hooks.
    hook("writing above", &[HOOKS, ("pre.rhai", "file::write(\"../../../../victim/keep.txt\", \"x\")")], OUTSIDE),
    hook("writing elsewhere", &[HOOKS, ("pre.rhai", "file::write(\"[OUT]/victim/keep.txt\", \"x\")")], OUTSIDE),
    hook("deleting elsewhere", &[HOOKS, ("pre.rhai", "file::delete(\"[OUT]/victim\")")], OUTSIDE),
    hook("deleting in a roundabout way", &[HOOKS, ("pre.rhai", "file::delete(\"a/../../../../[OUT]/victim\")")], OUTSIDE),
    hook("taking from elsewhere", &[HOOKS, ("pre.rhai", "file::rename(\"[OUT]/victim/keep.txt\", \"mine\")")], OUTSIDE),
    hook("bringing elsewhere", &[HOOKS, ("pre.rhai", "file::rename(\"pre.rhai\", \"[OUT]/victim/evil\")")], OUTSIDE),
    hook("looking around", &[HOOKS, ("pre.rhai", "file::listdir(\"/\")")], OUTSIDE),
    hook("asking for a file", &[HOOKS, ("pre.rhai", "file::exists(\"/etc/passwd\")")], OUTSIDE),
    hook("a NUL in a path", &[HOOKS, ("pre.rhai", "file::write(\"a\\x00b\", \"x\")")], Refused("the template's hook pre.rhai failed:")),
    hook("a hook in git's directory", &[HOOKS, ("a.md", "a"), ("pre.rhai", "file::rename(\"a.md\", \".git\"); file::delete(\".git\"); file::write(\".git\", \"gitdir: /\")")], Refused("the template's `.git` would be part of git's own directory")),
    // Code that files run is removed afterwards, wherever it is.
    hook("a script elsewhere", &[("a.md", "{{ \"[OUT]/victim\" | rhai }}")], Refused("template file a.md, line 1, column 5: this runs the script")),
    hook("a script above", &[("a.md", "{{ '../../../../x' | rhai }}")], Refused("which is outside of the template")),
    hook("a script elsewhere, by a variable", &[("a.md", "{% assign p = \"[OUT]/victim\" %}{{ p | rhai }}")], Contained),
    named("a script elsewhere, by an answer", &[("a.md", "{{ x | rhai }}")], "[OUT]/victim", Contained),
    hook("a hook elsewhere", &[("cargo-generate.toml", "[hooks]\npost = [\"[OUT]/victim/keep.txt\"]\n")], Refused("is outside of the template")),
    hook("ignoring what is elsewhere", &[("cargo-generate.toml", "[template]\nignore = [\"[OUT]/victim\"]\n")], Refused("/victim` is outside of the template")),
    hook("ignoring what is above, under a condition", &[("cargo-generate.toml", "[conditional.'true']\nignore = [\"../../../../victim\"]\n")], Refused("`../../../../victim` is outside of the template")),
    hook("a sub-template above", &[("cargo-generate.toml", "[template]\nsub_templates = [\"../..\"]\n")], Refused("`../..` is no directory inside the template")),
    hook("a sub-template that is itself", &[("cargo-generate.toml", "[template]\nsub_templates = [\".\"]\n")], Refused("lead to each other without an end")),
    hook("no sub-template", &[("cargo-generate.toml", "[template]\nsub_templates = []\n")], Refused("`sub_templates` is empty")),
    hook("a file above", &[("../evil.md", "x")], Refused("`../evil.md` is outside of it")),
    hook("a file elsewhere", &[("/evil.md", "x")], Refused("`/evil.md` is outside of it")),
    hook("a file that is a directory", &[("a", "x"), ("a/b", "x")], Refused("the template makes `a/b` twice, or below a file")),
    hook("a pattern that explodes", &[("cargo-generate.toml", "[placeholders]\ny = { prompt = \"y\", regex = '((a{1000}){1000}){1000}' }\n")], Refused("line 2, column 29: `regex` of placeholder `y`: Compiled regex exceeds size limit")),
    // Names that files come to.
    named("a name that climbs", &[("{{x}}", "x")], "../../../../victim/evil", Renders(&[".._.._.._.._victim_evil"])),
    named("a name that is absolute", &[("{{x}}.md", "x")], "/etc/evil", Renders(&["_etc_evil.md"])),
    named("a name that is the directory above", &[("{{x}}/a.md", "x")], "..", Renders(&["_/a.md"])),
    named("a name of git's", &[("{{x}}/hooks/pre-commit", "x")], ".git", Renders(&[])),
    named("a name of git's, on a Mac", &[("{{x}}/hooks/pre-commit", "x")], ".GIT", Refused("the template's `.GIT` would be part of git's own directory")),
    named("a drive", &[("{{x}}/a.md", "x")], "C:", Renders(&["C_/a.md"])),
    named("a device", &[("{{x}}.txt", "x")], "CON", Refused("the template's `CON.txt` has the name of a device of Windows in its path: `con`")),
    named("a name that reads backwards", &[("{{x}}.txt", "x")], "a\u{202e}b", Refused("the template's `a\\u{202e}b.txt` has a character nobody can see in its path: '\\u{202e}'")),
    named("a name with a new line", &[("{{x}}.txt", "x")], "a\nb", Renders(&["a_b.txt"])),
    named("a name that is empty", &[("{{x}}", "x")], "", Contained),
    named("a name that is long", &[("{{x}}.md", "x")], "[DEEP:x]", Contained),
    // Output.
    hook("many bytes in one file", &[HOOKS, ("pre.rhai", "let s = \"x\"; for i in 0..25 { s += s; } file::write(\"big\", s)")], Refused("wrote a file of more than 16 MiB")),
    hook("many bytes in many files", &[HOOKS, ("pre.rhai", "let s = \"x\"; for i in 0..23 { s += s; } let i = 0; loop { i += 1; file::write(\"big\" + i, s); }")], Refused("wrote more than 64 MiB")),
    hook("many words", &[HOOKS, ("pre.rhai", "let s = \"x\"; for i in 0..16 { s += s; } loop { print(s); }")], Refused("the template's rendering")),
    // Commands.
    hook("a command nobody agreed to", &[HOOKS, ("pre.rhai", "system::command(\"touch [OUT]/victim/evil\")")], Refused("runs a command, and nobody has agreed to that: `system::command(\"touch")),
    hook("a command in disguise", &[HOOKS, ("pre.rhai", "eval(\"system\" + \"::command(\\\"touch [OUT]/victim/evil\\\")\")")], Refused("runs a command, and nobody has agreed to that")),
    Row { commands: true, ..hook("a link out of the tree", &[HOOKS, ("pre.rhai", "system::command(\"ln -s [OUT]/victim link\")")], Renders(&[])) },
    Row { commands: true, ..hook("a link, and a file through it", &[HOOKS, ("pre.rhai", "system::command(\"ln -s /nowhere/at/all link\"); file::write(\"link\", \"x\")")], Refused("the template's hook pre.rhai failed:")) },
    Row { commands: true, ..hook("a command that kills its parent", &[HOOKS, ("pre.rhai", "system::command(\"kill -9 $PPID\")")], Refused("was ended by signal 9")) },
    Row { commands: true, ..hook("a command that outlives its parent", &[HOOKS, ("pre.rhai", "system::command(\"(sleep 2; touch [OUT]/victim/evil) >/dev/null 2>&1 &\")")], Renders(&[])) },
    Row { commands: true, ..hook("a command that writes to its home", &[HOOKS, ("pre.rhai", "system::command(\"echo evil > ~/.bashrc; echo evil > $CARGO_HOME/config.toml\")")], Renders(&[])) },
];

#[test]
fn whatever_a_template_does_it_is_contained() {
    let (one, other) = ROWS.split_at(ROWS.len() / 2);
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let halves = [one, other]
            .map(|half| scope.spawn(|| half.iter().filter_map(fault).collect::<Vec<_>>()));
        for half in halves {
            wrong.extend(half.join().expect("no panic"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the end of `row`, if anything.
fn fault(row: &Row) -> Option<String> {
    let sandbox = Sandbox::new();
    sandbox.write("victim/keep.txt", "kept");
    fs::create_dir(sandbox.root().join("tmp")).expect("a directory");
    // Directories change when something is made in them: their times are part of what is kept.
    let before = snapshot(&sandbox.root());
    let start = Instant::now();
    let end = render(row, &sandbox.root());
    let took = start.elapsed();
    if row.name.contains("outlives") {
        std::thread::sleep(Duration::from_secs(3));
    }
    let mut after = snapshot(&sandbox.root());
    let tmp = sandbox.root().join("tmp");
    if let (Some(was), Some(is)) = (before.get(&tmp), after.get_mut(&tmp)) {
        is.1 = was.1;
    }
    let name = row.name;
    if before != after {
        let after = after.keys().collect::<Vec<_>>();
        return Some(format!("{name}: something outside changed: {after:?}"));
    }
    if took > LIMITS.time + Duration::from_secs(5) {
        return Some(format!("{name}: took {took:?}"));
    }
    match (&row.end, end) {
        (Contained, _) => None,
        (Refused(why), Err(error)) if error.message.contains(why) => None,
        (Renders(paths), Ok(made))
            if made
                .files
                .iter()
                .map(|file| file.path.as_str())
                .eq(paths.iter().copied()) =>
        {
            None
        }
        (_, end) => Some(format!("{name}: {end:?}")),
    }
}

fn render(row: &Row, root: &Path) -> Result<Expanded, Error> {
    let text = |text: &str| expanded(text, root);
    let files = row.files.iter().map(|(path, said)| File {
        path: text(path),
        executable: false,
        bytes: Cow::Owned(text(said).into_bytes()),
    });
    let files = files.collect::<Vec<_>>();
    let consent = if row.commands {
        Consent::Commands
    } else {
        Consent::Hooks
    };
    let terms = Terms {
        above: root.join("tmp"),
        ..terms(LIMITS)
    };
    let answers = Answers::from([("x".to_owned(), Answer::Text(text(row.x)))]);
    let expansion = Expansion {
        answers,
        ..expansion()
    };
    crate::corpus::rendered(&files, expansion, consent, &terms)
}

fn expanded(text: &str, root: &Path) -> String {
    let text = text.replace("[OUT]", &root.display().to_string());
    match text.split_once("[DEEP:") {
        None => text,
        Some((before, rest)) => {
            let (many, after) = rest.split_at(rest.len() - 1);
            assert_eq!(after, "]");
            format!("{before}{}", many.repeat(100_000))
        }
    }
}

/// Code runs only if someone agreed, whatever it is called and wherever it is named.
#[test]
fn no_code_runs_unless_someone_agreed() {
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        executable: false,
        bytes: Cow::Owned(text.as_bytes().to_vec()),
    };
    for files in [
        vec![
            file("cargo-generate.toml", "[hooks]\ninit = [\"a\"]\n"),
            file("a", ""),
        ],
        vec![
            file("cargo-generate.toml", "[hooks]\npost = [\"a\"]\n"),
            file("a", ""),
        ],
        vec![
            file("cargo-generate.toml.liquid", "[hooks]\npre = [\"a\"]\n"),
            file("a", ""),
        ],
        vec![file("a.md", "{{ 'b.txt' | rhai }}"), file("b.txt", "")],
        vec![file("{{ x | rhai }}.md", "")],
        vec![file("a.md", "{% assign y = x|rhai %}")],
        vec![
            file("a.md", "{{ 'b' | append: '.txt' | rhai }}"),
            file("b.txt", ""),
        ],
        vec![file("unused.rhai", "")],
    ] {
        let end = crate::corpus::rendered(&files, expansion(), Consent::Nothing, &terms(LIMITS));
        let error = end.expect_err("nobody agreed");
        let start = "the template runs code, and nobody has agreed to that: ";
        assert!(error.message.starts_with(start), "{error}");
    }
}

/// Not a test: what the next one starts, in an environment full of things.
#[test]
#[ignore = "started by another, in an environment of its own"]
fn surrounded() {
    let files = [File {
        path: "a.md".to_owned(),
        executable: false,
        bytes: Cow::Borrowed(b"{{secret}}|{{configured}}|{{filed}}|{{authors}}|{{username}}"),
    }];
    let made = crate::corpus::rendered(&files, expansion(), Consent::Nothing, &terms(LIMITS));
    let made = made.expect("a tree");
    assert_eq!(
        made.files[0].bytes,
        b"|||Ada Lovelace <ada@example.org>|Ada Lovelace".as_slice()
    );
}

#[test]
fn nothing_of_the_users_environment_is_seen() {
    let sandbox = Sandbox::new();
    let config = "[values]\nconfigured = \"seen\"\n";
    sandbox.write("home/.cargo/cargo-generate.toml", config);
    sandbox.write("cargo/cargo-generate.toml", config);
    let values = sandbox.write("values.toml", "[values]\nfiled = \"seen\"\n");
    let run = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "hostile_rendering::surrounded",
            "--ignored",
            "--nocapture",
        ])
        .env("HOME", sandbox.home())
        .env("CARGO_HOME", sandbox.root().join("cargo"))
        .env("CARGO_GENERATE_VALUE_SECRET", "seen")
        .env("CARGO_GENERATE_TEMPLATE_VALUES_FILE", values)
        .env("CARGO_NAME", "Someone Else")
        .env("GIT_AUTHOR_EMAIL", "else@example.org")
        .stdin(Stdio::null())
        .output()
        .expect("the test program runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Conditions are looked at by the parent itself, so they may do nothing but look.
#[test]
fn a_condition_can_only_look() {
    let known = Answers::from([
        ("yes".to_owned(), Answer::Bool(true)),
        ("kind".to_owned(), Answer::Text("grpc".to_owned())),
        (
            "some".to_owned(),
            Answer::Many(vec!["a".to_owned(), "b".to_owned()]),
        ),
    ]);
    for expression in [
        "yes",
        "yes && kind == \"grpc\"",
        "some.contains(\"b\")",
        "!(kind in [\"x\"])",
    ] {
        assert!(foreign::holds(expression, &known), "{expression}");
    }
    let start = Instant::now();
    for expression in [
        "no",
        "kind",
        "yes; true",
        "eval(\"loop {}\")",
        "eval(\"import \\\"/etc/x\\\" as x; true\")",
        "{ sleep(100000); true }",
        "sleep(100000.0) == ()",
        "\"a\".pad(1000000000, \"b\") == ()",
        "blob(10000000000).len() > 0",
        "[1].map(|x| { loop {} }).len() == 1",
        &"(".repeat(100_000),
    ] {
        assert!(!foreign::holds(expression, &known), "{expression}");
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}
