//! Names: who forbids which, what is offered instead, and that the allowed ones really work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use generate_service::name::{Neighbours, Refusal, ServiceName};
use generate_service::template::Template;

use crate::sandbox::{Run, Sandbox};

/// What becomes of a name.
enum Outcome {
    /// It passes.
    Good,
    /// Why not, after "cannot name a service: ", and what is offered; "" for nothing.
    Bad(&'static str, &'static str),
}
use Outcome::{Bad, Good};

const KEYWORD: &str = "a keyword of Rust (the Rust reference, keywords of all editions)";
const DEVICE: &str = "Windows keeps this name for a device";
const ARTIFACT: &str = "cargo keeps this name for a directory of build artifacts";
const TEST: &str = "Rust's own crate `test` shadows it, so that `cargo test` fails (cargo)";
const STD: &str = "a crate of Rust's own standard library";
const CARGO: &str = "cargo gives files and directories of a package this name";
const DEPENDENCY: &str = "the service depends on a crate of this name (rustc, E0464)";
const HYPHEN: &str = "each `-` must stand between two letters or digits (DNS label)";
const LOCALHOST: &str = "RFC 6761 keeps this host name for the machine itself";
const KUBERNETES: &str = "Kubernetes keeps this service name for its own API";
const ATLAS: &str = "its variables, `ATLAS_…`, are those of Atlas, the registry";

/// "…: it starts with `1`, …"
macro_rules! start {
    ($c:literal) => {
        concat!(
            "it starts with `",
            $c,
            "`, a DNS label with a letter `a` to `z`"
        )
    };
}

/// "…: `_` is none of …"
macro_rules! letter {
    ($c:literal) => {
        concat!(
            $c,
            " is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold"
        )
    };
}

const A63: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const A64: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const A62: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const A62_B: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-b";
const HYPHENS63: &str = "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a";

