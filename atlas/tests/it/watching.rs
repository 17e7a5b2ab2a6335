//! Watches: nothing is missed, and how fast. The numbers: `cargo test --release watching -- --nocapture`.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use atlas::{Revision, Snapshot, Store, Watch};

use crate::child::Member;
use crate::contract::{apply, follow};
use crate::home::{Beside, Home, id, instance};

const ORDERS: &str = "orders@host001:5000";

fn watching(home: &Home) -> (Box<dyn Watch>, Snapshot) {
    let mut watch = home.store().watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    apply(watch.next(Duration::ZERO).expect("a watch"), &mut seen);
    (watch, seen)
}

fn tell(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    let out = &mut std::io::stdout();
    writeln!(
        out,
        "{what}: median {median:?}, p99 {p99:?}, {} rounds",
        times.len()
    )
    .expect("stdout");
    median
}

#[test]
fn a_registration_is_seen_at_once() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    let (mut come, mut go) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let start = Instant::now();
        let guard = home
            .store()
            .register(&instance(ORDERS))
            .expect("a free name");
        follow(&mut *watch, &mut seen, |seen| !seen.instances.is_empty());
        come.push(start.elapsed());
        let start = Instant::now();
        drop(guard);
        follow(&mut *watch, &mut seen, |seen| seen.instances.is_empty());
        go.push(start.elapsed());
    }
    // Generous: this may be a debug build on a busy machine.
    assert!(tell("register to watch", come) < Duration::from_millis(20));
    assert!(tell("withdraw to watch", go) < Duration::from_millis(20));
}

#[test]
fn a_death_is_seen_at_once() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    let mut times = Vec::new();
    for _ in 0..40 {
        let member = Member::start(&home.places(), "stay", ORDERS);
        follow(&mut *watch, &mut seen, |seen| !seen.instances.is_empty());
        let start = Instant::now();
        member.signal("KILL");
        follow(&mut *watch, &mut seen, |seen| seen.instances.is_empty());
        times.push(start.elapsed());
        member.kill();
    }
    assert!(tell("kill -9 to watch, with the start of kill(1)", times) < Duration::from_millis(50));
}

/// The kernel tells of a close before it frees the lock, a moment that only a watch that never
/// sleeps can hit. The owner is one that knows the format only.
#[test]
fn a_close_is_never_taken_for_a_sign_of_life() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    for _ in 0..200 {
        // Renamed over another file, some file systems write it to the disk first.
        let _ = fs::remove_file(home.hosts().join(ORDERS));
        let aside = home.hosts().join(".aside");
        let mut file = fs::File::create(&aside).expect("a file");
        file.lock().expect("a lock");
        file.write_all(instance(ORDERS).to_line().as_bytes())
            .expect("a text");
        fs::rename(&aside, home.hosts().join(ORDERS)).expect("a name");
        follow(&mut *watch, &mut seen, |seen| !seen.instances.is_empty());
        let closing = thread::spawn(move || drop(file));
        let began = Instant::now();
        while !seen.instances.is_empty() {
            apply(watch.next(Duration::ZERO).expect("a watch"), &mut seen);
            assert!(began.elapsed() < Duration::from_secs(10), "a ghost");
        }
        closing.join().expect("an end");
    }
}

/// More events than the kernel's queue holds, and nobody reads them in time.
#[test]
fn a_queue_that_runs_over_is_made_up_for() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a number");
    let rounds = limit.trim().parse::<usize>().expect("a number").min(20_000) / 2;
    for _ in 0..rounds {
        // Two names, so that no event is merged with the one before.
        for name in ["a", "b"] {
            fs::write(home.hosts().join(name), "").expect("a file");
        }
    }
    let _guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    follow(&mut *watch, &mut seen, |seen| {
        seen.instances.contains_key(&id(ORDERS))
    });
    follow(&mut *watch, &mut seen, |seen| *seen == home.read());
    assert_eq!(seen.bad.len(), 2);
}

