//! Parts: whichever are chosen, the service is whole, and the others leave no trace.

use std::fs;
use std::path::Path;

use generate_service::parts::{self, Chosen, Part, locks};
use generate_service::template::Template;

use crate::sandbox::{Run, Sandbox};

/// The words that ask for exactly `chosen`.
fn words(parts: &[Part], chosen: &Chosen) -> Vec<String> {
    let list = |wanted: bool| {
        let names = parts.iter().map(|part| part.name.as_str());
        let names = names.filter(|name| chosen.contains(*name) == wanted);
        names.collect::<Vec<_>>().join(",")
    };
    let words = ["--with", &list(true), "--without", &list(false)];
    words.map(str::to_owned).to_vec()
}

/// Generates a service with the chosen parts, not built.
fn generate(sandbox: &Sandbox, name: &str, parts: &[Part], chosen: &Chosen) {
    let words = words(parts, chosen);
    let mut generator = sandbox.generator();
    generator
        .args([name, "--build", "none", "--quiet"])
        .args(words);
    Run::of(&mut generator).ok();
}

/// Cargo in that service, with a target directory that all combinations share.
fn cargo(sandbox: &Sandbox, name: &str, words: &[&str]) -> Run {
    let mut cargo = sandbox.command("cargo");
    cargo.current_dir(sandbox.work().join(name)).args(words);
    cargo.env(
        "CARGO_TARGET_DIR",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("parts"),
    );
    // What is compiled once and run once need be neither incremental nor debugged.
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
    if let Some(required) = std::env::var_os("TEST_REQUIRE_SERVERS") {
        cargo.env("TEST_REQUIRE_SERVERS", required);
    }
    Run::of(&mut cargo)
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
        generate(&sandbox, &name, &template.parts, chosen);
        let lock = sandbox.work().join(&name).join("Cargo.lock");
        let ours = fs::read_to_string(&lock).expect("a lock file");
        let renamed = whole.replace("name = \"service\"\n", &format!("name = \"{name}\"\n"));
        fs::write(&lock, renamed).expect("a lock file");
        cargo(
            &sandbox,
            &name,
            &["metadata", "--offline", "--format-version", "1"],
        )
        .ok();
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

#[track_caller]
fn passes(sandbox: &Sandbox, name: &str, chosen: &Chosen, words: &[&str]) {
    let run = cargo(sandbox, name, words);
    assert_eq!(
        run.code, 0,
        "{chosen:?} {words:?}\n{}\n{}",
        run.stdout, run.stderr
    );
}

/// Generates a service of every combination that `wanted` takes and holds it to what its users
/// hold it to.
fn pass_their_own_checks(wanted: impl Fn(&Chosen) -> bool) {
    let parts = Template::embedded().parts;
    let sandbox = Sandbox::new();
    for chosen in parts::combinations(&parts).iter().filter(|set| wanted(set)) {
        // Cargo keeps what it made of each service by its name.
        let words = chosen.iter().map(String::as_str);
        let name = ["with"].into_iter().chain(words).collect::<Vec<_>>();
        let name = name.join("-");
        generate(&sandbox, &name, &parts, chosen);
        passes(&sandbox, &name, chosen, &["fmt", "--check"]);
        let lint = "clippy --all-targets --locked --offline -- -D warnings";
        let lint = lint.split(' ').collect::<Vec<_>>();
        passes(&sandbox, &name, chosen, &lint);
        passes(&sandbox, &name, chosen, &["test", "--locked", "--offline"]);
    }
}

// Two tests, so that one compiles while the other waits for its servers.

#[test]
fn services_with_the_smart_client_pass_their_own_checks() {
    pass_their_own_checks(|chosen| chosen.contains("api"));
}

#[test]
fn services_without_it_pass_their_own_checks() {
    pass_their_own_checks(|chosen| !chosen.contains("api"));
}

#[test]
fn what_is_left_out_leaves_no_trace() {
    let parts = Template::embedded().parts;
    let sandbox = Sandbox::new();
    generate(&sandbox, "bare", &parts, &Chosen::new());
    let service = sandbox.work().join("bare");
    let traces = [
        "sqlx",
        "postgres",
        "redis",
        "prometheus",
        "opentelemetry",
        "hyper-rustls",
    ];
    for path in crate::sandbox::listing(&service) {
        let Ok(text) = fs::read_to_string(service.join(&path)) else {
            continue;
        };
        let text = text.to_lowercase();
        for trace in traces.iter().chain(&["feature = ", "/metrics", "app.api"]) {
            assert!(!text.contains(trace), "{path} speaks of {trace}");
        }
    }
}

#[test]
fn unknown_parts_are_refused_at_once() {
    let sandbox = Sandbox::new();
    let words = [
        "orders",
        "--with",
        "databse,kafka",
        "--without",
        "redis",
        "--with",
        "redis",
    ];
    sandbox.run(words).fails(
        2,
        "error: there is no part `databse`\n\
         help: did you mean `database`?\n\
         error: there is no part `kafka`\n\
         help: the parts: api, database, metrics, otel, redis\n\
         error: part `redis` is wanted and not wanted\n\
         help: --with redis\n",
    );
}

#[test]
fn the_choice_is_recorded_and_said_where_it_is_unusual() {
    let sandbox = Sandbox::new();
    let words = [
        "orders",
        "--build",
        "none",
        "--with",
        "redis",
        "--without",
        "metrics",
    ];
    let run = sandbox.run(words).ok();
    assert!(
        run.stderr
            .contains("\n  Parts:                  api, redis\n"),
        "{}",
        run.stderr
    );
    let record = sandbox.work().join("orders/service.toml");
    let record = fs::read_to_string(record).expect("a record");
    assert!(
        record.contains("\nparts = [\"api\", \"redis\"]\n"),
        "{record}"
    );
}
