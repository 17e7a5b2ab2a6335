//! Disks that are full, processes that stand still, clocks that jump, a `HAProxy` that refuses.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::instance::{Apart, Served};
use crate::load::Load;
use crate::tmpfs::Tmpfs;
use crate::world::{World, has_haproxy, tell};

/// One instance more than it has slots, so that a reload is due at once.
const MORE: usize = 4;
const OWED: &str = "sidecar_reload_owed";
const FAILED: &str = "sidecar_reloads_total{result=\"failed\"}";

/// Names that are none, folders, links, and every fifth owned by somebody who lives and says nonsense.
#[test]
fn ten_thousand_garbage_entries_cost_only_themselves() {
    if !has_haproxy() {
        return;
    }
    let mut world = World::new();
    let good = ["identity", "search"].map(|service| Served::start(&world, service));
    let hosts = world.hosts();
    let _owned = (0..10_000)
        .filter_map(|number| garbage(&hosts, number))
        .collect::<Vec<_>>();
    let began = Instant::now();
    world.start();
    let took = began.elapsed();
    tell(&format!(
        "10,000 garbage entries: start to serving {took:?}"
    ));
    assert!(took < Duration::from_secs(2), "{took:?}");
    for (service, served) in ["identity", "search"].iter().zip(&good) {
        world.until_answer(service, &format!("port={};", served.port));
    }
    assert_eq!(world.metric("atlas_bad_entries"), 10_000);
    assert!(world.get("evil").starts_with("HTTP/1.1 404"));
    let _late = Served::start(&world, "late");
    let took = world.until_answer("late", "200 OK");
    assert!(took < Duration::from_millis(500), "{took:?}");
}

fn garbage(hosts: &Path, number: usize) -> Option<File> {
    let entry = |port: u8| hosts.join(format!("evil@h{number}:{port}"));
    match number % 20 {
        0 => fs::create_dir(entry(1)).map(|()| None),
        1 => std::os::unix::fs::symlink("/etc/passwd", entry(2)).map(|()| None),
        2..6 => owned(&entry(3)).map(Some),
        _ => File::create(hosts.join(format!("a;b {number}"))).map(|_| None),
    }
    .expect("an entry")
}

fn owned(path: &Path) -> std::io::Result<File> {
    let mut file = File::create(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.lock()?;
    file.write_all(b"{\"v\":1,\"service\":\"evil;shutdown\"}")?;
    Ok(file)
}

#[test]
fn a_full_disk_costs_the_reload_and_nothing_else() {
    if !has_haproxy() {
        return;
    }
    // Dropped after the disk, which is in it.
    let mut world = World::new();
    fs::create_dir_all(world.place()).expect("a directory");
    let Some(disk) = Tmpfs::mount(&world.place(), "256k") else {
        return;
    };
    fs::set_permissions(world.place(), fs::Permissions::from_mode(0o700)).expect("a mode");
    let _one = Served::start(&world, "identity");
    world.start();
    let before = fs::read_to_string(world.file("haproxy.cfg")).expect("a configuration");
    fill(&world.file("filler"));
    let new = Served::start(&world, "search");
    let _more = [(); MORE].map(|()| Served::start(&world, "identity"));
    world.until_answer("search", "200 OK");
    world.until("a reload has failed", || world.metric(FAILED) > 0);
    assert_eq!(world.metric(OWED), 1);
    let said = "services.map`: no space left on device";
    assert!(world.log().contains(said), "{}", world.log());
    let now = fs::read_to_string(world.file("haproxy.cfg")).expect("a configuration");
    assert_eq!(now, before, "the old file stays, whole");
    let _newer = Served::start(&world, "billing");
    world.until_answer("billing", "200 OK");
    // A Sidecar that begins on a full disk lets what runs go on, too.
    world.signal(Signal::KILL);
    world.start();
    assert!(world.get("search").contains("200 OK"), "{}", world.log());
    assert_eq!(world.metric(OWED), 1);
    disk.resize("4m");
    world.until("the reload is done", || world.metric(OWED) == 0);
    world.until_written(&new);
    for service in ["identity", "search", "billing"] {
        assert!(world.get(service).contains("200 OK"), "{service}");
    }
}

fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    let mut block = 4096;
    while block > 0 {
        if file.write_all(&vec![0; block]).is_err() {
            block /= 2;
        }
    }
}