#[rustfmt::skip]
const TABLE: &[(&str, Outcome)] = &[
    // Plain ones.
    ("orders", Good), ("a", Good), ("z", Good), ("my-awesome-service", Good), ("a-b-c", Good),
    ("s3", Good), ("web2", Good), ("http2-api", Good), ("v2-0-1", Good), ("a1b2c3", Good),
    ("x-1", Good), (A62, Good), (A63, Good), (HYPHENS63, Good), ("naive-svc", Good),

    // Words that sound reserved and are not.
    ("union", Good), ("raw", Good), ("default", Good), ("doc", Good), ("auto", Good),
    ("safe", Good), ("macro-rules", Good), ("static-files", Good), ("service", Good),
    ("async-worker", Good), ("try-it", Good), ("generator", Good), ("self-service", Good),
    ("tests", Good), ("testing", Good), ("building", Good), ("example", Good), ("dep", Good),
    ("core-api", Good), ("std-service", Good), ("proc", Good), ("macros", Good),
    ("main-loop", Good), ("targets", Good), ("lib1", Good), ("localhost-1", Good),
    ("kubernetes-api", Good), ("com", Good), ("com10", Good), ("lpt", Good), ("console", Good),
    ("null", Good), ("con-tabs", Good), ("man", Good), ("help", Good),

    // In the lock file, yet no direct dependency.
    ("memchr", Good), ("bytes", Good), ("mio", Good), ("tower", Good), ("axum-core", Good),
    ("tracing-core", Good), ("serde-derive", Good), ("libc", Good),

    // Keywords of every edition: strict, reserved and future.
    ("abstract", Bad(KEYWORD, "abstract-service")), ("as", Bad(KEYWORD, "as-service")),
    ("async", Bad(KEYWORD, "async-service")), ("await", Bad(KEYWORD, "await-service")),
    ("become", Bad(KEYWORD, "become-service")), ("box", Bad(KEYWORD, "box-service")),
    ("break", Bad(KEYWORD, "break-service")), ("const", Bad(KEYWORD, "const-service")),
    ("continue", Bad(KEYWORD, "continue-service")), ("crate", Bad(KEYWORD, "crate-service")),
    ("do", Bad(KEYWORD, "do-service")), ("dyn", Bad(KEYWORD, "dyn-service")),
    ("else", Bad(KEYWORD, "else-service")), ("enum", Bad(KEYWORD, "enum-service")),
    ("extern", Bad(KEYWORD, "extern-service")), ("false", Bad(KEYWORD, "false-service")),
    ("final", Bad(KEYWORD, "final-service")), ("fn", Bad(KEYWORD, "fn-service")),
    ("for", Bad(KEYWORD, "for-service")), ("gen", Bad(KEYWORD, "gen-service")),
    ("if", Bad(KEYWORD, "if-service")), ("impl", Bad(KEYWORD, "impl-service")),
    ("in", Bad(KEYWORD, "in-service")), ("let", Bad(KEYWORD, "let-service")),
    ("loop", Bad(KEYWORD, "loop-service")), ("macro", Bad(KEYWORD, "macro-service")),
    ("match", Bad(KEYWORD, "match-service")), ("mod", Bad(KEYWORD, "mod-service")),
    ("move", Bad(KEYWORD, "move-service")), ("mut", Bad(KEYWORD, "mut-service")),
    ("override", Bad(KEYWORD, "override-service")), ("priv", Bad(KEYWORD, "priv-service")),
    ("pub", Bad(KEYWORD, "pub-service")), ("ref", Bad(KEYWORD, "ref-service")),
    ("return", Bad(KEYWORD, "return-service")), ("self", Bad(KEYWORD, "self-service")),
    ("static", Bad(KEYWORD, "static-service")), ("struct", Bad(KEYWORD, "struct-service")),
    ("super", Bad(KEYWORD, "super-service")), ("trait", Bad(KEYWORD, "trait-service")),
    ("true", Bad(KEYWORD, "true-service")), ("try", Bad(KEYWORD, "try-service")),
    ("type", Bad(KEYWORD, "type-service")), ("typeof", Bad(KEYWORD, "typeof-service")),
    ("unsafe", Bad(KEYWORD, "unsafe-service")), ("unsized", Bad(KEYWORD, "unsized-service")),
    ("use", Bad(KEYWORD, "use-service")), ("virtual", Bad(KEYWORD, "virtual-service")),
    ("where", Bad(KEYWORD, "where-service")), ("while", Bad(KEYWORD, "while-service")),
    ("yield", Bad(KEYWORD, "yield-service")),

    // Cargo and the standard library.
    ("build", Bad(ARTIFACT, "build-service")), ("deps", Bad(ARTIFACT, "deps-service")),
    ("examples", Bad(ARTIFACT, "examples-service")),
    ("incremental", Bad(ARTIFACT, "incremental-service")),
    ("test", Bad(TEST, "test-service")),
    ("alloc", Bad(STD, "alloc-service")), ("core", Bad(STD, "core-service")),
    ("proc-macro", Bad(STD, "proc-macro-service")), ("std", Bad(STD, "std-service")),
    ("bin", Bad(CARGO, "bin-service")), ("lib", Bad(CARGO, "lib-service")),
    ("main", Bad(CARGO, "main-service")), ("src", Bad(CARGO, "src-service")),
    ("target", Bad(CARGO, "target-service")),

    // Hosts and devices.
    ("localhost", Bad(LOCALHOST, "localhost-service")),
    ("kubernetes", Bad(KUBERNETES, "kubernetes-service")),
    ("atlas", Bad(ATLAS, "atlas-service")),
    ("con", Bad(DEVICE, "con-service")), ("prn", Bad(DEVICE, "prn-service")),
    ("aux", Bad(DEVICE, "aux-service")), ("nul", Bad(DEVICE, "nul-service")),
    ("com0", Bad(DEVICE, "com0-service")), ("com1", Bad(DEVICE, "com1-service")),
    ("com9", Bad(DEVICE, "com9-service")), ("lpt0", Bad(DEVICE, "lpt0-service")),
    ("lpt1", Bad(DEVICE, "lpt1-service")), ("lpt9", Bad(DEVICE, "lpt9-service")),

    // Direct dependencies of the template, normal and dev.
    ("axum", Bad(DEPENDENCY, "axum-service")), ("figment", Bad(DEPENDENCY, "figment-service")),
    ("futures-util", Bad(DEPENDENCY, "futures-util-service")),
    ("serde", Bad(DEPENDENCY, "serde-service")),
    ("serde-json", Bad(DEPENDENCY, "serde-json-service")),
    ("tokio", Bad(DEPENDENCY, "tokio-service")), ("toml", Bad(DEPENDENCY, "toml-service")),
    ("tracing", Bad(DEPENDENCY, "tracing-service")),
    ("tracing-subscriber", Bad(DEPENDENCY, "tracing-subscriber-service")),

    // Hyphens.
    ("-svc", Bad(HYPHEN, "svc")), ("svc-", Bad(HYPHEN, "svc")), ("my--svc", Bad(HYPHEN, "my-svc")),
    ("--my---svc--", Bad(HYPHEN, "my-svc")), ("-", Bad(HYPHEN, "")), ("---", Bad(HYPHEN, "")),
    ("gen-", Bad(HYPHEN, "gen-service")), ("-1", Bad(HYPHEN, "service-1")),

    // Digits first.
    ("1service", Bad(start!('1'), "service-1service")), ("2fa", Bad(start!('2'), "service-2fa")),
    ("0", Bad(start!('0'), "service-0")), ("3-d", Bad(start!('3'), "service-3-d")),

    // Capitals.
    ("MyService", Bad(letter!("`M`"), "my-service")),
    ("myService", Bad(letter!("`S`"), "my-service")),
    ("MYSERVICE", Bad(letter!("`M`"), "myservice")),
    ("HTTPService", Bad(letter!("`H`"), "http-service")),
    ("myHTTPService2", Bad(letter!("`H`"), "my-http-service2")),
    ("Self", Bad(letter!("`S`"), "self-service")), ("Gen", Bad(letter!("`G`"), "gen-service")),
    ("CON", Bad(letter!("`C`"), "con-service")), ("Com1", Bad(letter!("`C`"), "com1-service")),
    ("Serde_JSON", Bad(letter!("`S`"), "serde-json-service")),

    // Everything else ASCII has.
    ("my_service", Bad(letter!("`_`"), "my-service")), ("_svc", Bad(letter!("`_`"), "svc")),
    ("_", Bad(letter!("`_`"), "")), ("__", Bad(letter!("`_`"), "")),
    ("proc_macro", Bad(letter!("`_`"), "proc-macro-service")),
    ("futures_util", Bad(letter!("`_`"), "futures-util-service")),
    ("my service", Bad(letter!("a space"), "my-service")),
    ("My Service", Bad(letter!("`M`"), "my-service")),
    (" svc", Bad(letter!("a space"), "svc")), ("svc ", Bad(letter!("a space"), "svc")),
    (" ", Bad(letter!("a space"), "")), ("   ", Bad(letter!("a space"), "")),
    ("my.service", Bad(letter!("`.`"), "my-service")), (".", Bad(letter!("`.`"), "")),
    ("..", Bad(letter!("`.`"), "")), (".hidden", Bad(letter!("`.`"), "hidden")),
    ("svc.", Bad(letter!("`.`"), "svc")), ("orders.rs", Bad(letter!("`.`"), "orders-rs")),
    ("my/service", Bad(letter!("`/`"), "my-service")), ("/", Bad(letter!("`/`"), "")),
    ("/etc/passwd", Bad(letter!("`/`"), "etc-passwd")),
    ("../up", Bad(letter!("`.`"), "up")), ("a/../b", Bad(letter!("`/`"), "a-b")),
    ("./orders", Bad(letter!("`.`"), "orders")), ("orders/", Bad(letter!("`/`"), "orders")),
    (r"my\service", Bad(letter!(r"`\`"), "my-service")),
    ("a:b", Bad(letter!("`:`"), "a-b")), ("a@b", Bad(letter!("`@`"), "a-b")),
    ("a+b", Bad(letter!("`+`"), "a-b")), ("c++", Bad(letter!("`+`"), "c")),
    ("a,b", Bad(letter!("`,`"), "a-b")), ("a*", Bad(letter!("`*`"), "a")),
    ("~orders", Bad(letter!("`~`"), "orders")), ("$HOME", Bad(letter!("`$`"), "home")),
    ("$(reboot)", Bad(letter!("`$`"), "reboot")), ("a;b", Bad(letter!("`;`"), "a-b")),
    ("it's", Bad(letter!("`'`"), "it-s")), ("{{name}}", Bad(letter!("`{`"), "name")),
    ("`ls`", Bad(letter!("```"), "ls")), ("%s", Bad(letter!("`%`"), "s")),
    ("a&b|c", Bad(letter!("`&`"), "a-b-c")), ("!!", Bad(letter!("`!`"), "")),

    // Control characters.
    ("orders\n", Bad(letter!("U+000A"), "orders")), ("\torders", Bad(letter!("U+0009"), "orders")),
    ("or\rders", Bad(letter!("U+000D"), "or-ders")), ("a\0b", Bad(letter!("U+0000"), "a-b")),
    ("a\x1b[31mb", Bad(letter!("U+001B"), "a-31mb")), ("a\x7f", Bad(letter!("U+007F"), "a")),

    // Beyond ASCII: what can be written plainly is offered plainly.
    ("naïve", Bad(letter!("`ï`"), "naive")), ("naïve-svc", Bad(letter!("`ï`"), "naive-svc")),
    ("nai\u{308}ve", Bad(letter!("U+0308"), "naive")), ("É", Bad(letter!("`É`"), "e")),
    ("Ångström", Bad(letter!("`Å`"), "angstrom")), ("ñandú", Bad(letter!("`ñ`"), "nandu")),
    ("ﬁne", Bad(letter!("`ﬁ`"), "fine")), ("ｆｕｌｌ", Bad(letter!("`ｆ`"), "full")),
    ("x²", Bad(letter!("`²`"), "x2")), ("svc٣", Bad(letter!("`٣`"), "svc")),
    ("サービス", Bad(letter!("`サ`"), "")), ("сервис", Bad(letter!("`с`"), "")),
    ("оrders", Bad(letter!("`о`"), "rders")), ("服务-a", Bad(letter!("`服`"), "a")),
    ("crab🦀", Bad(letter!("U+1F980"), "crab")), ("🦀", Bad(letter!("U+1F980"), "")),
    ("a–b", Bad(letter!("U+2013"), "a-b")), ("a‑b", Bad(letter!("U+2011"), "a-b")),

    // What nobody sees.
    ("my\u{200b}service", Bad(letter!("U+200B"), "myservice")),
    ("\u{feff}orders", Bad(letter!("U+FEFF"), "orders")),
    ("or\u{ad}ders", Bad(letter!("U+00AD"), "orders")),
    ("\u{202e}sredro", Bad(letter!("U+202E"), "sredro")),
    ("a\u{a0}b", Bad(letter!("U+00A0"), "a-b")), ("a\u{2060}b", Bad(letter!("U+2060"), "ab")),
    ("\u{200d}", Bad(letter!("U+200D"), "")), ("a\u{2028}b", Bad(letter!("U+2028"), "a-b")),

    // Long ones.
    (A64, Bad("it has 64 bytes, a DNS label at most 63", A63)),
    (A62_B, Bad("it has 64 bytes, a DNS label at most 63", A62)),
];