#[test]
fn a_storm_is_followed_to_its_end() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    thread::scope(|scope| {
        let storms: Vec<_> = (0..4)
            .map(|n| {
                scope.spawn({
                    let home = &home;
                    move || storm(home, n)
                })
            })
            .collect();
        while storms.iter().any(|storm| !storm.is_finished()) {
            apply(
                watch.next(Duration::from_millis(1)).expect("a watch"),
                &mut seen,
            );
        }
        let last: Vec<_> = storms
            .into_iter()
            .map(|storm| storm.join().expect("an end"))
            .collect();
        follow(&mut *watch, &mut seen, |seen| *seen == home.read());
        assert_eq!(seen.instances.len(), last.len());
    });
}

/// Two hundred instances that come, drain and go; the last one stays.
fn storm(home: &Home, number: usize) -> Box<dyn atlas::Registration> {
    let mut last = None;
    for port in 1..=200 {
        let name = format!("orders-{number}@host001:{port}");
        let mut guard = home
            .store()
            .register(&instance(&name))
            .expect("a free name");
        guard.drain().expect("an update");
        last = Some(guard);
    }
    last.expect("the last one")
}

#[test]
fn a_folder_that_goes_comes_back() {
    let home = Home::new();
    let (mut watch, mut seen) = watching(&home);
    let guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    follow(&mut *watch, &mut seen, |seen| !seen.instances.is_empty());
    fs::remove_dir_all(home.places().runtime).expect("a directory");
    follow(&mut *watch, &mut seen, |seen| seen.instances.is_empty());
    drop(guard);
    let _guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    follow(&mut *watch, &mut seen, |seen| !seen.instances.is_empty());
}

#[test]
fn the_program_prints_what_changes() {
    let home = Home::new();
    let mut watch = Beside::start(&mut home.atlas(&["watch"]));
    assert_eq!(watch.line(), "full\t0\n");
    let mut guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    assert_eq!(
        watch.line(),
        format!("up\t{ORDERS}\t127.0.0.1:5000\tup\t-\t-\n")
    );
    guard.drain().expect("an update");
    assert_eq!(
        watch.line(),
        format!("up\t{ORDERS}\t127.0.0.1:5000\tdraining\t-\t-\n")
    );
    home.ok(&["disable", ORDERS]);
    assert_eq!(watch.line(), format!("disabled\t{ORDERS}\n"));
    assert_eq!(
        watch.line(),
        format!("up\t{ORDERS}\t127.0.0.1:5000\tdisabled\t-\t-\n")
    );
    drop(guard);
    assert_eq!(watch.line(), format!("down\t{ORDERS}\n"));
    home.ok(&["enable", "orders"]);
    assert_eq!(watch.line(), format!("enabled\t{ORDERS}\n"));
    home.ok(&["settings", "set", "orders", "a", "5"]);
    assert_eq!(watch.line(), "settings\torders\n");
    fs::write(home.hosts().join("bad;name"), "").expect("a file");
    let place = home.hosts().join("bad;name").display().to_string();
    assert_eq!(
        watch.line(),
        format!("bad\t{place}\tits name is none of ours\n")
    );
    fs::remove_file(home.hosts().join("bad;name")).expect("a file");
    assert_eq!(watch.line(), format!("mended\t{place}\n"));
}

#[test]
fn a_service_is_watched_alone() {
    let home = Home::new();
    let mut watch = Beside::start(&mut home.atlas(&["watch", "orders", "--format", "json"]));
    assert_eq!(watch.line(), "{\"event\":\"full\",\"instances\":0}\n");
    let _other = home
        .store()
        .register(&instance("billing@host001:6000"))
        .expect("a free name");
    let guard = home
        .store()
        .register(&instance(ORDERS))
        .expect("a free name");
    assert_eq!(
        watch.line(),
        "{\"event\":\"up\",\"instance\":{\"service\":\"orders\",\"host\":\"host001\",\"port\":5000,\"addr\":\"127.0.0.1\",\"realm\":\"local\",\"state\":\"up\",\"enabled\":true,\"draining\":false,\"version\":null,\"pid\":null,\"health\":null,\"weight\":100,\"started\":null}}\n"
    );
    drop(guard);
    assert_eq!(
        watch.line(),
        format!("{{\"event\":\"down\",\"instance\":\"{ORDERS}\"}}\n")
    );
}
