//! Two hosts on one machine: a Sidecar, an `HAProxy` and a directory each, and one etcd.

use std::thread;
use std::time::{Duration, Instant};

use atlas::{Change, Event, Fact, Revision, Store, Watch};
use rustix::process::Signal;

use crate::instance::{Served, instance};
use crate::load::Load;
use crate::speed::told;
use crate::world::{World, has_haproxy, tell};
use servers::Servers;

#[allow(dead_code, reason = "the tests of Atlas want more of them")]
#[path = "../../../atlas/tests/it/servers.rs"]
mod servers;

/// Spare backends are 64, so all of these come without a reload.
const SERVICES: usize = 50;

struct Hosts {
    here: World,
    there: World,
    etcd: Servers,
}

impl Hosts {
    fn running() -> Option<Self> {
        if !has_haproxy() {
            return None;
        }
        let etcd = Servers::one()?;
        let host = |name: &str| {
            let mut world = World::new();
            world.env = vec![
                ("ATLAS_ETCD", etcd.list()),
                ("SIDECAR_HOST", name.to_owned()),
                ("SIDECAR_ADVERTISE", "127.0.0.1".to_owned()),
            ];
            world.start();
            world
        };
        let (here, there) = (host("here"), host("there"));
        Some(Self { here, there, etcd })
    }

    fn is_connected(&self, world: &World) -> bool {
        let _ = self;
        world.metric("atlas_registry_connected") == 1
    }

    /// As the cluster calls it.
    fn disabled(served: &Served, host: &str) -> Fact {
        let id = format!("identity@{host}:{}", served.port);
        Fact::Disabled(id.parse().expect("an instance"))
    }
}

#[test]
fn a_service_of_one_host_is_called_on_the_other() {
    let Some(hosts) = Hosts::running() else {
        return;
    };
    let (here, there) = (&hosts.here, &hosts.there);
    let mut remote = Served::with(&there.store(), "identity", |instance| {
        instance.health = Some("/health/ready".parse().expect("a path"));
    });
    here.until_answer("identity", &format!("port={};", remote.port));
    // What an operator says of it is heard on both.
    let (store, fact) = (hosts.etcd.store("local"), Hosts::disabled(&remote, "there"));
    store.compare_and_set(&fact, None, "").expect("a new fact");
    here.until_answer("identity", " 503 ");
    there.until_answer("identity", " 503 ");
    store.delete(&fact).expect("a fact");
    here.until_answer("identity", " 200 ");
    there.until_answer("identity", " 200 ");
    // What its own Sidecar sees of it, too.
    remote.set_ready(false);
    here.until_answer("identity", " 503 ");
    remote.set_ready(true);
    here.until_answer("identity", " 200 ");
    remote.drain();
    here.until_answer("identity", " 503 ");
    drop(remote.registration.take());
    here.until("it is gone from the cluster", || {
        hosts
            .etcd
            .store("local")
            .read()
            .expect("a store")
            .instances
            .is_empty()
    });
}

#[test]
fn settings_of_the_cluster_are_read_on_every_host() {
    let Some(hosts) = Hosts::running() else {
        return;
    };
    let cluster = hosts.etcd.store("local");
    let fact = Fact::Settings("identity".parse().expect("a service"));
    let text = |world: &World| {
        let kept = world.store().get(&fact).expect("a directory");
        kept.map(|kept| kept.text.trim().to_owned())
    };
    let both = |expected: Option<&str>| {
        for world in [&hosts.here, &hosts.there] {
            world.until("it is there", || text(world).as_deref() == expected);
        }
    };
    let line = r#"{"v":1,"settings":{"limits.timeout":"5s"}}"#;
    let version = cluster.compare_and_set(&fact, None, line);
    both(Some(line));
    let other = r#"{"v":1,"settings":{"limits.timeout":"6s"}}"#;
    let version = version.expect("a new fact");
    cluster
        .compare_and_set(&fact, Some(version), other)
        .expect("a fact");
    both(Some(other));
    cluster.delete(&fact).expect("a fact");
    both(None);
}

