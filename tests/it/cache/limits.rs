//! How large and how old the cache gets, where it can lie, and what is said of it.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use generate_service::cache::bound::{Bounds, trim};

use super::{Warm, copy, warmed, words};
use crate::sandbox::{Run, Sandbox};
use crate::tmpfs::Tmpfs;

/// Lets a unit have been of use `days` ago.
fn age(unit: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_hours(24 * days);
    let manifest = File::open(unit.join("manifest.json")).expect("a manifest");
    manifest
        .set_times(FileTimes::new().set_modified(then))
        .expect("its time");
}

fn size(dir: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(dir).into_iter();
    let entries = entries.map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|file| file.metadata().expect("metadata").len())
        .sum()
}

#[test]
fn what_was_of_no_use_for_long_goes() {
    let warm = Warm::new();
    let root = warm.cache().join("generate-service");
    let (old, older) = (warm.unit("bytes"), warm.unit("itoa"));
    age(&old, 59);
    age(&older, 61);
    assert_eq!(trim(&root, Bounds::default()).expect("a cache"), 1);
    assert!(old.exists() && !older.exists());
    let soon = Bounds {
        age: Duration::from_hours(24),
        ..Bounds::default()
    };
    assert_eq!(trim(&root, soon).expect("a cache"), 1);
    assert!(!old.exists() && warm.unit("slab").exists());
    // The shelf of a toolchain that nobody has any more goes as a whole.
    let none = Bounds { bytes: 0, ..soon };
    trim(&root, none).expect("a cache");
    assert_eq!(fs::read_dir(&root).expect("the cache").count(), 0);
}

#[test]
fn while_it_is_too_large_what_was_of_use_least_lately_goes() {
    let warm = Warm::new();
    let root = warm.cache().join("generate-service");
    let (old, older) = (warm.unit("serde_core"), warm.unit("tokio"));
    age(&old, 1);
    age(&older, 2);
    let bounds = Bounds {
        bytes: size(&warm.shelf()) - (3 << 20),
        ..Bounds::default()
    };
    let count = trim(&root, bounds).expect("a cache");
    assert_eq!(count, 1, "only the one that is oldest");
    assert!(old.exists() && !older.exists());
}

/// The bound is that of the settings, and what the run itself used goes last.
#[test]
fn a_run_keeps_to_the_bounds_of_its_settings() {
    let warm = Warm::new();
    fs::remove_dir_all(warm.unit("file-rotate")).expect("a unit");
    warm.sandbox
        .write("work/generate-service.toml", "cache-size = \"40MiB\"\n");
    warm.make("orders");
    let kept = size(&warm.cache());
    assert!(kept < 41 << 20, "{kept}");
    warm.job(&["cache", "verify"]).ok();
}

#[test]
fn sizes_and_ages_that_are_none_are_refused() {
    let sandbox = Sandbox::new();
    let words = ["orders", "--cache-size", "4", "--cache-age", "long"];
    sandbox.run(words).fails(
        2,
        "error: invalid cache-size `4` (`--cache-size`): \
         a size is a number with its unit, such as 4GiB or 500MiB\n\
         help: --cache-size 4GiB\n\
         error: invalid cache-age `long` (`--cache-age`): an age is a number of days\n\
         help: --cache-age 60\n",
    );
}

#[test]
fn it_is_shown_and_emptied() {
    let warm = Warm::new();
    let root = warm.cache().join("generate-service");
    let place = root.display();
    let units = fs::read_dir(warm.shelf().join("debug"))
        .expect("a shelf")
        .count();
    let run = warm.job(&["cache"]).ok();
    assert_eq!(run.stdout, warm.job(&["cache", "show"]).ok().stdout);
    let (first, rest) = run.stdout.split_once('\n').expect("two lines");
    let bytes = first
        .strip_prefix(&format!("{place} holds {units} crates, "))
        .expect(first);
    let rustc = fs::read_to_string(warm.shelf().join("about")).expect("its name");
    assert!(rustc.starts_with("rustc 1."), "{rustc}");
    assert_eq!(
        rest,
        format!("  {rustc}, debug: {units} crates, {bytes}, last used today\n")
    );
    let run = warm.job(&["cache", "clean"]).ok();
    assert_eq!(
        run.stdout,
        format!("{place} is empty; {units} crates, {bytes}, were removed\n")
    );
    assert!(!root.exists());
    for (words, says) in [
        ("show", "holds 0 crates, 0.0 MiB"),
        ("verify", "is whole: 0 crates"),
        ("clean", "is empty; 0 crates, 0.0 MiB, were removed"),
    ] {
        let run = warm.job(&["cache", words]).ok();
        assert_eq!(run.stdout, format!("{place} {says}\n"));
    }
}

