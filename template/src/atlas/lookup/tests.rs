//! What is found in a registry, and what is not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::api::Reason;
use crate::atlas::tests::{Registry, identity};
use crate::tests::client::wait_until;
use crate::tests::hostile::Refused;
use crate::{Api, NAME, Realm};

/// Of the service itself, as its neighbours find it.
fn instances(registry: &Registry) -> Vec<SocketAddr> {
    Lookup::new(&registry.places(), "local").instances(NAME)
}

#[test]
fn an_entry_is_read_as_the_format_says() {
    let read = |text: &str| Entry::parse(text.as_bytes(), "identity@host001:5000", "local");
    assert_eq!(
        read(include_str!("../golden/instance.json")),
        Some(identity())
    );
    let minimal = read(include_str!("../golden/minimal.json")).expect("an entry");
    assert_eq!(
        (minimal.weight, minimal.draining, minimal.pid),
        (100, false, None)
    );
}

#[test]
fn an_entry_that_its_place_belies_is_none() {
    let text = include_str!("../golden/minimal.json");
    let read = |text: &str, name, realm| Entry::parse(text.as_bytes(), name, realm);
    let name = "identity@host001:5000";
    assert_eq!(read(text, "identity@host001:5001", "local"), None);
    assert_eq!(read(text, "billing@host001:5000", "local"), None);
    assert_eq!(read(text, "identity", "local"), None);
    assert_eq!(read(text, name, "prod"), None);
    for (from, to) in [("\"v\":1", "\"v\":2"), ("127.0.0.1", "0.0.0.0"), ("}", "")] {
        assert_eq!(read(&text.replace(from, to), name, "local"), None, "{to}");
    }
}

#[test]
fn it_is_found_while_it_runs() {
    let registry = Registry::new();
    assert_eq!(instances(&registry), []);
    let server = registry.server(|_| ());
    assert_eq!(instances(&registry), [server.address]);
    let elsewhere = Lookup::new(&registry.places(), "prod");
    assert_eq!(elsewhere.instances(NAME), []);
    assert_eq!(
        Lookup::new(&registry.places(), "local").instances("other"),
        []
    );
    server
        .stop()
        .join()
        .expect("no panic")
        .expect("a peaceful end");
    assert_eq!(instances(&registry), []);
    assert_eq!(registry.entries(), Vec::<PathBuf>::new());
}

#[test]
fn other_machines_are_found_in_what_the_sidecar_wrote() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    let entry = include_str!("../golden/minimal.json").trim_end();
    let entry = entry.strip_suffix('}').expect("an object");
    let routes = |service: &str, enabled: bool| {
        let entry = entry.replace("identity", service);
        let routed = [r#"{"v":1,"instances":{"a@b:1":"#, &entry, ",\"enabled\":"];
        let text = routed.concat() + &enabled.to_string() + "}}}";
        registry.write("runtime/local/routes.json", &text);
    };
    let lookup = Lookup::new(&registry.places(), "local");
    assert_eq!(lookup.instances("identity"), []);
    routes("identity", true);
    let there = "127.0.0.1:5000".parse().expect("an address");
    assert_eq!(lookup.instances("identity"), [there]);
    assert_eq!(lookup.instances("billing"), []);
    routes("identity", false);
    assert_eq!(lookup.instances("identity"), []);
    routes(NAME, true);
    assert_eq!(lookup.instances(NAME), [server.address]);
}

#[tokio::test]
async fn a_call_by_name_arrives_where_no_sidecar_listens() {
    let registry = Registry::new();
    let nobody = Refused::new();
    let server = registry.server(|config| config.api.sidecar = nobody.address());
    let api = Api::open(&Realm::default(), &server.app.config);
    let hello = api
        .post(format!("service://{NAME}/"))
        .await
        .expect("an answer");
    assert_eq!(hello.status(), 405);
    let unknown = api.get("service://nobody-of-that-name/").await;
    assert!(matches!(
        unknown.expect_err("nobody").reason(),
        Reason::Refused
    ));
}

#[test]
fn who_drains_is_found_no_more_before_it_goes() {
    let registry = Registry::new();
    let drain = Duration::from_secs(20);
    let server = registry.server(|config| config.shutdown.drain = drain);
    let end = server.stop();
    wait_until("nobody is sent there", || instances(&registry).is_empty());
    assert_eq!(registry.entries().len(), 1);
    assert!(!end.is_finished());
}

#[test]
fn what_an_operator_took_out_is_not_found() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    let name = registry.entries()[0]
        .file_name()
        .expect("a name")
        .to_owned();
    let file = format!("data/local/disabled/{}", name.display());
    registry.write(&file, "");
    assert_eq!(instances(&registry), []);
    fs::remove_file(registry.path(&file)).expect("a file");
    assert_eq!(instances(&registry), [server.address]);
}

#[test]
fn an_entry_that_was_tidied_away_comes_back() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    fs::remove_dir_all(registry.places().runtime).expect("a directory");
    assert_eq!(instances(&registry), []);
    wait_until("it is back", || instances(&registry) == [server.address]);
}

#[test]
fn an_entry_without_an_owner_is_none() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    let entry = registry.entries().remove(0);
    let text = fs::read(&entry).expect("an entry");
    server
        .stop()
        .join()
        .expect("no panic")
        .expect("a peaceful end");
    fs::write(entry, text).expect("an entry");
    assert_eq!(registry.entries().len(), 1);
    assert_eq!(instances(&registry), []);
}

#[test]
fn where_others_can_write_nothing_is_believed() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    set(&registry.hosts(), 0o777).expect("a mode");
    assert_eq!(instances(&registry), []);
    // With the sticky bit nobody can replace what is somebody else's.
    set(&registry.hosts(), 0o1777).expect("a mode");
    assert_eq!(instances(&registry), [server.address]);
    set(&registry.entries()[0], 0o622).expect("a mode");
    assert_eq!(instances(&registry), []);
}
