//! What every store must hold to, whatever it is made of.
//!
//! Each store says at the end how it is opened. Two handles that are opened alike
//! are two processes' views of the same registry.

use std::time::{Duration, Instant};

use atlas::{
    Change, Error, Event, Fact, Instance, Revision, Settings, Snapshot, Store, Version, Watch,
};

use crate::home::{id, instance};

type Open<'a> = &'a dyn Fn(&str) -> Box<dyn Store>;

/// Applies what a watch tells until it is so.
pub fn follow(watch: &mut dyn Watch, seen: &mut Snapshot, is: impl Fn(&Snapshot) -> bool) {
    let began = Instant::now();
    while !is(seen) {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "still not: {seen:?}"
        );
        apply(
            watch.next(Duration::from_millis(50)).expect("a watch"),
            seen,
        );
    }
}

pub fn apply(event: Option<Event>, seen: &mut Snapshot) {
    match event {
        None => {}
        Some(Event::Full(snapshot)) => *seen = snapshot,
        Some(Event::Changed { revision, changes }) => {
            assert!(!changes.is_empty());
            seen.revision = revision;
            for change in changes {
                seen.apply(change);
            }
        }
    }
}

fn nobody_has_used_it(open: Open) {
    let empty = open("local").read().expect("an empty store");
    assert_eq!(
        empty,
        Snapshot {
            revision: empty.revision,
            ..Snapshot::default()
        }
    );
}

fn a_registration_lasts_as_long_as_its_guard(open: Open) {
    let mut orders = instance("orders@host001:5000");
    orders.release = Some("1.4.0".parse().expect("a release"));
    let guard = open("local").register(&orders).expect("a free name");
    let read = || open("local").read().expect("a store").instances;
    assert_eq!(read().into_values().collect::<Vec<_>>(), [orders]);
    drop(guard);
    assert!(read().is_empty());
}

fn a_name_has_one_owner(open: Open) {
    let orders = instance("orders@host001:5000");
    let guard = open("local").register(&orders).expect("a free name");
    let second = open("local").register(&orders).map(drop);
    assert!(matches!(second, Err(Error::Held { .. })), "{second:?}");
    drop(guard);
    open("local")
        .register(&orders)
        .map(drop)
        .expect("a free name");
}

fn realms_do_not_see_each_other(open: Open) {
    let orders = instance("orders@host001:5000");
    let _guard = open("local").register(&orders).expect("a free name");
    let mut other = orders.clone();
    other.realm = "test".parse().expect("a realm");
    let _other = open("test").register(&other).expect("free in this realm");
    for (realm, expected) in [("local", &orders), ("test", &other)] {
        let read = open(realm).read().expect("a store").instances;
        assert_eq!(read.values().collect::<Vec<_>>(), [expected]);
    }
    assert!(open("prod").read().expect("a store").instances.is_empty());
}

fn an_update_is_one_step(open: Open) {
    let store = open("local");
    let mut guard = store
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    follow(&mut *watch, &mut seen, |seen| seen.instances.len() == 1);
    guard.drain().expect("an update");
    let event = watch.next(Duration::from_secs(20)).expect("a watch");
    let drained = Instance {
        draining: true,
        ..instance("orders@host001:5000")
    };
    let Some(Event::Changed { changes, .. }) = event else {
        panic!("{event:?}")
    };
    assert_eq!(changes, [Change::Up(drained.clone())]);
    assert_eq!(guard.instance(), &drained);
    assert!(!guard.renew().expect("an entry"));
}

fn a_watch_resumes_or_begins_anew(open: Open) {
    let store = open("local");
    let _one = store
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    let known = store.read().expect("a store");
    let mut watch = store.watch(known.revision).expect("a watch");
    assert_eq!(
        watch.next(Duration::from_millis(20)).expect("a watch"),
        None
    );
    let _two = store
        .register(&instance("orders@host001:5001"))
        .expect("a free name");
    let mut seen = known.clone();
    follow(&mut *watch, &mut seen, |seen| seen.instances.len() == 2);
    assert_eq!(seen, store.read().expect("a store"));
    // From a state that has passed.
    let mut seen = known.clone();
    let mut watch = store.watch(known.revision).expect("a watch");
    follow(&mut *watch, &mut seen, |seen| seen.instances.len() == 2);
    assert_eq!(seen, store.read().expect("a store"));
}

