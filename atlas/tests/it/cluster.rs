//! The program on a cluster.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use atlas::{Error, Fact, Host, Owner, Store};
use rustix::process::Signal;

use crate::ground::{Ground, is_free};
use crate::home::{Beside, Home, id, instance, until};
use crate::servers::Servers;

const PROMISE: &str = "{\"v\":1,\"service\":\"orders\",\"directory\":\"/srv/orders\",\
     \"host\":\"elsewhere\",\"since\":\"2026-11-25T10:00:00Z\"}\n";

/// Words of a command on this cluster.
fn words<'a>(list: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [&["--etcd", list], words].concat()
}

#[test]
fn everything_is_said_of_a_cluster_and_done_to_it() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let (home, list) = (Home::new(), servers.list());
    let ok = |of: &[&str]| home.ok(&words(&list, of));
    let store = servers.store("local");
    let _guard = store
        .register(&instance("orders@h1:5000"))
        .expect("a free name");
    assert_eq!(ok(&["ls"]), "orders@h1:5000\t127.0.0.1:5000\tup\t-\t-\n");
    assert_eq!(ok(&["disable", "orders"]), "disabled\torders@h1:5000\n");
    assert!(ok(&["ls"]).contains("disabled"));
    assert_eq!(ok(&["enable", "orders"]), "enabled\torders@h1:5000\n");
    ok(&["settings", "set", "orders", "limits.timeout", "5s"]);
    assert_eq!(ok(&["settings", "get", "orders", "limits.timeout"]), "5s\n");
    assert_eq!(ok(&["settings", "ls"]), "orders\tlimits.timeout\n");
    let fact = Fact::Port(atlas::parse_port("5004").expect("a port"));
    store
        .compare_and_set(&fact, None, PROMISE)
        .expect("a free port");
    assert_eq!(ok(&["ports"]), "5004\torders\telsewhere:/srv/orders\n");
    let shown = ok(&["show", "orders"]);
    for part in ["port\t5004", "instance\torders@h1:5000", "setting\tlimits"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(ok(&["prune"]), "");
    // Whether a directory of another machine is there, nobody here knows.
    home.fails(
        &words(&list, &["release", "orders"]),
        5,
        "error: port `5004` is in use: `orders` in `/srv/orders` on `elsewhere` is still there\n\
         help: atlas release --force orders\n",
    );
    assert_eq!(ok(&["release", "--force", "orders"]), "released\t5004\n");
    assert_eq!(ok(&["ports"]), "");
    // Without the cluster's name the directory is asked, which knows nothing of all that.
    assert_eq!(home.ok(&["ls"]), "");
}

#[test]
fn the_variable_names_the_cluster_too_and_a_watch_follows_it() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let home = Home::new();
    let mut command = home.atlas(&["watch"]);
    let mut watch = Beside::start(command.env("ATLAS_ETCD", servers.list()));
    assert_eq!(watch.line(), "full\t0\n");
    let store = servers.store("local");
    let guard = store
        .register(&instance("orders@h1:5000"))
        .expect("a free name");
    assert_eq!(
        watch.line(),
        "up\torders@h1:5000\t127.0.0.1:5000\tup\t-\t-\n"
    );
    drop(guard);
    assert_eq!(watch.line(), "down\torders@h1:5000\n");
}

#[test]
fn a_program_that_runs_is_registered_in_the_cluster() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let (home, store) = (Home::new(), servers.store("local"));
    let ground = Ground::find();
    let (port, list) = (ground.first.to_string(), servers.list());
    let run = ["run", "--service", "web", "--host", "h1", "--drain", "1ms"];
    let program = ["--port", &port, "--", "python3", "-m", "http.server"];
    let rest = ["--bind", "127.0.0.1", &port];
    let all = [words(&list, &run).as_slice(), &program, &rest].concat();
    let mut command = home.atlas(&all);
    let mut running = Beside::start(command.stderr(Stdio::null()));
    let web = id(&format!("web@h1:{port}"));
    let is_there = || {
        let read = store.read().expect("a store");
        read.instances.contains_key(&web)
    };
    until("it is registered", is_there);
    running.signal("TERM");
    running.code();
    assert!(!is_there(), "it goes with its program");
}

