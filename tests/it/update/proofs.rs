//! The merged service is built and tested before anybody sees it.

use std::fs;

use super::world::{Service, World};
use crate::sandbox::Run;

const LIB: &str = "//! Numbers.\n\n/// The answer.\npub fn answer() -> u8 {\n    42\n}\n";
const MAIN: &str = "fn main() {\n    println!(\"{}\", jobs::answer());\n}\n";
const TEST: &str = "#[test]\nfn it_answers() {\n    assert_eq!(jobs::answer(), 42);\n}\n";

/// A template whose services build.
fn world() -> World {
    let files = [
        ("src/lib.rs", LIB),
        (
            "src/main.rs.hbs",
            "fn main() {\n    println!(\"{}\", {{crate_name}}::answer());\n}\n",
        ),
    ];
    let world = World::with(&files);
    fs::remove_file(world.template("src/main.rs")).expect("removed");
    world
}

/// Updates with cargo.
fn proven(service: &Service) -> Run {
    let mut command = service.updating(&["--trust", "--offline"]);
    Run::of(&mut command)
}

#[test]
fn what_builds_and_passes_its_tests_lands() {
    let world = world();
    let service = world.service();
    assert_eq!(service.read("src/main.rs"), MAIN);
    world.release(
        "1.1.0",
        &[("tests/it.rs", &TEST.replace("jobs", "{{crate_name}}"))],
    );
    fs::rename(
        world.template("tests/it.rs"),
        world.template("tests/it.rs.hbs"),
    )
    .expect("renamed");
    let run = proven(&service).ok();
    assert!(
        run.stderr.contains("All done! jobs is at worker 1.1.0"),
        "{}",
        run.stderr
    );
    assert_eq!(service.read("tests/it.rs"), TEST);
    assert_eq!(service.git(&["rev-list", "--count", "HEAD"]), "2");
    assert_eq!(
        service.git(&["status", "--porcelain", "--untracked-files=no"]),
        ""
    );
}

/// Each side is fine, and both together are not.
#[test]
fn what_does_not_build_does_not_land() {
    let world = world();
    let service = world.service();
    service.commit(&[("tests/mine.rs", TEST)]);
    let changed = LIB.replace("answer()", "the_answer()");
    let new = "fn main() {\n    println!(\"{}\", {{crate_name}}::the_answer());\n}\n";
    world.release(
        "1.1.0",
        &[("src/lib.rs", &changed), ("src/main.rs.hbs", new)],
    );
    let before = service.state();
    let run = proven(&service);
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(run.stderr.contains("tests/mine.rs"), "{}", run.stderr);
    service.state().is(&before);
    let left = crate::sandbox::listing(&world.sandbox.work());
    assert!(!left.iter().any(|path| path.starts_with('.')), "{left:?}");
}

#[test]
fn what_fails_its_tests_does_not_land() {
    let world = world();
    let service = world.service();
    service.commit(&[("tests/mine.rs", TEST)]);
    world.release("1.1.0", &[("src/lib.rs", &LIB.replace("42", "43"))]);
    let before = service.state();
    let run = proven(&service);
    assert_eq!(run.code, 11, "{}", run.stderr);
    assert!(run.stderr.contains("it_answers"), "{}", run.stderr);
    service.state().is(&before);
    // Its owner may know better.
    service.updated(&[]);
}

/// What a new version would run while it is built needs consent.
#[test]
fn a_build_needs_consent() {
    let world = world();
    let service = world.service();
    world.release("1.1.0", &[("build.rs", "fn main() {}\n")]);
    let before = service.state();
    let run = Run::of(&mut service.updating(&[]));
    assert_eq!(
        world.sandbox.anonymous(&run.stderr),
        "error: the template [ROOT]/work/worker would run code that nobody agreed to: its build \
         (build scripts, procedural macros)\nhelp: generate-service template describe \
         [ROOT]/work/worker, then --trust, or do not build: --build none\n"
    );
    assert_eq!(run.code, 16);
    service.state().is(&before);
}
