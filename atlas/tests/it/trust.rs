//! Garbage costs only itself, and nobody else's word counts.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use atlas::{Reason, Store};

use crate::home::{Home, chmod, instance, is_root};

const ORDERS: &str = "orders@host001:5000";

/// A file that somebody holds the lock of.
fn held(home: &Home, name: &str, text: &str) -> File {
    home.store()
        .register(&instance("first@host001:1"))
        .map(drop)
        .expect("a folder");
    let mut file = File::create(home.hosts().join(name)).expect("a file");
    file.write_all(text.as_bytes()).expect("a text");
    chmod(&home.hosts().join(name), 0o600);
    file.lock().expect("a lock");
    file
}

fn reason(home: &Home) -> Reason {
    let read = home.read();
    assert!(read.instances.is_empty());
    assert_eq!(read.bad.len(), 1, "{:?}", read.bad);
    read.bad[0].reason.clone()
}

#[test]
fn directories_and_files_are_their_users_alone() {
    let home = Home::new();
    let _guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    let mode = |path: &std::path::Path| {
        fs::symlink_metadata(path)
            .expect("an entry")
            .permissions()
            .mode()
            & 0o7777
    };
    for folder in [
        home.places().runtime,
        home.places().runtime.join("local"),
        home.hosts(),
    ] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
    }
    assert_eq!(mode(&home.hosts().join(ORDERS)), 0o600);
    home.ok(&["disable", ORDERS]);
    home.ok(&["settings", "set", "orders", "a", "1"]);
    let data = home.places().data.join("local");
    for folder in ["", "disabled", "settings"] {
        assert_eq!(mode(&data.join(folder)), 0o700, "{folder}");
    }
    assert_eq!(mode(&data.join("settings/orders.json")), 0o600);
}

#[test]
fn looking_makes_nothing() {
    let home = Home::new();
    assert_eq!(home.ok(&["ls"]), "");
    assert_eq!(home.ok(&["ports"]), "");
    assert_eq!(home.ok(&["prune"]), "");
    assert_eq!(home.ok(&["settings", "ls"]), "");
    assert!(!home.places().runtime.exists() && !home.places().data.exists());
}

#[test]
fn ten_thousand_pieces_of_garbage() {
    let home = Home::new();
    let guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    for n in 0..10_000 {
        fs::write(home.hosts().join(format!("garbage;{n}\n")), "x").expect("a file");
    }
    let began = Instant::now();
    let read = home.read();
    let took = began.elapsed();
    assert_eq!((read.instances.len(), read.bad.len()), (1, 10_000));
    // Generous: this may be a debug build on a busy machine.
    assert!(took < Duration::from_secs(2), "{took:?}");
    let ran = home.run(&["ls"]);
    assert_eq!(
        (ran.out.as_str(), ran.code),
        ("orders@host001:5000\t127.0.0.1:5000\tup\t-\t-\n", 0)
    );
    let first = "warning: `[ROOT]/run/atlas/local/hosts/garbage;0\\n`: its name is none of ours\n";
    assert_eq!(ran.err.lines().count(), 4, "{}", ran.err);
    assert!(ran.err.starts_with(first), "{}", ran.err);
    assert!(
        ran.err.ends_with("warning: 9997 more bad entries\n"),
        "{}",
        ran.err
    );
    drop(guard);
    // What has no name of ours is not ours to clear away.
    assert_eq!(home.ok(&["prune"]), "");
}

#[test]
fn what_is_no_plain_file_is_not_opened() {
    let home = Home::new();
    home.store()
        .register(&instance(ORDERS))
        .map(drop)
        .expect("a folder");
    let made = Command::new("mkfifo")
        .arg(home.hosts().join(ORDERS))
        .status();
    assert!(made.expect("mkfifo runs").success());
    assert_eq!(reason(&home), Reason::NotAFile);
    fs::remove_file(home.hosts().join(ORDERS)).expect("a pipe");
    symlink("/etc/passwd", home.hosts().join(ORDERS)).expect("a link");
    assert_eq!(reason(&home), Reason::NotAFile);
    fs::remove_file(home.hosts().join(ORDERS)).expect("a link");
    fs::create_dir(home.hosts().join(ORDERS)).expect("a directory");
    assert_eq!(reason(&home), Reason::NotAFile);
}

#[test]
fn what_lives_and_makes_no_sense_is_told() {
    let home = Home::new();
    let file = held(&home, ORDERS, "{\"v\":1}");
    assert_eq!(
        reason(&home),
        Reason::Content("missing field `service` at line 1 column 7".to_owned())
    );
    drop(file);
    assert!(home.read().bad.is_empty(), "the dead are no garbage");
    let file = held(&home, ORDERS, &" ".repeat(16 * 1024 + 1));
    assert_eq!(reason(&home), Reason::TooLong(16 * 1024 + 1));
    drop(file);
    let _file = held(&home, ORDERS, &instance("orders@host001:5001").to_line());
    assert_eq!(reason(&home), Reason::OtherInstance);
}

