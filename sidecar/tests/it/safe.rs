//! What is not to be believed changes nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::instance::Served;
use crate::world::World;

#[test]
fn an_emptied_registry_changes_nothing_for_what_still_answers() {
    let Some(world) = World::running() else {
        return;
    };
    let mut served: Vec<_> = (0..4).map(|_| Served::start(&world, "identity")).collect();
    world.until("all are ready", || world.status().contains("\"ready\":4"));
    let hosts = world.hosts();
    for entry in fs::read_dir(&hosts).expect("hosts") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    world.until("they are doubted", || {
        world.metric("sidecar_brake_active") == 4
    });
    thread::sleep(Duration::from_millis(1200));
    assert!(world.status().contains("\"ready\":4"));
    // Those that do not answer go, one by one.
    served.pop().expect("one").close();
    world.until("one is gone", || world.status().contains("\"ready\":3"));
    fs::remove_dir_all(&hosts).expect("removed");
    thread::sleep(Duration::from_millis(300));
    assert!(world.get("identity").contains("200 OK"));
    served.iter().for_each(Served::close);
    world.until_answer("identity", "HTTP/1.1 503");
}

#[test]
fn a_restart_on_an_emptied_registry_goes_on_with_what_still_answers() {
    let Some(mut world) = World::running() else {
        return;
    };
    let stays = Served::start(&world, "identity");
    let goes = Served::start(&world, "other");
    world.until_written(&stays);
    world.until_written(&goes);
    world.signal(Signal::KILL);
    goes.close();
    fs::remove_dir_all(world.hosts()).expect("removed");
    world.start();
    world.until_answer("other", "HTTP/1.1 503");
    thread::sleep(Duration::from_millis(1200));
    let answer = world.get("identity");
    assert!(answer.contains("200 OK"), "{answer}\n{}", world.log());
}

#[test]
fn garbage_costs_only_itself() {
    let Some(world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let hosts = world.hosts();
    let mut held = Vec::new();
    for (name, text) in [
        ("a;disable frontend services@h:1", "{}"),
        (
            "evil@h:1",
            r#"{"v":1,"service":"evil;shutdown","addr":"127.0.0.1","port":1,"realm":"local"}"#,
        ),
        (
            "evil@h:2",
            r#"{"v":1,"service":"evil","addr":"127.0.0.1\n; quit","port":2,"realm":"local"}"#,
        ),
        (
            "evil@h:3",
            r#"{"v":1,"service":"evil","addr":"127.0.0.1","port":3,"realm":"other"}"#,
        ),
        ("evil@h:4", "not even JSON"),
        (
            "evil@h:5",
            r#"{"v":1,"service":"evil","addr":"127.0.0.1","port":5,"realm":"local","health":"/ HTTP/1.1\r\nx: y"}"#,
        ),
        ("new\nline@h:1", "{}"),
    ] {
        let aside = hosts.join(".draft");
        let file = fs::File::create(&aside).expect("a file");
        file.lock().expect("a lock");
        fs::write(&aside, text).expect("a text");
        fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
        fs::rename(&aside, hosts.join(name)).expect("a name");
        held.push(file);
    }
    world.until("they are counted", || {
        world.metric("atlas_bad_entries") >= 5
    });
    assert!(world.get("identity").contains("200 OK"));
    assert!(world.get("evil").starts_with("HTTP/1.1 404"));
    let _two = Served::start(&world, "two");
    world.until_answer("two", "200 OK");
    assert!(world.log().contains("counts for nothing"));
    let check = world.run(&["check"]);
    assert_eq!(check.status.code(), Some(4), "{check:?}");
}

#[test]
fn a_second_sidecar_is_refused() {
    let Some(mut world) = World::running() else {
        return;
    };
    let ports = world.ports;
    world.ports = World::new().ports;
    let second = world.run(&[]);
    world.ports = ports;
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(5), "{said}");
    assert!(said.contains("error: another Sidecar works in `"), "{said}");
    assert!(said.contains("help: "), "{said}");
}

#[test]
fn a_port_that_another_haproxy_has_is_refused() {
    let Some(world) = World::running() else {
        return;
    };
    let mut other = World::new();
    other.ports[0] = world.ports[0];
    let refused = other.run(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("help: sidecar --listen"), "{said}");
    assert!(world.get("x").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_registry_that_cannot_be_read_changes_nothing() {
    let Some(world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let hosts = world.hosts();
    let aside = world.runtime().join("local/aside");
    fs::rename(&hosts, &aside).expect("renamed");
    fs::write(&hosts, "no folder").expect("a file");
    world.until("it is noticed", || {
        world.metric("atlas_registry_connected") == 0
    });
    assert!(world.get("identity").contains("200 OK"));
    fs::remove_file(&hosts).expect("removed");
    fs::rename(&aside, &hosts).expect("renamed");
    world.until("it is back", || {
        world.metric("atlas_registry_connected") == 1
    });
    assert!(world.get("identity").contains("200 OK"));
}