/// Where nothing can be linked it is copied; where nothing can be written, nothing is kept.
#[test]
fn on_another_file_system_full_or_read_only() {
    let sandbox = Sandbox::new();
    let mount = sandbox.root().join("mount");
    fs::create_dir(&mount).expect("a directory");
    let Some(disk) = Tmpfs::mount(&mount, "2g") else {
        return;
    };
    let cache = mount.join("cache");
    copy(&sandbox, warmed(), &cache);
    let warm = OnDisk { sandbox, cache };
    let copied = " compiled crates are here already, copied: the cache cannot be linked to";
    let said = warm.make("copied");
    assert!(said[0].ends_with(copied) && said.len() == 1, "{said:?}");
    warm.forget("file-rotate");
    disk.remount("ro");
    let said = warm.make("read-only");
    assert!(said[0].ends_with(copied), "{said:?}");
    assert_eq!(
        said[1..],
        ["nothing is kept for the next service: read-only file system"]
    );
    disk.remount("rw");
    warm.forget("file-rotate");
    disk.resize(&(size(&mount) + (1 << 20)).to_string());
    let mut ballast = File::create(mount.join("ballast")).expect("a file");
    while ballast.write_all(&[1; 4096]).is_ok() {}
    let said = warm.make("full");
    assert_eq!(
        said[1..],
        ["nothing is kept for the next service: no space left on device"]
    );
    disk.resize("2g");
    let mut verify = warm.sandbox.generator();
    verify.env("XDG_CACHE_HOME", &warm.cache);
    Run::of(verify.args(["cache", "verify"])).ok();
}

/// A cache on a disk of its own.
struct OnDisk {
    sandbox: Sandbox,
    cache: std::path::PathBuf,
}

impl OnDisk {
    #[track_caller]
    fn make(&self, name: &str) -> Vec<String> {
        let mut command = self.sandbox.generator();
        command.env("XDG_CACHE_HOME", &self.cache);
        words(&Run::of(command.arg(name).args(super::SMALL)).ok())
    }

    /// Takes the units of `package` away, if they are there.
    fn forget(&self, package: &str) {
        let entries = walkdir::WalkDir::new(&self.cache).min_depth(4).max_depth(4);
        for entry in entries {
            let path = entry.expect("an entry").into_path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&format!("{package}-")) {
                fs::remove_dir_all(&path).expect("a unit");
            }
        }
    }
}

/// Who could write there could have their code run by us.
#[test]
fn what_others_could_have_filled_is_left_alone() {
    let sandbox = Sandbox::new();
    let root = sandbox.root().join("cache");
    let dir = root.join("generate-service");
    fs::create_dir_all(&dir).expect("a directory");
    let others = OnDisk {
        sandbox,
        cache: root,
    };
    let set = |mode| fs::set_permissions(&dir, Permissions::from_mode(mode)).expect("a mode");
    let prefix = "nothing is shared with other services: ";
    set(0o777);
    let reason = format!("{prefix}everybody can write to `{}`", dir.display());
    assert_eq!(others.make("open-to-all"), [reason]);
    set(0o755);
    // Only root can give a directory away.
    if chown(&dir, Some(1), None).is_ok() {
        let reason = format!("{prefix}`{}` belongs to another user", dir.display());
        assert_eq!(others.make("of-another"), [reason]);
    }
    assert_eq!(fs::read_dir(dir).expect("a directory").count(), 0);
}

/// A cache that cannot be made is no reason not to build.
#[test]
fn a_cache_that_cannot_be_there_costs_a_line() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("file", "");
    let mut command = sandbox.generator();
    command.env("XDG_CACHE_HOME", &file).arg("warm");
    Run::of(&mut command).fails(
        15,
        &format!(
            "error: cannot create `{file}/generate-service`: not a directory\n\
             help: ls -ld '{file}/generate-service'\n",
            file = file.display()
        ),
    );
}
