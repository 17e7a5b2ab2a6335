//! The registry as this service uses it, in a directory of the test's own.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::entry::Entry;
use super::{Places, document};
use crate::config::{Environment, load};
use crate::tests::client::wait_until;
use crate::tests::server::Server;
use crate::{Config, NAME, routes};

/// The entry of `golden/instance.json`.
pub fn identity() -> Entry {
    let address = Ipv4Addr::LOCALHOST.into();
    Entry {
        pid: Some(4711),
        version: Some("1.4.0".to_owned()),
        health: Some("/health/ready".to_owned()),
        started: Some("2026-11-25T10:00:00Z".to_owned()),
        ..Entry::new("identity", address, 5000, "local")
    }
}

/// A registry, gone with the test.
pub struct Registry(PathBuf);

impl Registry {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{NAME}-atlas-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a fresh directory");
        Self(path)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub fn places(&self) -> Places {
        Places {
            runtime: self.path("runtime"),
            data: Some(self.path("data")),
        }
    }

    fn environment(&self) -> Environment {
        let variable = |name, below| (name, self.path(below).display().to_string());
        let variables = [variable("ATLAS_DIR", "runtime"), variable("ATLAS", "data")];
        variables.into_iter().collect()
    }

    pub fn hosts(&self) -> PathBuf {
        self.places().runtime.join("local/hosts")
    }

    /// The names of the entries.
    pub fn entries(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.hosts()).into_iter().flatten().flatten();
        let hidden = |path: &Path| path.to_string_lossy().contains("/.");
        files
            .map(|file| file.path())
            .filter(|path| !hidden(path))
            .collect()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        let aside = path.with_extension("new");
        fs::write(&aside, text).expect("a file");
        fs::rename(aside, path).expect("a file");
    }

    fn set(&self, settings: &str) {
        let text = format!(r#"{{"v":1,"settings":{{{settings}}}}}"#);
        self.write(&format!("data/local/settings/{NAME}.json"), &text);
    }

    /// The service, registered here.
    pub fn server(&self, change: impl FnOnce(&mut Config)) -> Server {
        let server = Server::with(routes::routes(), |config| {
            config.atlas.enabled = true;
            config.atlas.places = self.places();
            change(config);
        });
        wait_until("it is registered", || !self.entries().is_empty());
        server
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Best effort: a panic here would hide the test's own.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_entry_is_written_as_the_format_says() {
    assert_eq!(identity().to_line(), include_str!("golden/instance.json"));
    assert_eq!(identity().name("host001"), "identity@host001:5000");
}

#[test]
fn its_entry_is_there_while_it_runs() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    assert_eq!(registry.entries().len(), 1);
    server
        .stop()
        .join()
        .expect("no panic")
        .expect("a peaceful end");
    assert_eq!(registry.entries(), Vec::<PathBuf>::new());
}

#[test]
fn an_entry_that_was_tidied_away_comes_back() {
    let registry = Registry::new();
    let _server = registry.server(|_| ());
    fs::remove_dir_all(registry.places().runtime).expect("a directory");
    wait_until("it is back", || !registry.entries().is_empty());
}

#[test]
fn what_it_says_is_for_people_too() {
    let registry = Registry::new();
    let server = registry.server(|config| {
        config.host = "0.0.0.0".parse().expect("an address");
    });
    let text = fs::read_to_string(&registry.entries()[0]).expect("an entry");
    let entry = serde_json::from_str::<Entry>(&text).expect("an entry");
    assert_eq!(entry.port, server.address.port());
    assert_eq!(entry.pid, Some(std::process::id()));
    assert_eq!(entry.version.as_deref(), Some(crate::VERSION));
    assert_eq!(entry.health.as_deref(), Some("/health/ready"));
    assert!(entry.started.is_some_and(|time| time.ends_with('Z')));
}

#[test]
fn without_a_registry_it_serves_all_the_same() {
    let registry = Registry::new();
    registry.write("runtime", "a file where a directory should be");
    let server = Server::with(routes::routes(), |config| {
        config.atlas.enabled = true;
        config.atlas.places = registry.places();
    });
    assert_eq!(crate::tests::client::get(server.address, "/").status, 200);
    server
        .stop()
        .join()
        .expect("no panic")
        .expect("a peaceful end");
}

#[test]
fn settings_stand_between_files_and_the_environment() {
    let registry = Registry::new();
    let port = || load(&registry.environment()).map(|(_, config)| config.port);
    let usual = port().expect("a port");
    registry.set(r#""port":7001,"http.timeout_seconds":"7","http.body_limit_bytes":8"#);
    let (_, config) = load(&registry.environment()).expect("settings");
    assert_eq!(config.port, 7001);
    assert_eq!(config.http.timeout.as_secs(), 7);
    assert_eq!(config.http.body_limit_bytes, 8);
    let and = |name: String, value: &str| {
        let places = registry.0.display();
        let variables = [
            ("ATLAS_DIR".to_owned(), format!("{places}/runtime")),
            ("ATLAS".to_owned(), format!("{places}/data")),
            (name, value.to_owned()),
        ];
        let environment = variables.into_iter().collect::<Environment>();
        load(&environment).expect("settings").1.port
    };
    assert_eq!(and("PORT".to_owned(), "7002"), 7002);
    let enabled = crate::config::environment::variable("ATLAS__ENABLED");
    assert_eq!(and(enabled, "false"), usual);
}

#[test]
fn settings_are_read_as_the_format_says() {
    let registry = Registry::new();
    registry.write("settings.json", include_str!("golden/settings.json"));
    let settings = document::read::<serde_json::Value>(&registry.path("settings.json"));
    let settings = settings.expect("settings");
    assert_eq!(settings["limits.timeout"], "5s");
    assert_eq!(settings["pool.size"], 8);
    assert_eq!(settings.len(), 3);
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let registry = Registry::new();
    let path = document::path(&registry.places(), "local").expect("a path");
    let path = path.display();
    let refusal = || {
        load(&registry.environment())
            .expect_err("it is wrong")
            .to_string()
    };
    registry.set(r#""port":"many""#);
    assert!(
        refusal().starts_with("invalid port: found string \"many\""),
        "{}",
        refusal()
    );
    assert!(
        refusal().ends_with(&format!("in Atlas ({path})")),
        "{}",
        refusal()
    );
    registry.set(r#""colour":"blue""#);
    assert!(refusal().starts_with("unknown key colour"), "{}", refusal());
    registry.write(
        &format!("data/local/settings/{NAME}.json"),
        r#"{"v":2,"settings":{}}"#,
    );
    let expected = "cannot read the settings in Atlas: version 2 of the format is unknown";
    assert_eq!(refusal(), format!("{expected}, in {path}"));
}

#[test]
fn settings_that_change_are_heard_of() {
    let registry = Registry::new();
    let server = registry.server(|_| ());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { crate::live::follow(&server.app, registry.environment()) });
    let settings = server.app.settings();
    let limit = || settings.borrow().http.body_limit_bytes;
    registry.set(r#""http.body_limit_bytes":"nonsense""#);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let usual = server.app.config.http.body_limit_bytes;
    assert_eq!(limit(), usual);
    registry.set(r#""http.body_limit_bytes":9"#);
    wait_until("the change is heard of", || limit() == 9);
    assert_eq!(server.app.config.http.body_limit_bytes, usual);
}