fn what_an_operator_said_is_kept(open: Open) {
    let store = open("local");
    let (orders, fact) = (
        id("orders@host001:5000"),
        Fact::Disabled(id("orders@host001:5000")),
    );
    store.compare_and_set(&fact, None, "").expect("a new fact");
    assert!(store.read().expect("a store").disabled.contains(&orders));
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    let _guard = open("local")
        .register(&instance("orders@host001:5000"))
        .expect("a free name");
    follow(&mut *watch, &mut seen, |seen| {
        seen.instances.contains_key(&orders)
    });
    assert!(!seen.instances[&orders].is_up());
    assert!(store.delete(&fact).expect("a fact"));
    assert!(!store.delete(&fact).expect("none any more"));
    follow(&mut *watch, &mut seen, |seen| {
        seen.instances[&orders].is_up()
    });
    assert_eq!(seen, store.read().expect("a store"));
}

fn only_what_was_seen_is_replaced(open: Open) {
    let store = open("local");
    let fact = Fact::Settings("orders".parse().expect("a name"));
    let text = |value: u32| format!("{{\"v\":1,\"settings\":{{\"a\":{value}}}}}\n");
    let set = |seen: Option<Version>, value| store.compare_and_set(&fact, seen, &text(value));
    let conflicts = |result: Result<Version, Error>| {
        assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
    };
    let first = set(None, 1).expect("a new fact");
    conflicts(set(None, 2));
    let second = set(Some(first), 2).expect("as seen");
    conflicts(set(Some(first), 3));
    let kept = store.get(&fact).expect("a store").expect("a fact");
    assert_eq!((kept.version, kept.text), (second, text(2)));
    assert!(store.delete(&fact).expect("a fact"));
    conflicts(set(Some(second), 4));
    assert_eq!(store.get(&fact).expect("a store"), None);
    let damaged = store.compare_and_set(&fact, None, "{}");
    assert!(matches!(damaged, Err(Error::Damaged { .. })), "{damaged:?}");
}

fn settings_are_watched(open: Open) {
    let store = open("local");
    let service = || "orders".parse().expect("a name");
    let mut watch = store.watch(Revision::NONE).expect("a watch");
    let mut seen = Snapshot::default();
    let text = "{\"v\":1,\"settings\":{\"limits.timeout\":\"5s\"}}\n";
    store
        .compare_and_set(&Fact::Settings(service()), None, text)
        .expect("a new fact");
    follow(&mut *watch, &mut seen, |seen| !seen.settings.is_empty());
    assert_eq!(
        seen.settings
            .get(&service())
            .map(Settings::to_line)
            .as_deref(),
        Some(text)
    );
    store.delete(&Fact::Settings(service())).expect("a fact");
    follow(&mut *watch, &mut seen, |seen| seen.settings.is_empty());
}

fn a_port_is_promised_once(open: Open) {
    let fact = Fact::Port(atlas::parse_port("5004").expect("a port"));
    let text = |service: &str| {
        format!(
            "{{\"v\":1,\"service\":\"{service}\",\"directory\":\"/srv/{service}\",\"since\":\"2026-11-25T10:00:00Z\"}}\n"
        )
    };
    open("local")
        .compare_and_set(&fact, None, &text("orders"))
        .expect("a free port");
    // The realms of a machine share its ports.
    let second = open("test").compare_and_set(&fact, None, &text("billing"));
    assert!(matches!(second, Err(Error::Conflict { .. })), "{second:?}");
}

/// Each of the contracts as a test of a module of its own, by a way to open a store.
macro_rules! holds {
    ($under:ident, $open:item) => {
        holds!(
            $under, $open,
            nobody_has_used_it,
            a_registration_lasts_as_long_as_its_guard,
            a_name_has_one_owner,
            realms_do_not_see_each_other,
            an_update_is_one_step,
            a_watch_resumes_or_begins_anew,
            what_an_operator_said_is_kept,
            only_what_was_seen_is_replaced,
            settings_are_watched,
            a_port_is_promised_once,
        );
    };
    ($under:ident, $open:item, $($contract:ident),* $(,)?) => {
        mod $under {
            $open

            $(
                #[test]
                fn $contract() {
                    open(super::$contract);
                }
            )*
        }
    };
}

holds!(
    directory,
    fn open(contract: fn(super::Open)) {
        let home = crate::home::Home::new();
        contract(&|realm| Box::new(home.store_of(realm)));
    }
);

holds!(
    etcd,
    fn open(contract: fn(super::Open)) {
        if let Some(servers) = crate::servers::Servers::one() {
            contract(&|realm| Box::new(servers.store(realm)));
        }
    }
);
