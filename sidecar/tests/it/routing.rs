//! Who comes is routed, who drains is let go.

use std::process::Command;
use std::time::Duration;

use atlas::{Fact, Store};

use crate::instance::{Apart, Served};
use crate::load::Load;
use crate::world::{World, tell};

#[test]
fn a_registration_is_routed_without_a_reload() {
    let Some(world) = World::running() else {
        return;
    };
    let before = world.metric("sidecar_reloads_total{result=\"done\"}");
    let one = Served::start(&world, "identity");
    let took = world.until_answer("identity", &format!("port={};", one.port));
    assert!(took < Duration::from_secs(1), "{took:?}");
    let two = Served::start(&world, "identity");
    world.until_answer("identity", &format!("port={};", two.port));
    assert!(world.metric("sidecar_reloads_total{result=\"done\"}") <= before + 1);
    assert!(
        world.get("IDENTITY").contains("200 OK"),
        "names are told apart as hosts are"
    );
    world.until_written(&two);
}

#[test]
fn an_unknown_service_is_a_404_with_near_names() {
    let Some(world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    world.until("its name is offered", || {
        world.status().contains("\"identity\"")
    });
    let answer = world.get("identiy");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.contains("content-type: application/problem+json"),
        "{answer}"
    );
    assert!(answer.contains(r#""near":["identity"]"#), "{answer}");
    assert!(world.get("").contains("no service is named"));
    assert!(world.get("be_identity").contains("no such service"));
}

#[test]
fn a_known_service_without_instances_is_a_503_to_be_asked_again() {
    let Some(world) = World::running() else {
        return;
    };
    let mut one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    one.drain();
    world.until_answer("identity", "HTTP/1.1 503");
    drop(one);
    let answer = world.get("identity");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[test]
fn an_operator_takes_an_instance_out_and_back() {
    let Some(world) = World::running() else {
        return;
    };
    let one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let id = one
        .registration
        .as_ref()
        .expect("registered")
        .instance()
        .id
        .clone();
    let fact = Fact::Disabled(id);
    world
        .store()
        .compare_and_set(&fact, None, "")
        .expect("disabled");
    world.until_answer("identity", "HTTP/1.1 503");
    world.store().delete(&fact).expect("enabled");
    world.until_answer("identity", "200 OK");
}

#[test]
fn a_sick_instance_gets_nothing_until_it_is_well() {
    let Some(world) = World::running() else {
        return;
    };
    let sick = Served::with(&world.store(), "identity", |instance| {
        instance.health = Some("/health/ready".parse().expect("a path"));
    });
    world.until_answer("identity", "200 OK");
    sick.set_ready(false);
    let took = world.until_answer("identity", "HTTP/1.1 503");
    assert!(took < Duration::from_millis(3500), "{took:?}");
    sick.set_ready(true);
    world.until_answer("identity", "200 OK");
}

#[test]
fn rolling_deploys_lose_nothing() {
    let Some(world) = World::running() else {
        return;
    };
    let mut old = Apart::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let (get, post) = (
        Load::start(world.address(), "identity", "GET"),
        Load::start(world.address(), "identity", "POST"),
    );
    for _ in 0..10 {
        let new = Apart::start(&world, "identity");
        world.until_answer("identity", &format!("port={};", new.port));
        old.retire();
        old = new;
    }
    let (get, post) = (get.count(), post.count());
    tell(&format!("deploys 10: GET {} POST {}", get.good, post.good));
    assert!(get.good > 100 && post.good > 100);
    assert_eq!(
        (get.failed, post.failed),
        (vec![], vec![]),
        "{}",
        world.log()
    );
}

#[test]
fn reloads_under_load_lose_nothing() {
    let Some(world) = World::running() else {
        return;
    };
    let one = Served::start(&world, "identity");
    world.until_written(&one);
    let load = Load::start(world.address(), "identity", "GET");
    for _ in 0..50 {
        let pid = world
            .haproxy()
            .expect("HAProxy")
            .as_raw_nonzero()
            .to_string();
        let sent = Command::new("kill").args(["-USR2", &pid]).status();
        assert!(sent.expect("kill").success());
        std::thread::sleep(Duration::from_millis(80));
    }
    let count = load.count();
    tell(&format!("reloads 50: GET {}", count.good));
    assert!(count.good > 500);
    assert_eq!(count.failed, Vec::<String>::new(), "{}", world.log());
}

/// More instances than slots: nothing but a reload helps, and it comes at once.
#[test]
fn a_service_that_outgrows_its_slots_loses_nothing() {
    let Some(world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let load = Load::start(world.address(), "identity", "GET");
    let mut served = Vec::new();
    for port in 0..12 {
        let new = Served::start(&world, "identity");
        let took = world.until_answer("identity", &format!("port={};", new.port));
        assert!(took < Duration::from_secs(2), "instance {port}: {took:?}");
        served.push(new);
    }
    world.until("it was reloaded", || {
        world.metric("sidecar_reloads_total{result=\"done\"}") >= 1
    });
    assert_eq!(load.count().failed, Vec::<String>::new(), "{}", world.log());
}

#[test]
fn both_tell_of_themselves() {
    let Some(world) = World::running() else {
        return;
    };
    let metrics = world.metrics();
    for name in [
        "atlas_registry_connected 1",
        "haproxy_up 1",
        "sidecar_reload_owed 0",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    let mut other = World::new();
    other.ports[1] = world.ports[2];
    assert!(other.metrics().contains("haproxy_process_nbthread"));
}