/// Parses with the embedded template's dependencies.
fn parse(name: &str) -> Result<ServiceName, Refusal> {
    let dependencies = Template::embedded().dependencies().expect("dependencies");
    ServiceName::parse(
        name,
        Neighbours {
            dependencies: &dependencies,
            members: &[],
        },
    )
}

/// A refusal as `TABLE` says it: message and offer.
fn told(name: &str) -> Option<(String, String)> {
    let refusal = parse(name).err()?;
    let offer = refusal.offer.as_ref().map(ToString::to_string);
    Some((refusal.to_string(), offer.unwrap_or_default()))
}

#[test]
fn each_name_has_its_outcome() {
    for (name, outcome) in TABLE {
        let expected = match outcome {
            Good => None,
            Bad(reason, offer) => {
                let shown = name.escape_debug();
                let message = format!("`{shown}` cannot name a service: {reason}");
                Some((message, (*offer).to_owned()))
            }
        };
        assert_eq!(told(name), expected, "{name:?}");
    }
}

#[test]
fn the_table_is_large_and_names_nothing_twice() {
    let names = TABLE.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), TABLE.len());
    assert!(names.len() >= 120);
}

#[test]
fn each_offer_passes_and_each_name_derives() {
    for (name, outcome) in TABLE {
        let good = match outcome {
            Good => name,
            Bad(_, "") => continue,
            Bad(_, offer) => offer,
        };
        let parsed = parse(good).unwrap_or_else(|refusal| panic!("{refusal}"));
        assert_eq!(parsed.as_str(), *good);
        assert_eq!(parsed.crate_name(), good.replace('-', "_"));
        let shouted = good.replace('-', "_").to_ascii_uppercase();
        assert_eq!(parsed.env_prefix(), shouted);
    }
}

