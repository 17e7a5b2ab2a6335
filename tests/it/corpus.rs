//! Templates of cargo-generate, of the shapes found in the wild: what this program makes of them
//! is what `cargo generate` makes of them, file by file and byte by byte, or a better error.
//!
//! `cargo generate` is its library, called as its own command line calls it, in a process of its
//! own: this test program, started again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use cargo_generate::Cli;
use clap::Parser as _;
use generate_service::child::{Limits, Terms};
use generate_service::error::{Error, Kind};
use generate_service::foreign::{self, Author, Consent, Expanded, Expansion, Foreign};
use generate_service::questions::{Answer, Answers};
use generate_service::template::File;
use tempfile::TempDir;

/// Tells the test program started again what to do: the words of the command line, in JSON.
const WORDS: &str = "CORPUS_REFERENCE";
const NAME: &str = "my-service";

type Tree = BTreeMap<String, (bool, Vec<u8>)>;

/// One template with one set of answers.
#[derive(Clone, Copy, Default)]
struct Case {
    template: &'static str,
    subfolder: Option<&'static str>,
    defines: &'static [(&'static str, &'static str)],
    /// What is said beside the tree.
    warnings: &'static [&'static str],
    /// What is not as `cargo generate` has it, a defect that `field.md` names.
    executable: &'static [&'static str],
    within: bool,
    commands: bool,
}

const fn case(template: &'static str) -> Case {
    Case {
        template,
        subfolder: None,
        defines: &[],
        warnings: &[],
        executable: &[],
        within: false,
        commands: false,
    }
}

const fn with(template: &'static str, defines: &'static [(&'static str, &'static str)]) -> Case {
    Case {
        defines,
        ..case(template)
    }
}

const fn below(
    template: &'static str,
    subfolder: &'static str,
    defines: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        subfolder: Some(subfolder),
        ..with(template, defines)
    }
}

const UNRENDERED: &str =
    "template file ci.yml is copied as it stands, nothing in it is rendered: Unknown index";

#[rustfmt::skip]
const SHAPES: &[Case] = &[
    case("bare"),
    Case {
        warnings: &["template file template/.github/workflows/ci.yml is copied as it stands"],
        ..below("two-missing", "template", &[("description", "a \"good\" one"), ("gh_username", "ada")])
    },
    Case {
        warnings: &["template file ci.yml, line 1, column 5: nobody knows `matrix`, so nothing stands in its place"],
        ..case("matrix-bare")
    },
    Case { warnings: &[UNRENDERED], ..case("secrets") },
    case("raw"),
    case("esp"),
    below("esp", "cargo", &[("mcu", "esp32c3"), ("advanced", "true")]),
    below("esp", "cargo", &[("advanced", "true"), ("std", "true"), ("espidfver", "master"), ("branch", "b")]),
    Case {
        warnings: &["template file cargo/advanced.md, line 1, column 64: nobody knows `espidfver`, so nothing stands in its place"],
        ..below("esp", "cargo", &[("advanced", "true"), ("std", "false")])
    },
    below("esp", "cmake", &[("mcu", "esp32s3")]),
    case("three-hooks"),
    with("three-hooks", &[("logging", "false")]),
    case("leptos"),
    with("leptos", &[("nightly", "No")]),
    with("ratatui", &[("author_email", "ada@example.org")]),
    below("ratatui", "component", &[("author_email", "ada@example.org")]),
    case("bevy"),
    Case { commands: true, ..case("bevy-command") },
    case("dioxus"),
    with("dioxus", &[("is_fullstack", "true")]),
    with("dioxus", &[("is_tailwind", "true"), ("default_platform", "mobile")]),
    below("dioxus", "Jumpstart", &[]),
    case("rp2040"),
    with("rp2040", &[("flash_method", "custom"), ("flash_custom", "flash it --now")]),
    with("rp2040", &[("flash_method", "none")]),
    case("knurling"),
    case("flipper"),
    case("yew"),
    with("yew", &[("stable", "false")]),
    case("version-met"),
    case("embassy"),
    with("embassy", &[("chip", "chip1486")]),
    case("readme-only"),
    Case {
        warnings: &[
            "template file Cargo.toml, line 6, column 81: nobody knows `event_type`, so nothing stands in its place",
            "template file README.md, line 1, column 1: nobody knows `event_type`, so nothing stands in its place",
        ],
        ..case("lambda")
    },
    with("lambda", &[("http_function", "true"), ("lambda_http_version", "0.13"), ("event_type", "sqs")]),
    case("plain"),
    Case { executable: &["bin/my-service.sh"], warnings: &["`bin/my-service.sh` stays executable"], ..case("names") },
    Case { executable: &["bin/my-service.sh"], warnings: &["`bin/my-service.sh` stays executable"], ..with("names", &[("module", "x")]) },
    Case { executable: &["bin/my-service.sh"], warnings: &["`bin/my-service.sh` stays executable"], ..with("names", &[("module", "../../a/b")]) },
    case("types"),
    with("types", &[("s", "a & b"), ("r", "zz"), ("b", "FALSE"), ("c", "x"), ("a", "two"), ("n", "one"), ("e", ""), ("t", "one line")]),
    with("types", &[("a", "")]),
    case("conditional-lists"),
    with("conditional-lists", &[("docker", "true"), ("kind", "grpc"), ("proto", "v2")]),
    case("conditional-include"),
    with("conditional-include", &[("all", "true")]),
    case("include-nothing"),
    case("include-and-exclude"),
    case("filters"),
    case("vcs"),
    case("init"),
    case("cache"),
    below("config-above", "one", &[]),
    below("config-above", "one", &[("x", "mine")]),
    case("several"),
    below("several", "b", &[]),
    case("workspace"),
    case("within"),
    Case { within: true, ..case("within") },
    case("liquid"),
    Case {
        warnings: &[
            "template file b.txt, line 1, column 4: nobody knows `b`, so nothing stands in its place",
            "template file src/a{{ nobody }}.rs: nobody knows `nobody` in its name, so nothing stands in its place",
        ],
        ..case("unknown-name")
    },
    case("hook-changes"),
    with("hook-changes", &[("lang", "de")]),
    case("lister"),
    // Values nobody asks for, and what is known already.
    with("bare", &[("authors", "Someone Else"), ("unasked", "x")]),
];