#[test]
fn while_haproxy_refuses_a_configuration_the_old_one_serves() {
    let refuse = "echo '[ALERT] (1) : it does not please' >&2; exit 1";
    let Some((world, words, _one)) = with_haproxy_of_ours(refuse) else {
        return;
    };
    let before = fs::read_to_string(world.file("haproxy.cfg")).expect("a configuration");
    File::create(&words).expect("a file");
    let new = Served::start(&world, "search");
    let _more = [(); MORE].map(|()| Served::start(&world, "identity"));
    world.until_answer("search", "200 OK");
    world.until("a reload has failed", || world.metric(FAILED) > 0);
    assert_eq!(world.metric(OWED), 1);
    let said = "HAProxy refuses the configuration: [ALERT] (1) : it does not please";
    assert!(world.log().contains(said), "{}", world.log());
    let now = fs::read_to_string(world.file("haproxy.cfg")).expect("a configuration");
    assert_eq!(now, before);
    assert!(world.get("identity").contains("200 OK"));
    fs::remove_file(&words).expect("removed");
    world.until("the reload is done", || world.metric(OWED) == 0);
    world.until_written(&new);
    assert!(world.get("search").contains("200 OK"));
}

#[test]
fn a_change_does_not_wait_for_files() {
    let Some((world, words, _one)) = with_haproxy_of_ours("sleep 0.6") else {
        return;
    };
    File::create(&words).expect("a file");
    let more = [(); MORE].map(|()| Served::start(&world, "identity"));
    world.until("a reload is due", || world.metric(OWED) == 1);
    // The look at the files takes its time, and nobody waits for it.
    for service in ["search", "billing"] {
        let _new = Served::start(&world, service);
        let took = world.until_answer(service, "200 OK");
        assert!(took < Duration::from_millis(400), "{took:?}");
        assert_eq!(world.metric(OWED), 1, "the reload came first");
    }
    fs::remove_file(&words).expect("removed");
    for served in &more {
        world.until_answer("identity", &format!("port={};", served.port));
    }
    world.until("the reload is done", || world.metric(OWED) == 0);
}

/// What `haproxy -c` takes can still not load: here its map goes just after the look.
#[test]
fn a_reload_that_haproxy_gives_up_is_owed() {
    let lose = r#"rm "${0%/*}/run/local/sidecar/services.map""#;
    let Some((world, words, _one)) = with_haproxy_of_ours(lose) else {
        return;
    };
    let worker = world.haproxy();
    File::create(&words).expect("a file");
    let _new = Served::start(&world, "search");
    let _more = [(); MORE].map(|()| Served::start(&world, "identity"));
    world.until_answer("search", "200 OK");
    world.until("a reload has failed", || world.metric(FAILED) > 0);
    assert_eq!(world.metric(OWED), 1);
    let said = "HAProxy refused to reload; it goes on as it was";
    assert!(world.log().contains(said), "{}", world.log());
    for service in ["identity", "search"] {
        assert!(world.get(service).contains("200 OK"), "{service}");
    }
    fs::remove_file(&words).expect("removed");
    world.until("the reload is done", || world.metric(OWED) == 0);
    assert_eq!(world.haproxy(), worker, "it was not started again");
    assert!(world.get("search").contains("200 OK"));
}

