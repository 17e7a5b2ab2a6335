//! Who is told what, without a network.

use std::net::IpAddr;

use atlas::{Change, Cluster, Etcd, Event, Instance, InstanceId, Realm, Revision, Snapshot};

use super::Membership;
use super::union::Union;
use crate::health::Run;
use crate::routes::Routes;

fn id(text: &str) -> InstanceId {
    text.parse().expect("an instance")
}

fn instance(text: &str, addr: &str) -> Instance {
    let addr: IpAddr = addr.parse().expect("an address");
    Instance::new(id(text), addr, Realm::default())
}

fn union(advertise: Option<&str>, known: Routes) -> Union {
    let cluster = Cluster::new("http://127.0.0.1:1").expect("a list");
    let membership = Membership {
        etcd: Etcd::new(&cluster, Realm::default()),
        host: "here".parse().expect("a host"),
        advertise: advertise.map(|addr| addr.parse().expect("an address")),
    };
    Union::new(&membership, known)
}

fn full(instances: &[Instance]) -> Event {
    Event::Full(Snapshot {
        instances: by_id(instances),
        ..Snapshot::default()
    })
}

fn by_id(instances: &[Instance]) -> std::collections::BTreeMap<InstanceId, Instance> {
    let instances = instances.iter();
    instances.map(|one| (one.id.clone(), one.clone())).collect()
}

fn changed(change: Change) -> Event {
    Event::Changed {
        revision: Revision::NONE,
        changes: vec![change],
    }
}

fn ids(event: &Event) -> Vec<String> {
    let Event::Full(snapshot) = event else {
        panic!("{event:?}")
    };
    snapshot.instances.keys().map(ToString::to_string).collect()
}

#[test]
fn a_loopback_address_is_replaced_or_stays_at_home() {
    let local = [
        instance("a@laptop:1", "127.0.0.1"),
        instance("b@laptop:2", "10.0.0.7"),
    ];
    let mut known = union(Some("10.0.0.7"), Routes::default());
    known.local(full(&local));
    let published = known.published();
    let addr = |text: &str| published[&id(text)].addr.to_string();
    assert_eq!(
        (addr("a@here:1"), addr("b@here:2")),
        ("10.0.0.7".into(), "10.0.0.7".into())
    );
    let mut unknown = union(None, Routes::default());
    unknown.local(full(&local));
    assert_eq!(
        unknown.published().into_keys().collect::<Vec<_>>(),
        [id("b@here:2")]
    );
}

#[test]
fn what_wants_no_requests_here_is_draining_elsewhere() {
    let mut union = union(Some("10.0.0.7"), Routes::default());
    let one = instance("a@laptop:1", "127.0.0.1");
    union.local(full(std::slice::from_ref(&one)));
    assert!(!union.published()[&id("a@here:1")].draining);
    union.health(Run::of(&one), false);
    assert!(union.published()[&id("a@here:1")].draining);
    union.health(Run::of(&one), true);
    let out = Instance {
        enabled: false,
        ..one.clone()
    };
    union.local(changed(Change::Up(out)));
    assert!(union.published()[&id("a@here:1")].draining);
}

#[test]
fn its_own_echo_is_not_heard_but_an_operator_is() {
    let mut union = union(None, Routes::default());
    let one = instance("a@laptop:1", "127.0.0.1");
    union.local(full(std::slice::from_ref(&one)));
    let echo = instance("a@here:1", "10.0.0.7");
    assert_eq!(union.remote(changed(Change::Up(echo.clone()))), None);
    assert_eq!(union.remote(changed(Change::Down(echo.id.clone()))), None);
    let both = union.remote(full(&[echo.clone(), instance("a@there:1", "10.0.0.8")]));
    assert_eq!(ids(&both.expect("an event")), ["a@laptop:1", "a@there:1"]);
    let told = union.remote(changed(Change::Disabled(echo.id, true)));
    let out = Instance {
        enabled: false,
        ..one
    };
    assert_eq!(told, Some(changed(Change::Up(out))));
}

/// Until the cluster has spoken, the others are as they were last known.
#[test]
fn an_etcd_that_is_away_at_the_start_takes_nobody_away() {
    let known = Routes {
        instances: by_id(&[
            instance("a@there:1", "10.0.0.8"),
            instance("b@here:2", "10.0.0.7"),
        ]),
        ..Routes::default()
    };
    let mut union = union(None, known);
    let told = union.local(full(&[instance("c@here:3", "127.0.0.1")]));
    assert_eq!(ids(&told), ["a@there:1", "c@here:3"]);
    let told = union.remote(full(&[])).expect("an event");
    assert_eq!(ids(&told), ["c@here:3"]);
}

#[test]
fn who_is_known_by_that_name_here_is_here() {
    let mut union = union(None, Routes::default());
    let (ours, other) = (
        instance("a@there:1", "127.0.0.1"),
        instance("a@there:1", "10.0.0.8"),
    );
    union.local(full(std::slice::from_ref(&ours)));
    assert_eq!(union.remote(changed(Change::Up(other.clone()))), None);
    let told = union.local(changed(Change::Down(ours.id)));
    assert_eq!(told, changed(Change::Up(other)));
}