/// Not a test: what the others start.
#[test]
#[ignore = "started by the others, in a process of its own"]
fn reference() {
    let words = std::env::var(WORDS).expect("words");
    let words: Vec<String> = serde_json::from_str(&words).expect("a list of words");
    let Cli::Generate(arguments) = Cli::parse_from(words);
    if let Err(error) = cargo_generate::generate(arguments) {
        panic!("{error:#}");
    }
}

#[test]
fn the_tree_is_the_one_cargo_generate_makes() {
    let (one, other) = SHAPES.split_at(SHAPES.len() / 2);
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let halves = [one, other].map(|half| {
            scope.spawn(move || half.iter().filter_map(difference).collect::<Vec<_>>())
        });
        for half in halves {
            wrong.extend(half.join().expect("no panic"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every template of the corpus is in a table here.
#[test]
fn no_template_of_the_corpus_is_forgotten() {
    let dirs = fs::read_dir(corpus()).expect("the corpus");
    let dirs = dirs.map(|dir| dir.expect("an entry").file_name());
    for dir in dirs.map(|name| name.into_string().expect("a name")) {
        let used = SHAPES.iter().map(|case| case.template);
        let used = used.chain(REFUSED.iter().map(|refused| refused.0.template));
        assert!(used.into_iter().any(|used| used == dir), "{dir}");
    }
}

/// What is wrong with one case, if anything.
fn difference(case: &Case) -> Option<String> {
    let files = read_template(case.template);
    let told = format!("{} {:?} {:?}", case.template, case.subfolder, case.defines);
    let theirs = by_cargo_generate(case);
    let ours = match render(&files, case) {
        Ok(ours) => ours,
        Err(error) => return Some(format!("{told}: we fail: {error:?}; they: {theirs:?}")),
    };
    let mut theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return Some(format!("{told}: they fail: {error}")),
    };
    for path in case.executable {
        theirs.get_mut(*path).expect("the file is there").0 = true;
    }
    let files = tree(&ours.files);
    if files != theirs {
        return Some(format!(
            "{told}:\nours: {}\ntheirs: {}",
            shown(&files),
            shown(&theirs)
        ));
    }
    let expected = case.warnings;
    let fit = ours.warnings.len() == expected.len()
        && ours
            .warnings
            .iter()
            .zip(expected)
            .all(|(warning, start)| warning.starts_with(start));
    (!fit).then(|| format!("{told}: {:#?}", ours.warnings))
}

fn shown(tree: &Tree) -> String {
    let files = tree.iter().map(|(path, (executable, bytes))| {
        let bytes = String::from_utf8_lossy(bytes);
        format!("  {path} {executable} {bytes:?}")
    });
    files.collect::<Vec<_>>().join("\n")
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The files below `dir`, as a template.
fn read(dir: &Path) -> Vec<File> {
    let entries = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter();
    let entries = entries.map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let path = entry.path().strip_prefix(dir).expect("below it");
            let mode = entry.metadata().expect("metadata").permissions().mode();
            File {
                path: path.to_str().expect("a text").to_owned(),
                executable: mode & 0o111 != 0,
                bytes: Cow::Owned(fs::read(entry.path()).expect("a file")),
            }
        })
        .collect()
}

fn tree(files: &[File]) -> Tree {
    let files = files.iter();
    let files = files.map(|file| (file.path.clone(), (file.executable, file.bytes.to_vec())));
    files.collect()
}

/// The real program as the child.
pub fn rendered(
    files: &[File],
    expansion: Expansion,
    consent: Consent,
    terms: &Terms,
) -> Result<Expanded, Error> {
    let foreign = foreign::inspect(files, expansion.subfolder.as_deref())?;
    foreign.render(files, (expansion, consent), terms)
}

pub fn terms(limits: Limits) -> Terms {
    Terms {
        program: cargo_bin!("generate-service").to_owned(),
        limits,
        above: std::env::temp_dir(),
        talks: false,
    }
}

/// An expansion of a template as a whole, with nothing answered.
pub fn expansion() -> Expansion {
    Expansion {
        name: NAME.to_owned(),
        subfolder: None,
        answers: Answers::new(),
        author: Author {
            name: "Ada Lovelace".to_owned(),
            email: Some("ada@example.org".to_owned()),
        },
        within_cargo_project: false,
        commands: false,
    }
}

fn answers(defines: &[(&str, &str)]) -> Answers {
    let answers = defines.iter();
    answers
        .map(|(name, value)| ((*name).to_owned(), Answer::Text((*value).to_owned())))
        .collect()
}

fn render(files: &[File], case: &Case) -> Result<Expanded, Error> {
    let expansion = Expansion {
        subfolder: case.subfolder.map(str::to_owned),
        answers: answers(case.defines),
        within_cargo_project: case.within,
        ..expansion()
    };
    let consent = if case.commands {
        Consent::Commands
    } else {
        Consent::Hooks
    };
    rendered(files, expansion, consent, &terms(Limits::USUAL))
}

/// What `cargo generate` makes of it.
fn by_cargo_generate(case: &Case) -> Result<Tree, String> {
    let home = TempDir::with_prefix("generate-service-test-").expect("a directory");
    let out = home.path().join("out");
    fs::create_dir(&out).expect("a directory");
    if case.within {
        fs::write(out.join("Cargo.toml"), "").expect("a file");
    }
    let template = corpus().join(case.template);
    let mut words = [
        "cargo",
        "generate",
        "--silent",
        "--vcs",
        "none",
        "--no-workspace",
    ]
    .map(str::to_owned)
    .to_vec();
    words.extend(case.commands.then(|| "--allow-commands".to_owned()));
    let mut pair = |one: &str, other: &str| words.extend([one.to_owned(), other.to_owned()]);
    pair("--name", NAME);
    pair("--destination", &out.display().to_string());
    pair("--path", &template.display().to_string());
    for (name, value) in case.defines {
        pair("--define", &format!("{name}={value}"));
    }
    words.extend(case.subfolder.map(str::to_owned));
    let run = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "corpus::reference", "--ignored", "--nocapture"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("CARGO_NAME", "Ada Lovelace")
        .env("CARGO_EMAIL", "ada@example.org")
        .env("NO_COLOR", "1")
        .env(WORDS, serde_json::to_string(&words).expect("JSON"))
        .stdin(Stdio::null())
        .output()
        .expect("the test program runs");
    let made = if case.template == "init" {
        out
    } else {
        out.join(NAME)
    };
    let late = String::from_utf8_lossy(&run.stderr).contains("initializing a git repository");
    // Without its git feature it fails over `vcs`, once all files are there.
    if run.status.success() || (late && case.template == "vcs") {
        Ok(tree(&read(&made)))
    } else {
        Err(String::from_utf8_lossy(&run.stderr).into_owned())
    }
}

/// Templates that are refused, and what is said.
type Refused = (
    Case,
    Kind,
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
);

#[rustfmt::skip]
const REFUSED: &[Refused] = &[
    (case("favicon"), Kind::Template,
        "template file public/favicon.ico, line 1, column 9: the byte 0xff is not UTF-8, so this is no text to render",
        Some("in `[template]` of cargo-generate.toml: exclude = [\"public/favicon.ico\"]"),
        &["template file public/other.bin, line 2, column 1: the byte 0xff is not UTF-8, so this is no text to render"]),
    (case("hashfiles"), Kind::Template,
        "template file .github/ci.yml, line 2, column 10: `key: ${{ hashFiles('Cargo.lock') }}` is no liquid: expected Literal",
        Some("in `[template]` of cargo-generate.toml: exclude = [\".github/ci.yml\"], or {% raw %}…{% endraw %} around GitHub's ${{ … }}"),
        &["template file .github/other.yml, line 1, column 9: `if: ${{ github.ref == 'main' }}` is no liquid: expected Literal"]),
    (case("bad-name"), Kind::Template, "template file src/{{crate_name.rs: its name is no liquid", None, &[]),
    (case("malformed"), Kind::Template,
        "template file cargo-generate.toml, line 2, column 19: unclosed inline table, expected `}`", None, &[]),
    (case("bad-placeholder"), Kind::Template,
        "template file cargo-generate.toml, line 2, column 8: `type` of placeholder `color` is not `string`, `text`, `editor`, `bool` or `array`",
        None, &[]),
    (case("hook-missing"), Kind::Template, "the template's hook none.rhai is missing", None, &[]),
    (below("concordium", "templates/default", &[]), Kind::Template,
        "the template works with cargo-generate `>=0.17.0, <0.24.0` only, and this is 0.25.1",
        Some("take a newer or older commit of it: `--rev COMMIT`, or `--tag TAG`"), &[]),
    (below("two-missing", "nowhere", &[]), Kind::Template,
        "the template has no directory `nowhere`", Some("it has `template`"), &[]),
    (below("two-missing", "../bare", &[]), Kind::Template,
        "`../bare` is no directory inside the template", None, &[]),
    (below("two-missing", "template", &[]), Kind::Usage,
        "the template asks for `description`: What is it for?", Some("--define description=…"),
        &["the template asks for `gh_username`: Who owns it?"]),
    (below("two-missing", "template", &[("description", "x"), ("gh_username", "a b")]), Kind::Usage,
        "`a b` is no answer to `gh_username`, which wants what matches `^[a-zA-Z0-9-]+$`", None, &[]),
    (with("rp2040", &[("flash_method", "custom")]), Kind::Usage,
        "the template asks for `flash_custom`: Command", Some("--define flash_custom=…"), &[]),
    (with("types", &[("b", "perhaps")]), Kind::Usage,
        "`perhaps` is no answer to `b`, which wants `true` or `false`", None, &[]),
    (with("types", &[("a", "one,four")]), Kind::Usage,
        "`one,four` is no answer to `a`, which wants some of `one`, `two`, `three`, with `,` between them", None, &[]),
    (with("embassy", &[("chip", "chip1487")]), Kind::Usage,
        "`chip1487` is no answer to `chip`, which wants one of `chip0000`, `chip0001`, `chip0002`, `chip0003`, `chip0004`, `chip0005`, `chip0006`, `chip0007`, `chip0008`, `chip0009`, `chip0010`, `chip0011`, 1475 more", None, &[]),
    (case("ratatui"), Kind::Template,
        "the template's hook simple/pre.rhai asks questions, and nobody can answer there: What is your e-mail? (line 3)",
        Some("--define author_email=…"), &[]),
    (below("ratatui", "component", &[("author_email", "bad")]), Kind::Template,
        "the template's hook component/pre.rhai failed: this e-mail will not do (line 2, position 45)", None, &[]),
    (case("bevy-command"), Kind::Trust,
        "the template's hook post.rhai runs a command, and nobody has agreed to that: `system::command(\"touch\", [ \"touched.txt\", ])`, `system::command(\"echo hello > echoed.txt\")`",
        Some("read it, then `--trust`"), &[]),
];

/// Where `cargo generate` fails, we fail, and say more.
#[test]
fn what_cargo_generate_refuses_is_refused_with_a_better_word() {
    let mut wrong = Vec::new();
    for (case, kind, message, help, also) in REFUSED {
        let files = read_template(case.template);
        let Err(error) = render(&files, case) else {
            wrong.push(format!("{} {:?} renders", case.template, case.defines));
            continue;
        };
        let others = error.also.iter().map(|error| error.message.as_str());
        let said = (error.kind, error.message.as_str(), error.help.as_deref());
        if said != (*kind, *message, *help) || others.ne(also.iter().copied()) {
            wrong.push(format!("{} {:?}: {error:#?}", case.template, case.defines));
        }
        if by_cargo_generate(case).is_ok() {
            wrong.push(format!("{}: cargo generate renders it", case.template));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files of a template of the corpus.
pub fn read_template(template: &str) -> Vec<File> {
    read(&corpus().join(template))
}

/// What is told of it.
pub fn inspected(template: &str, subfolder: Option<&str>) -> Foreign {
    let files = read_template(template);
    foreign::inspect(&files, subfolder).expect("a good template")
}