#[test]
fn no_name_and_endless_names() {
    let empty = parse("").expect_err("refused");
    assert_eq!(empty.to_string(), "a service needs a name");
    assert_eq!(empty.offer, None);
    let long = "ab-".repeat(66) + "ab";
    let shortened = "ab-".repeat(21);
    let message =
        format!("`{long}` cannot name a service: it has 200 bytes, a DNS label at most 63");
    let offer = shortened.trim_end_matches('-').to_owned();
    assert_eq!(told(&long), Some((message, offer)));
}

/// The manifest is read here anew, so a new dependency cannot be forgotten in `TABLE`.
#[test]
fn all_direct_dependencies_of_the_template_are_refused() {
    let manifest = template_file("Cargo.toml");
    let manifest = manifest
        .parse::<toml_edit::DocumentMut>()
        .expect("a manifest");
    let dependencies = manifest["dependencies"].as_table_like();
    for (name, _) in dependencies.expect("a table").iter() {
        let name = name.replace('_', "-");
        let message = format!("`{name}` cannot name a service: {DEPENDENCY}");
        assert_eq!(told(&name), Some((message, format!("{name}-service"))));
    }
}

#[test]
fn packages_of_the_workspace_are_taken() {
    let members = ["orders_api".to_owned(), "orders-api-service".to_owned()];
    let beside = Neighbours {
        dependencies: &[],
        members: &members,
    };
    let refusal = ServiceName::parse("orders-api", beside).expect_err("taken");
    assert_eq!(
        refusal.to_string(),
        "`orders-api` cannot name a service: the workspace has a package of this crate name (cargo)"
    );
    let offer = refusal.offer.expect("an offer");
    assert_eq!(offer.as_str(), "service-orders-api");
}

