//! The program as its own child: what goes in and out, and what becomes of it on ctrl-c.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use generate_service::child::{self, Job, Limits, Terms};
use generate_service::error::Kind;
use generate_service::fill::{self, Values};
use generate_service::foreign::Consent;
use generate_service::template::{File, Template};

use crate::corpus::{expansion, terms};
use crate::sandbox::{Run, Sandbox, listing, until};

fn values() -> Values {
    Values {
        name: "my-service".to_owned(),
        crate_name: "my_service".to_owned(),
        env_prefix: "MY_SERVICE".to_owned(),
        description: "a & b".to_owned(),
        port: 5000,
        template_version: "1".to_owned(),
        parts: BTreeMap::new(),
        answers: BTreeMap::new(),
    }
}

fn job(values: &Values) -> Job {
    Job::Fill {
        values: serde_json::to_value(values).expect("an object"),
    }
}

fn file(path: String, bytes: &[u8]) -> File {
    File {
        path,
        executable: false,
        bytes: Cow::Owned(bytes.to_vec()),
    }
}

/// What a child fills is what we would fill ourselves.
#[test]
fn a_child_fills_files() {
    let template = Template::embedded();
    let parts = template.parts.iter().map(|part| (part.name.clone(), true));
    let values = Values {
        parts: parts.collect(),
        ..values()
    };
    let mut files = template.files.clone();
    files.push(file("bytes.bin".to_owned(), &[0, 255, 254, 10]));
    let wanted = fill::fill(&files, &values.json()).expect("files");
    let made = child::run(&job(&values), &files, &terms(Limits::USUAL)).expect("files");
    assert_eq!(made.files, wanted);
}

#[test]
fn an_error_comes_back_as_it_was() {
    let files = [file("a.md.hbs".to_owned(), b"one\n{{nobody}}\n")];
    let values = values();
    let wanted = fill::fill(&files, &values.json()).expect_err("an unknown variable");
    let error = child::run(&job(&values), &files, &terms(Limits::USUAL)).expect_err("the same");
    assert_eq!(
        (error.kind, error.message),
        (Kind::Template, wanted.message)
    );
}

#[test]
fn ten_thousand_files_pass_quickly() {
    let files = (0..10_000).map(|at| file(format!("src/{at}/mod.rs"), &[b'x'; 1000]));
    let files = files.collect::<Vec<_>>();
    let values = values();
    let start = Instant::now();
    let made = child::run(&job(&values), &files, &terms(Limits::USUAL)).expect("files");
    let took = start.elapsed();
    assert_eq!(made.files.len(), 10_000);
    // Without optimisation, on a busy machine.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Not a test: renders what does not end.
#[test]
#[ignore = "started by another, which interrupts it"]
fn endless() {
    let files = [
        file(
            "cargo-generate.toml".to_owned(),
            b"[hooks]\npre = [\"p.rhai\"]\n",
        ),
        file("p.rhai".to_owned(), b"loop {}"),
    ];
    let above = std::env::var_os("ABOVE").map(PathBuf::from);
    let terms = Terms {
        above: above.expect("a directory"),
        ..terms(Limits::USUAL)
    };
    let end = crate::corpus::rendered(&files, expansion(), Consent::Hooks, &terms);
    assert_eq!(end.expect_err("an end").kind, Kind::Interrupted);
}

#[test]
fn ctrl_c_ends_the_child_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let above = sandbox.root().join("tmp");
    fs::create_dir(&above).expect("a directory");
    let run = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "children::endless", "--ignored"])
        .env("ABOVE", &above)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test program runs");
    until("the hook runs", || {
        let entries = fs::read_dir(&above).expect("a directory").flatten();
        let mut rooms = entries.map(|entry| entry.path().join("first/values.toml"));
        rooms.any(|values| values.is_file())
    });
    let pid = run.id().to_string();
    Run::of(sandbox.command("kill").args(["-INT", &pid])).ok();
    let end = run.wait_with_output().expect("an end");
    assert!(
        end.status.success(),
        "{}",
        String::from_utf8_lossy(&end.stdout)
    );
    assert_eq!(listing(&above), Vec::<String>::new());
}

/// The name of the variable alone makes no child.
#[test]
fn without_a_job_the_program_is_itself() {
    let sandbox = Sandbox::new();
    let mut program = sandbox.generator();
    program
        .env("GENERATE_SERVICE_CHILD", sandbox.root())
        .arg("--version");
    assert!(
        Run::of(&mut program)
            .ok()
            .stdout
            .starts_with("generate-service ")
    );
}