#[test]
fn an_etcd_that_is_away_fails_no_request() {
    let Some(mut hosts) = Hosts::running() else {
        return;
    };
    let _remote = Served::start(&hosts.there, "identity");
    let _local = Served::start(&hosts.here, "dashboard");
    hosts.here.until_answer("identity", " 200 ");
    hosts.here.until_answer("dashboard", " 200 ");
    let loads =
        ["identity", "dashboard"].map(|service| Load::start(hosts.here.address(), service, "GET"));
    hosts.etcd.kill(0);
    let here = &hosts.here;
    here.until("it is noticed", || !hosts.is_connected(here));
    // What changes on this host still does.
    let _new = Served::start(here, "search");
    let took = here.until_answer("search", " 200 ");
    assert!(took < Duration::from_secs(1), "{took:?}");
    thread::sleep(Duration::from_secs(2));
    assert!(!here.metrics().contains("atlas_stale_seconds 0\n"));
    hosts.etcd.launch(0);
    hosts.etcd.until_ready();
    let here = &hosts.here;
    here.until("it is connected again", || hosts.is_connected(here));
    hosts.there.until_answer("search", " 200 ");
    // And back without its memory: an empty registry is not the truth.
    hosts.etcd.kill(0);
    hosts.etcd.forget(0);
    hosts.etcd.launch(0);
    hosts.etcd.until_ready();
    hosts.here.until("all is published again", || {
        hosts
            .etcd
            .store("local")
            .read()
            .expect("a store")
            .instances
            .len()
            == 3
    });
    for load in loads {
        let count = load.count();
        tell(&format!("etcd away and back: GET {}", count.good));
        assert!(count.good > 1000, "{count:?}");
        assert!(count.failed.is_empty(), "{count:?}");
    }
}

#[test]
fn a_restarted_sidecar_goes_on_with_its_lease() {
    let Some(mut hosts) = Hosts::running() else {
        return;
    };
    let remote = Served::start(&hosts.there, "identity");
    hosts.here.until_answer("identity", " 200 ");
    let store = hosts.etcd.store("local");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    for signal in [Signal::TERM, Signal::KILL] {
        hosts.there.signal(signal);
        hosts.there.start();
    }
    // It has taken over: what it is told is heard.
    let fact = Hosts::disabled(&remote, "there");
    store.compare_and_set(&fact, None, "").expect("a new fact");
    hosts.there.until_answer("identity", " 503 ");
    let _more = Served::start(&hosts.there, "more");
    let downs = downs_until_up(&mut *watch, "more");
    assert_eq!(downs, Vec::<String>::new(), "{}", hosts.there.log());
    // Ended for good, it takes its host along at once.
    hosts.there.signal(Signal::INT);
    assert!(store.read().expect("a store").instances.is_empty());
}

#[test]
fn without_a_loop_both_are_read() {
    let Some(etcd) = Servers::one().filter(|_| has_haproxy()) else {
        return;
    };
    let mut world = World::new();
    world.env = vec![("ATLAS_ETCD", etcd.list()), ("SIDECAR_HOST", "here".into())];
    let _local = Served::start(&world, "dashboard");
    let mut remote = instance("identity", 9);
    remote.id.host = "there".parse().expect("a host");
    let store = etcd.store("local");
    let _remote = store.register(&remote).expect("a free name");
    let ran = world.run(&["check"]);
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(
        out.starts_with("2 services, 2 of 2 instances ready"),
        "{ran:?}"
    );
    drop(etcd);
    let ran = world.run(&["check"]);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(
        err.contains("cannot reach etcd at `http://127.0.0.1:"),
        "{err}"
    );
    assert_eq!(ran.status.code(), Some(8));
    let ran = world.run(&["--etcd", "localhost", "check"]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
}

/// What went before that service came.
fn downs_until_up(watch: &mut dyn Watch, service: &str) -> Vec<String> {
    let (began, mut downs) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(10) {
        let event = watch.next(Duration::from_millis(50)).expect("a watch");
        let Some(Event::Changed { changes, .. }) = event else {
            continue;
        };
        for change in changes {
            match change {
                Change::Up(instance) if instance.id.service.as_str() == service => return downs,
                Change::Down(id) => downs.push(id.to_string()),
                _ => {}
            }
        }
    }
    panic!("{service} never came")
}

#[test]
fn a_brand_new_service_is_called_on_the_other_host_within_milliseconds() {
    let Some(hosts) = Hosts::running() else {
        return;
    };
    let (mut took, mut served) = (Vec::new(), Vec::new());
    for number in 0..SERVICES {
        let service = format!("new{number}");
        let one = Served::prepare(&service);
        let began = Instant::now();
        served.push(one.register(&hosts.there.store()));
        while !hosts.here.get(&service).contains("200 OK") {
            let late = began.elapsed() > Duration::from_secs(5);
            assert!(!late, "{}", hosts.here.log());
            // Who asks all the time takes a core from six programs that share two.
            thread::sleep(Duration::from_micros(300));
        }
        took.push(began.elapsed());
    }
    let median = told("new service on one host to first answer on the other", took);
    assert!(median < Duration::from_millis(200), "{median:?}");
}