/// A dozen through the real program, word for word.
#[rustfmt::skip]
const SAID: &[(&str, &str)] = &[
    ("", "a service needs a name\nhelp: generate-service my-service"),
    ("gen", "`gen` cannot name a service: a keyword of Rust (the Rust reference, keywords of all editions)\nhelp: did you mean `gen-service`?"),
    ("test", "`test` cannot name a service: Rust's own crate `test` shadows it, so that `cargo test` fails (cargo)\nhelp: did you mean `test-service`?"),
    ("build", "`build` cannot name a service: cargo keeps this name for a directory of build artifacts\nhelp: did you mean `build-service`?"),
    ("com1", "`com1` cannot name a service: Windows keeps this name for a device\nhelp: did you mean `com1-service`?"),
    ("serde-json", "`serde-json` cannot name a service: the service depends on a crate of this name (rustc, E0464)\nhelp: did you mean `serde-json-service`?"),
    ("My Service", "`My Service` cannot name a service: `M` is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\nhelp: did you mean `my-service`?"),
    ("my--svc", "`my--svc` cannot name a service: each `-` must stand between two letters or digits (DNS label)\nhelp: did you mean `my-svc`?"),
    ("1service", "`1service` cannot name a service: it starts with `1`, a DNS label with a letter `a` to `z`\nhelp: did you mean `service-1service`?"),
    ("a/b", "`a/b` cannot name a service: `/` is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\nhelp: did you mean `a-b`?"),
    ("..", "`..` cannot name a service: `.` is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\nhelp: generate-service my-service"),
    ("サービス", "`サービス` cannot name a service: `サ` is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\nhelp: generate-service my-service"),
    ("my\u{200b}svc", "`my\\u{200b}svc` cannot name a service: U+200B is none of `a` to `z`, `0` to `9` and `-`, all a DNS label may hold\nhelp: did you mean `mysvc`?"),
    (A64, "`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` cannot name a service: it has 64 bytes, a DNS label at most 63\nhelp: did you mean `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`?"),
];

