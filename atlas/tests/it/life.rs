//! Who lives: nobody but the kernel says so.

use std::fs::{self, File};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use atlas::{Error, Store};

use crate::child::Member;
use crate::home::{Home, id, instance, until};

#[test]
fn killed_it_is_gone_whatever_lies_there() {
    let home = Home::new();
    let member = Member::start(&home.places(), "stay", "orders@host001:5000");
    assert_eq!(home.read().instances.len(), 1);
    member.kill();
    assert!(home.read().instances.is_empty());
    assert!(home.hosts().join("orders@host001:5000").exists());
    assert_eq!(
        home.store().prune().expect("a store"),
        ["orders@host001:5000"]
    );
    assert!(!home.hosts().join("orders@host001:5000").exists());
}

#[test]
fn a_stopped_process_lives() {
    let home = Home::new();
    let member = Member::start(&home.places(), "stay", "orders@host001:5000");
    member.signal("STOP");
    assert_eq!(home.read().instances.len(), 1);
    assert!(home.store().prune().expect("a store").is_empty());
    member.kill();
}

#[test]
fn the_name_of_the_dead_is_free() {
    let home = Home::new();
    Member::start(&home.places(), "stay", "orders@host001:5000").kill();
    let _guard = home
        .store()
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    assert_eq!(home.read().instances.len(), 1);
}

/// The member starts a child before it is killed, and the child lives on.
#[test]
fn a_child_keeps_no_ghost() {
    let home = Home::new();
    let member = Member::start(&home.places(), "parent", "orders@host001:5000");
    let child = member.child;
    member.kill();
    // A parent goes on a moment before its child's exec has closed what it was not to have.
    until("it is gone", || home.read().instances.is_empty());
    assert!(
        fs::metadata(format!("/proc/{child}")).is_ok(),
        "the child lives on"
    );
    let killed = Command::new("kill").arg(child.to_string()).status();
    assert!(killed.expect("kill runs").success());
}

#[test]
fn a_held_name_names_its_holder() {
    let home = Home::new();
    let member = Member::start(&home.places(), "stay", "orders@host001:5000");
    let held = home
        .store()
        .register(&instance("orders@host001:5000"))
        .map(drop);
    let expected = format!(
        "`orders@host001:5000` is registered by another process, {}",
        member.id()
    );
    let error = held.expect_err("somebody has it");
    assert_eq!(
        (error.to_string(), error.help()),
        (expected, Some("atlas show orders".to_owned()))
    );
    member.kill();
}

/// Six processes come and go under one name and leave dead entries under it, while three others
/// clear away what is dead. Whoever has registered must find itself there: nobody has taken a live
/// entry for a dead one.
#[test]
fn nobody_clears_away_the_living() {
    let home = Home::new();
    let start = |_| Member::start(&home.places(), "rounds", "orders@host001:5000");
    let members: Vec<_> = (0..6).map(start).collect();
    let all_are_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !all_are_done.load(Ordering::Relaxed) {
                    home.store().prune().expect("a store");
                }
            });
        }
        let well = members
            .into_iter()
            .map(Member::ends_well)
            .collect::<Vec<_>>();
        all_are_done.store(true, Ordering::Relaxed);
        assert_eq!(well, [true; 6], "a live entry was missing");
    });
    assert!(home.read().instances.is_empty());
}

#[test]
fn what_was_tidied_away_is_put_back() {
    let home = Home::new();
    let mut guard = home
        .store()
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    fs::remove_dir_all(home.places().runtime).expect("a directory");
    assert!(home.read().instances.is_empty());
    assert!(guard.renew().expect("a free name"));
    assert!(!guard.renew().expect("an entry"));
    assert_eq!(home.read().instances.len(), 1);
    // Somebody else took the name meanwhile: that one's it is, and dropping ours leaves it.
    fs::remove_file(home.hosts().join("orders@host001:5000")).expect("a file");
    let other = home
        .store()
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    assert!(matches!(guard.renew(), Err(Error::Held { .. })));
    drop(guard);
    assert!(
        home.read()
            .instances
            .contains_key(&id("orders@host001:5000"))
    );
    drop(other);
}

#[test]
fn a_lock_that_is_never_given_back_is_named() {
    let home = Home::new();
    drop(
        home.store()
            .register(&instance("orders@host001:5000"))
            .expect("a free name"),
    );
    let lock = File::open(home.hosts().join(".lock")).expect("a lock");
    lock.lock().expect("a lock");
    let busy = home
        .store()
        .register(&instance("orders@host001:5000"))
        .map(drop);
    let expected = format!(
        "`{}/.lock` has been locked for 2 seconds",
        home.hosts().display()
    );
    assert_eq!(busy.expect_err("no lock").to_string(), expected);
    // Looking waits for nobody.
    assert!(home.read().instances.is_empty());
}

#[test]
fn the_rule_of_the_directories() {
    let home = Home::new();
    let find = |variables: &[(&str, &str)]| {
        let variables: Vec<_> = variables
            .iter()
            .map(|&(n, v)| (n.to_owned(), v.into()))
            .collect();
        atlas::Places::find(|name| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value): &(String, std::ffi::OsString)| value.clone())
        })
    };
    let root = home.root().to_str().expect("a text");
    let places = find(&[("ATLAS_DIR", "/a"), ("ATLAS", "/b"), ("HOME", root)]).expect("a home");
    assert_eq!((places.runtime, places.data), ("/a".into(), "/b".into()));
    let places = find(&[("XDG_RUNTIME_DIR", root), ("HOME", root)]).expect("a home");
    assert_eq!(places.runtime, home.root().join("atlas"));
    assert_eq!(places.data, home.root().join(".local/share/atlas"));
    // Of a session that has ended.
    let gone = format!("{root}/gone");
    let places = find(&[("XDG_RUNTIME_DIR", &gone), ("HOME", root)]).expect("a home");
    let tmp = places.runtime.to_string_lossy().into_owned();
    assert!(tmp.starts_with("/tmp/atlas-"), "{tmp}");
    let homeless = find(&[("HOME", "relative")]).expect_err("no home");
    assert_eq!(
        homeless.to_string(),
        "without HOME it is unknown where Atlas keeps its data"
    );
}