/// A world whose `HAProxy` does `instead` when it is to look at a configuration, as long as the
/// file is there whose path comes with it.
fn with_haproxy_of_ours(instead: &str) -> Option<(World, PathBuf, Served)> {
    if !has_haproxy() {
        return None;
    }
    let mut world = World::new();
    let home = world.runtime();
    let home = home.parent().expect("a directory");
    let (program, words) = (home.join("haproxy"), home.join("refuse"));
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = -c ] && [ -e \"${{0%/*}}/refuse\" ]; then\n    {instead}; exit 0\nfi\nexec haproxy \"$@\"\n"
    );
    fs::write(&program, text).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a mode");
    world.haproxy_program = Some(program);
    // Before the Sidecar, so that no reload is due when the test begins.
    let one = Served::start(&world, "identity");
    world.start();
    Some((world, words, one))
}

#[test]
fn a_sidecar_that_stood_still_catches_up() {
    let Some(world) = World::running() else {
        return;
    };
    let _stays = Served::start(&world, "identity");
    let mut dies = Apart::start(&world, "identity");
    world.until("two are ready", || world.status().contains("\"ready\":2"));
    let load = Load::start(world.address(), "identity", "GET");
    kill_process(world.pid(), Signal::STOP).expect("a signal");
    dies.kill();
    let new = Served::start(&world, "search");
    thread::sleep(Duration::from_millis(300));
    let second = world.run(&["check"]);
    assert!(second.status.success(), "a look is free: {second:?}");
    let second = world.run(&["--once"]);
    assert_eq!(second.status.code(), Some(5), "it still has it: {second:?}");
    let killed = world.haproxy().expect("HAProxy");
    let count = load.count();
    assert_eq!(count.failed, Vec::<String>::new(), "{} good", count.good);
    kill_process(killed, Signal::KILL).expect("a signal");
    kill_process(world.pid(), Signal::CONT).expect("a signal");
    world.until_answer("search", &format!("port={};", new.port));
    world.until_answer("identity", "200 OK");
    world.until("one is left", || world.status().contains("\"ready\":1"));
    world.until("another one runs", || world.haproxy() != Some(killed));
}

/// The wall clock is used for one thing only: how long a service without instances is known.
/// Whatever it says, what has instances is routed.
#[test]
fn a_clock_that_jumped_costs_no_route() {
    if !has_haproxy() {
        return;
    }
    let mut world = World::new();
    let _one = Served::start(&world, "identity");
    let id = fs::read_dir(world.hosts()).expect("hosts").flatten();
    let id = id.map(|entry| entry.file_name().into_string().expect("a name"));
    let id = id.into_iter().find(|name| name.contains('@')).expect("one");
    let entry = fs::read_to_string(world.hosts().join(&id)).expect("an entry");
    // Written by a Sidecar whose clock was ahead by centuries, or by one that began in 1970.
    let routes = format!(
        r#"{{"v":1,"instances":{{"{id}":{}}},"empty":{{"ahead":99999999999,"behind":1}}}}"#,
        entry.trim()
    );
    fs::write(world.runtime().join("local/routes.json"), routes).expect("a file");
    world.start();
    assert!(world.get("identity").contains("200 OK"));
    assert!(world.get("ahead").starts_with("HTTP/1.1 503"));
    world.until_answer("behind", "HTTP/1.1 404");
    assert!(world.get("identity").contains("200 OK"));
}

#[test]
fn realms_on_one_machine_do_not_meet() {
    let Some(local) = World::running() else {
        return;
    };
    let mut test = local.beside("test");
    test.start();
    let [here, there] = [&local, &test].map(|world| Served::start(world, "identity"));
    let _only_there = Served::start(&test, "search");
    for (world, served) in [(&local, &here), (&test, &there)] {
        let ours = format!("port={};", served.port);
        world.until_answer("identity", &ours);
        for _ in 0..100 {
            assert!(world.get("identity").contains(&ours));
        }
    }
    test.until_answer("search", "200 OK");
    assert!(local.get("search").starts_with("HTTP/1.1 404"));
    drop(here);
    local.until_answer("identity", "HTTP/1.1 503");
    assert!(test.get("identity").contains("200 OK"));
    test.signal(Signal::INT);
    assert_eq!(test.get("identity"), "");
    assert!(
        local.get("search").starts_with("HTTP/1.1 404"),
        "it goes on"
    );
}
