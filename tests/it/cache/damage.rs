//! A cache that was cut short, exchanged, or written over: cargo would not see it.

use std::fs::{self, File, FileTimes};
use std::path::Path;

use rustix::process::Signal;

use super::{Warm, library, words};
use crate::live::Live;
use crate::sandbox::{Run, until};

/// Other bytes, as many, at the same time.
fn overwrite(path: &Path) {
    let meta = fs::metadata(path).expect("a file");
    let size = usize::try_from(meta.len()).expect("a size");
    fs::write(path, vec![b'!'; size]).expect("garbage");
    let times = FileTimes::new().set_modified(meta.modified().expect("a time"));
    let file = File::options().write(true).open(path).expect("the file");
    file.set_times(times).expect("its time");
}

#[test]
fn what_sizes_and_times_tell_is_found_when_it_is_used() {
    let warm = Warm::new();
    let unit = |package: &str| warm.unit(package);
    let of = |package: &str| library(&unit(package)).expect("a library");
    let truncated = of("file-rotate");
    let length = fs::metadata(&truncated).expect("a file").len();
    let file = File::options().write(true).open(&truncated).expect("it");
    file.set_len(length / 2).expect("half of it");
    let (one, other) = (of("figment"), of("uncased"));
    let between = warm.sandbox.root().join("between");
    fs::rename(&one, &between).expect("a swap");
    fs::rename(&other, &one).expect("a swap");
    fs::rename(&between, &other).expect("a swap");
    fs::remove_file(of("utoipa")).expect("a file");
    fs::write(unit("sharded-slab").join("manifest.json"), "{").expect("half a manifest");
    let said = warm.make("orders");
    assert!(
        said[0].ends_with(" compiled crates are here already"),
        "{said:?}"
    );
    assert_eq!(
        said[1..],
        ["5 crates in the cache were damaged and are compiled anew"]
    );
    // They are whole again.
    warm.job(&["cache", "verify"]).ok();
    let said = warm.make("teams");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(warm.unit("file-rotate").exists());
}

#[test]
fn what_they_do_not_tell_fails_the_build_which_is_repeated() {
    let warm = Warm::new();
    overwrite(&library(&warm.unit("serde_core")).expect("a library"));
    let said = warm.make("orders");
    assert_eq!(
        said[1..],
        ["the build failed with crates from the cache and is repeated without them"]
    );
    let run = warm.cargo("orders", &["build", "-v"]);
    assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
    warm.job(&["cache", "verify"]).ok();
    let said = warm.make("teams");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn verify_looks_at_every_byte() {
    let warm = Warm::new();
    let unit = warm.unit("serde_core");
    let library = library(&unit).expect("a library");
    overwrite(&library);
    let below = |path: &Path, above: &Path| {
        let path = path.strip_prefix(above).expect("below it");
        path.display().to_string()
    };
    let (id, file) = (below(&unit, &warm.shelf()), below(&library, &unit));
    warm.job(&["cache", "verify"]).fails(
        15,
        &format!(
            "error: {id} was damaged and is removed: {file}: other bytes than were put there\n"
        ),
    );
    assert!(!unit.exists());
    let units = fs::read_dir(warm.shelf().join("debug"))
        .expect("a shelf")
        .count();
    let run = warm.job(&["cache", "verify"]).ok();
    let place = warm.cache().join("generate-service");
    assert_eq!(
        run.stdout,
        format!("{} is whole: {units} crates\n", place.display())
    );
}

/// A failure that is not the cache's is told once, in cargo's words, and costs nobody the cache.
#[test]
fn a_failure_of_the_service_is_told_once() {
    let warm = Warm::new();
    let mut command = warm.generator("orders");
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "nonsense");
    let run = Run::of(command.args(["--quiet", "--build", "check"]));
    assert!(run.code == 10 || run.code == 11, "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("\nerror: `cargo ").count(),
        1,
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("\"reason\""), "{}", run.stderr);
    warm.job(&["cache", "verify"]).ok();
}

#[test]
fn a_generator_that_is_killed_while_filling_leaves_nothing_half() {
    let warm = Warm::new();
    let packages = [
        "file-rotate",
        "figment",
        "uncased",
        "sharded-slab",
        "utoipa",
    ];
    for package in packages {
        fs::remove_dir_all(warm.unit(package)).expect("a unit");
    }
    let desks = || {
        let entries = fs::read_dir(warm.shelf()).expect("a shelf");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let hidden = names.filter(|name| name.to_string_lossy().starts_with('.'));
        hidden.count()
    };
    let mut live = Live::start(&warm.sandbox, &mut warm.generator("orders"));
    until("it fills the cache", || desks() > 0 || live.has_ended());
    assert!(!live.has_ended(), "{}", live.said());
    live.signal(Signal::KILL);
    live.kill(&warm.sandbox);
    warm.job(&["cache", "verify"]).ok();
    let said = words(&Run::of(&mut warm.generator("orders")).ok());
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(desks(), 0, "what was left half is still there");
    warm.job(&["cache", "verify"]).ok();
    for package in packages {
        warm.unit(package);
    }
}
