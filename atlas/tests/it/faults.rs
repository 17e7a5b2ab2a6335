//! A cluster that loses members, history, connections and its patience.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use atlas::{
    Cluster, Error, Etcd, Event, Fact, Instance, Reason, Revision, Snapshot, Store, Watch,
};
use rustix::process::Signal;
use serde_json::json;

use crate::child::Member;
use crate::contract::{apply, follow};
use crate::home::{id, instance, until};
use crate::servers::{Servers, b64};

const TICK: Duration = Duration::from_millis(50);

/// Follows until there are so many, whatever the watch complains of on the way.
#[track_caller]
fn in_the_end(watch: &mut dyn Watch, seen: &mut Snapshot, instances: usize) -> Duration {
    let began = Instant::now();
    while seen.instances.len() != instances {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "not so: {seen:?}"
        );
        if let Ok(event) = watch.next(TICK) {
            apply(event, seen);
        }
    }
    began.elapsed()
}

fn is_away(outcome: &Result<Snapshot, Error>) -> bool {
    matches!(outcome, Err(Error::Away { .. }))
}

#[test]
fn a_killed_leader_costs_an_election_and_nothing_else() {
    let Some(mut servers) = Servers::three() else {
        return;
    };
    let store = servers.store("local");
    let _one = store.register(&instance("a@h:1")).expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    in_the_end(&mut *watch, &mut seen, 1);
    servers.kill(servers.leader());
    let _two = store.register(&instance("b@h:2")).expect("a free name");
    in_the_end(&mut *watch, &mut seen, 2);
    assert_eq!(
        seen.instances,
        store.read().expect("a store").instances,
        "nothing was lost on the way"
    );
}