#[test]
fn the_program_refuses_in_these_words_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    for (name, words) in SAID {
        let run = sandbox.run(["--build", "none", "--", name]);
        run.fails(3, &format!("error: {words}\n"));
    }
    assert_eq!(sandbox.listing(), [""; 0]);
    assert!(!sandbox.atlas().exists());
}

#[test]
fn bytes_that_are_no_text_are_no_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = std::ffi::OsStr::from_bytes(b"orders\xff");
    let sandbox = Sandbox::new();
    let run = Run::of(sandbox.generator().args(["--build", "none"]).arg(name));
    run.fails(
        3,
        "error: `orders\u{fffd}` cannot name a service: U+FFFD is none of `a` to `z`, `0` to `9` \
         and `-`, all a DNS label may hold\nhelp: did you mean `orders`?\n",
    );
}

#[test]
fn a_hyphen_first_is_a_flag_to_clap() {
    let sandbox = Sandbox::new();
    sandbox.run(["-svc"]).fails(
        2,
        "error: unexpected argument '-s' found\nhelp: to pass '-s' as a value, use '-- -s'\n",
    );
}

/// Names of sub-commands are names of services after `--`.
#[test]
fn a_service_can_be_called_like_a_command() {
    let sandbox = Sandbox::new();
    for name in ["man", "schema", "completions", "help"] {
        sandbox
            .run(["--build", "none", "--no-git", "--", name])
            .ok();
    }
    let made = std::fs::read_dir(sandbox.work()).expect("the directory");
    assert_eq!(made.count(), 4);
}

/// One name of each class that is allowed, compiled.
#[test]
fn each_allowed_class_compiles() {
    let sandbox = Sandbox::new();
    let names = [
        "orders",
        "a",
        "my-awesome-service",
        "s3-sync",
        "http2",
        A63,
        "union",
        "raw",
        "default",
        "doc",
        "static-files",
        "service",
        "memchr",
        "bytes",
        "axum-core",
        "tests",
        "core-api",
    ];
    for name in names {
        let mut generator = sandbox.warm_generator();
        let run = Run::of(generator.args(["--build", "check", "--no-git", "-q", "--", name]));
        let path = format!("[ROOT]/work/{name}\n");
        assert_eq!(sandbox.anonymous(&run.ok().stdout), path);
    }
}

/// A service named like a package it depends on from afar: the lock file has to tell them apart.
#[test]
fn cargo_takes_the_lock_file_of_each_namesake() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["orders", "--build", "none", "--no-git", "-q"])
        .ok();
    let fetch = ["fetch", "--locked", "--target", "host-tuple"];
    cargo(&sandbox, &sandbox.work().join("orders"), &fetch);
    let mut namesakes = 0;
    for name in packages_of_the_template() {
        if parse(&name).is_ok() {
            sandbox
                .run(["--build", "none", "--no-git", "-q", "--", &name])
                .ok();
            let dir = sandbox.work().join(&name);
            let resolved = cargo(&sandbox, &dir, METADATA);
            assert!(resolved.contains(&format!("/work/{name}#")), "{name}");
            namesakes += 1;
        }
    }
    assert!(namesakes > 20, "{namesakes}");
}

const METADATA: &[&str] = &[
    "metadata",
    "--locked",
    "--offline",
    "--format-version=1",
    "--filter-platform=host-tuple",
];

fn cargo(sandbox: &Sandbox, dir: &Path, words: &[&str]) -> String {
    let mut cargo = sandbox.command("cargo");
    Run::of(cargo.args(words).current_dir(dir)).ok().stdout
}

fn packages_of_the_template() -> BTreeSet<String> {
    let names = template_file("Cargo.lock");
    let names = names.lines().filter_map(|line| {
        let name = line.strip_prefix("name = \"")?.strip_suffix('"')?;
        Some(name.to_owned())
    });
    names.collect()
}

fn template_file(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("template").join(name)).expect("a file of the template")
}
