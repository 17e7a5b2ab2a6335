//! Ports of a cluster: two machines that know nothing of each other but an etcd.

use crate::sandbox::{Run, Sandbox};
use servers::Servers;

#[allow(dead_code, reason = "the tests of Atlas want more of them")]
#[path = "../../atlas/tests/it/servers.rs"]
mod servers;

const QUICK: [&str; 4] = ["--build", "none", "--no-git", "-q"];

fn run(sandbox: &Sandbox, words: &[&str], list: &str) -> Run {
    let mut generator = sandbox.generator();
    generator.args(words).args(QUICK).env("ATLAS_ETCD", list);
    Run::of(&mut generator)
}

fn port(sandbox: &Sandbox, service: &str) -> String {
    let record = sandbox.work().join(service).join("service.toml");
    let text = std::fs::read_to_string(record).expect("a record");
    let line = text.lines().find(|line| line.starts_with("port"));
    line.expect("a port").to_owned()
}

#[test]
fn two_machines_never_get_the_same_port() {
    let Some(servers) = Servers::one() else {
        return;
    };
    let (one, two) = (Sandbox::new(), Sandbox::new());
    run(&one, &["orders"], &servers.list()).ok();
    run(&two, &["orders"], &servers.list()).ok();
    assert_ne!(port(&one, "orders"), port(&two, "orders"));
    let promised = servers.store("local").promises().expect("a store");
    assert_eq!(promised.len(), 2);
    // As a flag, and for a port that was asked for.
    let taken = port(&one, "orders").replace("port = ", "");
    let list = servers.list();
    let words = ["billing", "--port", &taken, "--atlas", &list];
    let run = Run::of(two.generator().args(words).args(QUICK));
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("/atlas/v1/ports/"), "{}", run.stderr);
    // Nothing is left of a run that failed, and the same again gets the same.
    std::fs::remove_dir_all(one.work().join("orders")).expect("a service");
    let before = taken;
    self::run(&one, &["orders"], &servers.list()).ok();
    assert!(port(&one, "orders").ends_with(&before));
    assert_eq!(servers.store("local").promises().expect("a store").len(), 2);
}

#[test]
fn without_its_cluster_nothing_is_promised() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox, &["orders"], "http://127.0.0.1:1");
    assert!(run.stderr.contains("cannot reach etcd"), "{}", run.stderr);
    assert!(!sandbox.work().join("orders").exists());
}