#[test]
fn a_minority_says_nothing_rather_than_the_past() {
    let Some(servers) = Servers::three() else {
        return;
    };
    let store = servers.store("local");
    let _one = store.register(&instance("a@h:1")).expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    in_the_end(&mut *watch, &mut seen, 1);
    let cut_off = [servers.leader(), (servers.leader() + 1) % 3];
    for member in cut_off {
        servers.signal(member, Signal::STOP);
    }
    let began = Instant::now();
    let outcome = store.read();
    assert!(is_away(&outcome), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(9));
    // The watch notices, too, and does not just stay silent.
    let failed = loop {
        assert!(began.elapsed() < Duration::from_secs(20), "still silent");
        match watch.next(TICK) {
            Err(error) => break error,
            Ok(event) => apply(event, &mut seen),
        }
    };
    assert!(matches!(failed, Error::Away { .. }), "{failed:?}");
    assert_eq!(seen.instances.len(), 1, "what was known stays known");
    for member in cut_off {
        servers.signal(member, Signal::CONT);
    }
    let full = loop {
        match watch.next(TICK) {
            Ok(Some(event)) => break event,
            Ok(None) | Err(Error::Away { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert!(matches!(full, Event::Full(_)), "{full:?}");
    until("its own comes back", || {
        store.read().is_ok_and(|now| now.instances.len() == 1)
    });
}

#[test]
fn who_follows_from_a_forgotten_past_gets_everything() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let store = servers.store("local");
    let known = store.read().expect("a store");
    let _one = store.register(&instance("a@h:1")).expect("a free name");
    servers.compact();
    let mut watch = store.watch(known.revision).expect("a watch");
    let event = watch.next(TICK).expect("a watch");
    let Some(Event::Full(full)) = event else {
        panic!("{event:?}")
    };
    assert_eq!(full, store.read().expect("a store"));
    // A state that this cluster never had: of one that was lost, say.
    let _two = store.register(&instance("b@h:2")).expect("a free name");
    let ahead = store.read().expect("a store").revision;
    drop(servers);
    let Some(other) = Servers::one() else { return };
    let mut watch = other.store("local").watch(ahead).expect("a watch");
    let event = watch.next(TICK).expect("a watch");
    assert!(matches!(event, Some(Event::Full(_))), "{event:?}");
}

#[test]
fn an_etcd_that_comes_back_with_its_history_forgotten_is_read_anew() {
    let Some(mut servers) = Servers::one() else {
        return;
    };
    let store = servers.store("local");
    let guard = store.register(&instance("a@h:1")).expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    follow(&mut *watch, &mut seen, |seen| seen.instances.len() == 1);
    servers.kill(0);
    assert!(is_away(&store.read()));
    assert!(matches!(watch.next(TICK), Err(Error::Away { .. })));
    // Said while nobody could hear it, and made good later.
    drop(guard);
    let refused = store.register(&instance("b@h:2")).map(drop);
    assert!(matches!(refused, Err(Error::Away { .. })), "{refused:?}");
    servers.launch(0);
    servers.until_ready();
    servers.put("/atlas/v1/local/settings/a", "{\"v\":1,\"settings\":{}}");
    servers.compact();
    in_the_end(&mut *watch, &mut seen, 0);
    assert_eq!(seen.settings.len(), 1, "{seen:?}");
    let _three = store.register(&instance("c@h:3")).expect("a free name");
    in_the_end(&mut *watch, &mut seen, 1);
}

#[test]
fn a_stopped_owner_is_gone_with_the_lease_and_back_by_itself() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let store = servers.store("local");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    let owner = Member::in_cluster(&servers.list(), "orders@host001:5000");
    in_the_end(&mut *watch, &mut seen, 1);
    owner.signal("STOP");
    let took = in_the_end(&mut *watch, &mut seen, 0);
    assert!(took > Duration::from_secs(6), "a lease lasts: {took:?}");
    owner.signal("CONT");
    in_the_end(&mut *watch, &mut seen, 1);
    owner.kill();
}

#[test]
fn a_stream_that_is_silent_for_no_reason_is_found_out() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let proxy = Proxy::start(servers.port(0));
    let cluster = Cluster::new(&format!("http://127.0.0.1:{}", proxy.port)).expect("a list");
    let store = Etcd::new(&cluster, "local".parse().expect("a realm"));
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    let one = servers.store("local");
    let guard = one.register(&instance("a@h:1")).expect("a free name");
    in_the_end(&mut *watch, &mut seen, 1);
    proxy.freeze();
    drop(guard);
    let took = in_the_end(&mut *watch, &mut seen, 0);
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn a_bad_entry_costs_only_itself() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let store = servers.store("local");
    let _good = store.register(&instance("a@h:1")).expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    let hosts = "/atlas/v1/local/hosts";
    let line = instance("b@h:2").to_line();
    let long = "x".repeat(20_000);
    let bad = [
        (format!("{hosts}/b/h:2"), line.as_str(), "no-lease"),
        (format!("{hosts}/b/h:03"), line.as_str(), "name"),
        (format!("{hosts}/a/h:1/enabled"), "no", "content"),
        ("/atlas/v1/local/settings/a".to_owned(), "{}", "content"),
        ("/atlas/v1/local/settings/b".to_owned(), &long, "too-long"),
        ("/atlas/v1/local/a;\n".to_owned(), "", "name"),
    ];
    for (key, value, _) in &bad {
        servers.put(key, value);
    }
    follow(&mut *watch, &mut seen, |seen| seen.bad.len() == bad.len());
    assert_eq!(seen, store.read().expect("a store"));
    assert_eq!(seen.instances.len(), 1);
    for (key, _, word) in &bad {
        let place = key.escape_debug().to_string();
        let found = seen.bad.iter().find(|bad| bad.place == place);
        assert_eq!(found.map(|bad| bad.reason.word()), Some(*word), "{key}");
    }
    for (key, ..) in &bad {
        servers.delete(key);
    }
    follow(&mut *watch, &mut seen, |seen| seen.bad.is_empty());
    assert_eq!(Reason::Unowned.word(), "no-lease");
}

#[test]
fn more_than_a_page_is_read_whole() {
    let Some(servers) = Servers::one() else {
        return;
    };
    for hundred in 0..41 {
        let put = |one| {
            let key = b64(&format!("/atlas/v1/local/settings/s{hundred}-{one}"));
            json!({ "request_put": { "key": key, "value": b64("{\"v\":1,\"settings\":{}}") } })
        };
        let puts: Vec<_> = (0..100).map(put).collect();
        servers.ask("/v3/kv/txn", &json!({ "success": puts }));
    }
    let read = servers.store("local").read().expect("a store");
    assert_eq!((read.settings.len(), read.bad.len()), (4100, 0));
}

#[test]
fn a_user_has_the_rights_of_the_role_and_gets_a_new_token_when_the_old_is_refused() {
    let Some(mut servers) = Servers::one() else {
        return;
    };
    for user in ["root", "atlas"] {
        let words = json!({ "name": user, "password": "secret" });
        servers.ask("/v3/auth/user/add", &words);
        servers.ask("/v3/auth/role/add", &json!({ "name": user }));
        servers.ask(
            "/v3/auth/user/grant",
            &json!({ "user": user, "role": user }),
        );
    }
    let all = json!({
        "permType": "READWRITE",
        "key": b64("/atlas/v1/local/"),
        "range_end": b64("/atlas/v1/local0"),
    });
    let grant = json!({ "name": "atlas", "perm": all });
    servers.ask("/v3/auth/role/grant", &grant);
    servers.ask("/v3/auth/enable", &json!({}));
    let refused = |cluster: Cluster, realm: &str| {
        let store = Etcd::new(&cluster, realm.parse().expect("a realm"));
        let refused = store.read();
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    };
    refused(servers.cluster(), "local");
    refused(servers.cluster().login("atlas", "wrong"), "local");
    refused(servers.cluster().login("atlas", "secret"), "prod");
    let cluster = servers.cluster().login("atlas", "secret");
    let store = Etcd::new(&cluster, "local".parse().expect("a realm"));
    let _one = store.register(&instance("a@h:1")).expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    in_the_end(&mut *watch, &mut seen, 1);
    // It forgets its tokens.
    servers.kill(0);
    servers.launch(0);
    let two = instance("b@h:2");
    let mut guard = None;
    until("it can be written again", || store.read().is_ok());
    guard.get_or_insert_with(|| store.register(&two).expect("a free name"));
    in_the_end(&mut *watch, &mut seen, 2);
}

/// Each side has a certificate, by the variables that the programs read.
#[test]
fn over_tls_only_who_is_trusted_is_believed() {
    let Some(servers) = Servers::with_tls() else {
        return;
    };
    let variables = |own: bool| {
        let (list, file) = (servers.list(), servers.file("cert.pem"));
        let key = servers.file("key.pem");
        move |name: &str| match name {
            "ATLAS_ETCD" => Some(list.clone().into()),
            "ATLAS_ETCD_CA" => Some(file.clone().into()),
            "ATLAS_ETCD_CERT" if own => Some(file.clone().into()),
            "ATLAS_ETCD_KEY" if own => Some(key.clone().into()),
            _ => None,
        }
    };
    let store_of = |cluster| Etcd::new(&cluster, "local".parse().expect("a realm"));
    let found = |own| Cluster::find(None, variables(own)).expect("files in PEM");
    let store = store_of(found(true).expect("a cluster"));
    let fact = Fact::Disabled(id("a@h:1"));
    until("it answers", || store.read().is_ok());
    store.compare_and_set(&fact, None, "").expect("a new fact");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    follow(&mut *watch, &mut seen, |seen| seen.disabled.len() == 1);
    // Nobody vouches for it, and nobody for us.
    for stranger in [servers.cluster(), found(false).expect("a cluster")] {
        let outcome = store_of(stranger).read();
        assert!(is_away(&outcome), "{outcome:?}");
    }
}

/// What a process in our place had registered is ours, as long as the lease lives.
#[test]
fn a_lease_can_be_handed_over() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let first = servers.store("local");
    let guard = first.register(&instance("a@h:1")).expect("a free name");
    let lease = first.lease().expect("a lease");
    // As if killed: nobody says goodbye.
    std::mem::forget(guard);
    let second = servers.store("local");
    let refused = second.register(&instance("a@h:1")).map(drop);
    assert!(matches!(refused, Err(Error::Held { .. })), "{refused:?}");
    let third = servers.store("local");
    third.resume(lease);
    let drained = Instance {
        draining: true,
        ..instance("a@h:1")
    };
    let _guard = third.register(&drained).expect("ours");
    let read = third.read().expect("a store").instances;
    assert_eq!(read.values().collect::<Vec<_>>(), [&drained]);
    third.leave();
    assert!(third.read().expect("a store").instances.is_empty());
}