#[test]
fn what_others_can_write_is_anybodys_word() {
    let home = Home::new();
    let _file = held(&home, ORDERS, &instance(ORDERS).to_line());
    chmod(&home.hosts().join(ORDERS), 0o622);
    assert_eq!(reason(&home), Reason::Mode(0o622));
    chmod(&home.hosts(), 0o777);
    home.fails(
        &["ls"],
        6,
        "error: `[ROOT]/run/atlas/local/hosts` cannot be trusted: its mode 777 lets others replace what is in it\n\
         help: chmod go-w [ROOT]/run/atlas/local/hosts\n",
    );
    chmod(&home.hosts(), 0o700);
    fs::rename(home.hosts(), home.root().join("elsewhere")).expect("a folder");
    symlink(home.root().join("elsewhere"), home.hosts()).expect("a link");
    home.fails(
        &["ls"],
        6,
        "error: `[ROOT]/run/atlas/local/hosts` cannot be trusted: it is no directory\n\
         help: ls -ld [ROOT]/run/atlas/local/hosts\n",
    );
}

/// Whoever administers it says once who takes part.
#[test]
fn a_shared_registry_is_as_open_as_its_root() {
    let home = Home::new();
    let (runtime, data) = (home.places().runtime, home.places().data);
    for root in [&runtime, &data] {
        fs::create_dir(root).expect("a directory");
    }
    chmod(&runtime, 0o1770);
    chmod(&data, 0o755);
    let _guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    home.ok(&["disable", ORDERS]);
    let mode = |path: std::path::PathBuf| {
        fs::symlink_metadata(path)
            .expect("an entry")
            .permissions()
            .mode()
            & 0o7777
    };
    let modes = [
        mode(runtime.join("local")),
        mode(home.hosts()),
        mode(home.hosts().join(".lock")),
        mode(home.hosts().join(ORDERS)),
        mode(data.join("local/disabled")),
        mode(data.join("local/disabled").join(ORDERS)),
    ];
    assert_eq!(modes, [0o1770, 0o1770, 0o640, 0o640, 0o755, 0o644]);
    assert!(home.read().bad.is_empty());
}

/// As root only: there is no other way to be two users.
#[test]
fn another_user_claims_nobodys_name() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    let _file = held(&home, ORDERS, &instance(ORDERS).to_line());
    let chown = |path: &std::path::Path| {
        let done = Command::new("chown").arg("65534:65534").arg(path).status();
        assert!(done.expect("chown runs").success());
    };
    // In a folder that all may write to, as `/run/atlas` may be: the sticky bit keeps others off
    // what is there, and what they add counts for nothing.
    chmod(&home.hosts(), 0o1777);
    assert_eq!(home.read().instances.len(), 1);
    chown(&home.hosts().join(ORDERS));
    assert_eq!(reason(&home), Reason::Owner(65534));
    let _guard = home
        .store()
        .register(&instance("billing@host001:6000"))
        .expect("a free name");
    let billing = fs::metadata(home.hosts().join("billing@host001:6000")).expect("a file");
    assert_eq!((billing.uid(), billing.mode() & 0o777), (0, 0o644));
    chown(&home.hosts());
    home.fails(
        &["ls"],
        6,
        "error: `[ROOT]/run/atlas/local/hosts` cannot be trusted: it belongs to user 65534\n\
         help: ls -ld [ROOT]/run/atlas/local/hosts\n",
    );
}

#[test]
fn a_full_disk_takes_nothing_away() {
    let home = Home::new();
    let mount = |words: &[&str]| {
        let run = home.root().join("run");
        let mut command = Command::new(words[0]);
        let status = command
            .args(&words[1..])
            .arg(run)
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]) {
        let _ = writeln!(std::io::stderr(), "SKIPPED a_full_disk: mount is refused");
        return;
    }
    let mut guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    let fill = fs::write(home.root().join("run/fill"), vec![0; 1 << 20]);
    assert!(fill.is_err());
    let (drained, second) = (
        guard.drain(),
        home.store().register(&instance("billing@host001:1")),
    );
    let read = home.read();
    let left = fs::read_dir(home.hosts()).expect("a folder").count();
    drop((guard, second.as_ref().err()));
    let unmounted = mount(&["umount", "-l"]);
    let path = home.hosts().join(ORDERS);
    let expected = format!(
        "cannot write `{}`: No space left on device (os error 28)",
        path.display()
    );
    assert_eq!(drained.expect_err("no space").to_string(), expected);
    assert!(second.is_err());
    assert_eq!(
        read.instances.into_values().collect::<Vec<_>>(),
        [instance(ORDERS)]
    );
    assert_eq!(
        (left, unmounted),
        (2, true),
        "the entry, the lock, and nothing half-made"
    );
}
