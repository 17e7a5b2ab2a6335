//! Instances, `HAProxy` and Sidecars that die.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::instance::{Apart, Served};
use crate::load::Load;
use crate::world::{World, tell};

#[test]
fn a_killed_instance_is_out_at_once() {
    let Some(world) = World::running() else {
        return;
    };
    let _stays = Served::start(&world, "identity");
    let mut dies = Apart::start(&world, "identity");
    world.until_answer("identity", &format!("port={};", dies.port));
    let load = Load::start(world.address(), "identity", "GET");
    dies.kill();
    let took = world.until("one is left", || world.status().contains("\"ready\":1"));
    tell(&format!("kill -9 to out: {took:?}"));
    let count = load.count();
    assert_eq!(count.failed, Vec::<String>::new());
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn the_last_instance_killed_is_a_503() {
    let Some(world) = World::running() else {
        return;
    };
    let mut dies = Apart::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    dies.kill();
    world.until("none is left", || world.status().contains("\"ready\":0"));
    assert!(world.get("identity").starts_with("HTTP/1.1 503"));
}

#[test]
fn a_killed_haproxy_is_started_again() {
    let Some(world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let killed = world.haproxy().expect("HAProxy");
    kill_process(killed, Signal::KILL).expect("a signal");
    let began = Instant::now();
    world.until_answer("identity", "200 OK");
    world.until("another one runs", || {
        world.haproxy().is_some_and(|pid| pid != killed)
    });
    tell(&format!("HAProxy killed to served: {:?}", began.elapsed()));
    world.until("it was counted", || {
        world.metric("haproxy_restarts_total") > 0
    });
    let _two = Served::start(&world, "other");
    world.until_answer("other", "200 OK");
}

#[test]
fn a_sidecar_takes_over_without_a_lost_request() {
    let Some(mut world) = World::running() else {
        return;
    };
    let _one = Served::start(&world, "identity");
    world.until_answer("identity", "200 OK");
    let load = Load::start(world.address(), "identity", "GET");
    let before = world.haproxy();
    for signal in [Signal::TERM, Signal::KILL] {
        world.signal(signal);
        assert!(world.get("identity").contains("200 OK"), "HAProxy goes on");
        world.start();
        let new = Served::start(&world, "identity");
        world.until_answer("identity", &format!("port={};", new.port));
    }
    assert_eq!(world.haproxy(), before, "it is the same HAProxy");
    assert_eq!(load.count().failed, Vec::<String>::new(), "{}", world.log());
}

#[test]
fn who_died_while_no_sidecar_looked_is_gone_and_the_others_stay() {
    let Some(mut world) = World::running() else {
        return;
    };
    let stays = Served::start(&world, "identity");
    let mut dies = Apart::start(&world, "other");
    world.until_answer("other", "200 OK");
    world.until_answer("identity", "200 OK");
    world.signal(Signal::KILL);
    dies.kill();
    world.start();
    world.until_answer("identity", &format!("port={};", stays.port));
    world.until_answer("other", "HTTP/1.1 503");
}

#[test]
fn ctrl_c_and_stop_end_both() {
    let Some(mut world) = World::running() else {
        return;
    };
    world.signal(Signal::INT);
    assert_eq!(world.get("any"), "");
    world.start();
    let stopped = world.run(&["stop"]);
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(world.get("any"), "");
}

#[test]
fn while_the_sidecar_is_away_unknown_services_are_404_all_the_same() {
    let Some(mut world) = World::running() else {
        return;
    };
    world.signal(Signal::KILL);
    let answer = world.get("nobody");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}