/// Whoever is first to notice: here a third registration, under a lease that is no more.
#[test]
fn a_lost_lease_takes_nothing_along_for_good() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let store = servers.store("local");
    let ids = ["a@h:1", "b@h:2", "c@h:3"];
    let register = |id| store.register(&instance(id)).expect("a free name");
    let _two = [register(ids[0]), register(ids[1])];
    let lease = store.lease().expect("a lease").to_string();
    servers.ask("/v3/lease/revoke", &json!({ "ID": lease }));
    assert!(store.read().expect("a store").instances.is_empty());
    let mut third = register(ids[2]);
    until("all are back", || {
        store.read().expect("a store").instances.len() == 3
    });
    // Tidied away by hand, under a lease that lives.
    servers.delete("/atlas/v1/local/hosts/c/h:3");
    assert!(third.renew().expect("a store"));
    assert!(!third.renew().expect("a store"));
    store.leave();
    let late = store.register(&instance("d@h:4")).map(drop);
    assert!(matches!(late, Err(Error::Refused { .. })), "{late:?}");
}

/// Something between a client and etcd that can go silent without closing anything, for the
/// connections that are there then.
struct Proxy {
    port: u16,
    is_frozen: Arc<AtomicBool>,
}

impl Proxy {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let is_frozen = Arc::new(AtomicBool::new(false));
        let frozen = Arc::clone(&is_frozen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                // What comes after the frost is spared.
                let frozen = if frozen.load(Ordering::Relaxed) {
                    Arc::default()
                } else {
                    Arc::clone(&frozen)
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let ends = from
                        .try_clone()
                        .and_then(|a| to.try_clone().map(|b| (a, b)));
                    let (from, to) = ends.expect("two streams");
                    let frozen = Arc::clone(&frozen);
                    thread::spawn(move || pass(from, to, &frozen));
                }
            }
        });
        Self { port, is_frozen }
    }

    fn freeze(&self) {
        self.is_frozen.store(true, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_frozen: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !is_frozen.load(Ordering::Relaxed) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !is_frozen.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