/// Nor does who is to be told of its end.
#[test]
fn a_cluster_that_hangs_keeps_no_program_waiting() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let (home, store) = (Home::new(), servers.store("local"));
    let ground = Ground::find();
    let (port, list) = (ground.first.to_string(), servers.list());
    let run = ["run", "--service", "web", "--host", "h1", "--drain", "1ms"];
    let program = ["--port", &port, "--", "python3", "-m", "http.server"];
    let rest = ["--bind", "127.0.0.1", &port];
    let all = [words(&list, &run).as_slice(), &program, &rest].concat();
    let start = || Beside::start(home.atlas(&all).stderr(Stdio::null()));
    servers.signal(0, Signal::STOP);
    let mut running = start();
    until("it listens", || !is_free(ground.first));
    std::thread::sleep(Duration::from_millis(100));
    let began = Instant::now();
    running.signal("TERM");
    running.code();
    assert!(began.elapsed() < Duration::from_secs(3), "{began:?}");
    servers.signal(0, Signal::CONT);
    let _running = start();
    until("it is registered", || {
        let read = store.read().expect("a store");
        read.instances.contains_key(&id(&format!("web@h1:{port}")))
    });
}

fn owner(service: &str, host: &str) -> Owner {
    let host: Host = host.parse().expect("a host");
    Owner::new(service, format!("/srv/{service}"))
        .expect("an owner")
        .on(host)
}

#[test]
fn a_claimed_port_is_nobody_elses_until_it_is_given_back_or_kept() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let (one, two) = (servers.store("local"), servers.store("local"));
    let (ours, theirs) = (owner("orders", "h1"), owner("orders", "h2"));
    let lost = |claimed: Result<atlas::Claim, Error>| {
        assert!(
            matches!(claimed, Err(Error::Lost { port: 5004, .. })),
            "{claimed:?}"
        );
    };
    let claim = one.claim(5004, &ours).expect("a free port");
    lost(two.claim(5004, &theirs));
    drop(claim);
    let claim = two.claim(5004, &theirs).expect("given back");
    claim.keep().expect("a promise");
    // It outlasts the lease of who made it.
    two.leave();
    drop(two);
    lost(one.claim(5004, &ours));
    // To its owner it is free, and giving that up does not end the promise.
    let three = servers.store("local");
    drop(three.claim(5004, &theirs).expect("its own"));
    lost(one.claim(5004, &ours));
    assert!(one.release(5004, &theirs).expect("a promise"));
    assert!(one.promises().expect("a store").is_empty());
}

/// A generator that was killed, and the same command a moment later.
#[test]
fn a_claim_that_is_left_ends_with_its_lease_unless_its_owner_takes_it_over() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let ours = owner("orders", "h1");
    let killed = servers.store("local");
    std::mem::forget(killed.claim(5004, &ours).expect("a free port"));
    let again = servers.store("local");
    let claim = again.claim(5004, &ours).expect("its own");
    killed.leave();
    claim.keep().expect("a promise");
    assert_eq!(again.promises().expect("a store").len(), 1);
    std::mem::forget(again.claim(5005, &ours).expect("a free port"));
    again.leave();
    let promised = servers.store("local").promises().expect("a store");
    assert_eq!(promised.into_keys().collect::<Vec<_>>(), [5004]);
}

#[test]
fn what_is_wrong_is_said_and_what_to_type() {
    let home = Home::new();
    home.fails(
        &["--etcd", "localhost", "ls"],
        3,
        "error: `localhost` is no etcd address: one is `http://HOST:PORT` or `https://HOST:PORT`\n",
    );
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    home.fails(
        &["--etcd", &url, "ls"],
        8,
        &format!(
            "error: cannot reach etcd at `{url}`: connection refused\nhelp: curl {url}/health\n"
        ),
    );
    std::fs::write(home.root().join("ca.pem"), "none").expect("a file");
    let mut command = home.atlas(&["ls"]);
    command.env("ATLAS_ETCD", &url);
    command.env("ATLAS_ETCD_CA", home.root().join("ca.pem"));
    let output = command.output().expect("a program");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("holds no certificate"), "{err}");
    assert_eq!(output.status.code(), Some(6));
}
