//! The ten lines of shell that the README gives to other languages: exactly those.

use std::fs;
use std::process::{Command, Stdio};

use atlas::{Instance, Store};

use crate::home::{Beside, Home, id, instance, until};

fn snippet() -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let readme = readme.expect("a readme");
    let (_, rest) = readme.split_once("```sh\n").expect("a snippet");
    rest.split_once("```").expect("its end").0.to_owned()
}

fn shell(home: &Home) -> Command {
    let mut shell = home.command("sh");
    shell
        .arg("-c")
        .arg(snippet())
        .args(["sh", "search", "9200"])
        .stdin(Stdio::piped());
    shell
}

#[test]
fn ten_lines_register() {
    assert!(
        snippet().lines().count() <= 11,
        "ten lines and a comment or two"
    );
    let home = Home::new();
    let mut shell = Beside::start(&mut shell(&home));
    until("it is registered", || !home.read().instances.is_empty());
    let name = format!("search@{}:9200", atlas::Host::this());
    let expected = Instance {
        pid: std::num::NonZeroU32::new(shell.child.id()),
        ..instance(&name)
    };
    let read = home.read();
    assert_eq!(read.instances.get(&id(&name)), Some(&expected));
    assert!(read.bad.is_empty(), "{:?}", read.bad);
    // We keep off it, and it keeps off us.
    assert!(home.store().register(&instance(&name)).is_err());
    let second = self::shell(&home)
        .stdin(Stdio::null())
        .status()
        .expect("a shell");
    assert_eq!(second.code(), Some(1));
    assert_eq!(home.read(), read);
    shell.child.kill().expect("a shell");
    shell.code();
    assert!(home.read().instances.is_empty());
    let _again = home
        .store()
        .register(&instance(&name))
        .expect("a free name");
}

#[test]
fn it_gives_way_to_who_lives() {
    let home = Home::new();
    let name = format!("search@{}:9200", atlas::Host::this());
    let guard = home
        .store()
        .register(&instance(&name))
        .expect("a free name");
    let status = shell(&home).stdin(Stdio::null()).status().expect("a shell");
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        home.read().instances.get(&id(&name)),
        Some(guard.instance())
    );
}
