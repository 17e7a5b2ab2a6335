//! What the program says, word for word.

use std::fs;
use std::process::{Command, Stdio};

use atlas::{Atlas, Instance, Owner, Ports, Registration, Store, Wish};

use crate::ground::Ground;
use crate::home::{Home, id, instance};

fn fleet(home: &Home) -> Vec<Box<dyn Registration>> {
    let identity = Instance {
        release: Some("1.4.0".parse().expect("a release")),
        pid: std::num::NonZeroU32::new(4711),
        started: "2026-11-25T10:00:00Z".parse().ok(),
        health: Some("/health/ready".parse().expect("a path")),
        ..instance("identity@host001:5000")
    };
    let dashboard = Instance {
        addr: "::1".parse().expect("an address"),
        draining: true,
        ..instance("dashboard@host001:5001")
    };
    let register = |instance: &Instance| home.store().register(instance).expect("a free name");
    vec![
        register(&identity),
        register(&dashboard),
        register(&instance("identity@host002:5000")),
    ]
}

#[test]
fn a_fleet_in_a_pipe() {
    let home = Home::new();
    let _fleet = fleet(&home);
    assert_eq!(
        home.ok(&["ls"]),
        "dashboard@host001:5001\t[::1]:5001\tdraining\t-\t-\n\
         identity@host001:5000\t127.0.0.1:5000\tup\t1.4.0\t4711\n\
         identity@host002:5000\t127.0.0.1:5000\tup\t-\t-\n"
    );
    assert_eq!(
        home.ok(&["--format", "json", "ls", "identity"])
            .lines()
            .next(),
        Some(
            "{\"service\":\"identity\",\"host\":\"host001\",\"port\":5000,\"addr\":\"127.0.0.1\",\"realm\":\"local\",\"state\":\"up\",\"enabled\":true,\"draining\":false,\"version\":\"1.4.0\",\"pid\":4711,\"health\":\"/health/ready\",\"weight\":100,\"started\":\"2026-11-25T10:00:00Z\"}"
        )
    );
    assert_eq!(home.ok(&["ls", "--realm", "prod"]), "");
}

/// By `script(1)`, which gives it a terminal.
#[test]
fn a_fleet_on_a_terminal() {
    let home = Home::new();
    let _fleet = fleet(&home);
    let words = format!("{} ls", env!("CARGO_BIN_EXE_atlas"));
    let mut script = home.command("script");
    let output = script
        .args(["-qec", &words, "/dev/null"])
        .stdin(Stdio::null())
        .output();
    let output = String::from_utf8(output.expect("script(1)").stdout).expect("a text");
    assert_eq!(
        output.replace('\r', ""),
        "\u{1b}[1mINSTANCE                ADDRESS         STATE     VERSION  PID\u{1b}[0m\n\
         dashboard@host001:5001  [::1]:5001      draining  -        -\n\
         identity@host001:5000   127.0.0.1:5000  up        1.4.0    4711\n\
         identity@host002:5000   127.0.0.1:5000  up        -        -\n"
    );
}

#[test]
fn out_and_in_again() {
    let home = Home::new();
    let fleet = fleet(&home);
    assert_eq!(
        home.ok(&["disable", "identity@host001"]),
        "disabled\tidentity@host001:5000\n"
    );
    assert_eq!(
        home.ok(&["disable", "identity"]),
        "disabled\tidentity@host001:5000\ndisabled\tidentity@host002:5000\n"
    );
    assert_eq!(
        home.ok(&["disable", "identity@host003:5000"]),
        "disabled\tidentity@host003:5000\n"
    );
    assert!(!home.read().instances[&id("identity@host002:5000")].enabled);
    // It is kept when the instance is gone.
    drop(fleet);
    assert_eq!(
        home.ok(&["show", "identity"]),
        "service\tidentity\nrealm\tlocal\n\
         disabled\tidentity@host001:5000\ndisabled\tidentity@host002:5000\ndisabled\tidentity@host003:5000\n"
    );
    assert_eq!(
        home.ok(&["enable", "identity", "--format", "json"]),
        "{\"done\":\"enabled\",\"what\":\"identity@host001:5000\"}\n\
         {\"done\":\"enabled\",\"what\":\"identity@host002:5000\"}\n\
         {\"done\":\"enabled\",\"what\":\"identity@host003:5000\"}\n"
    );
    assert!(home.read().disabled.is_empty());
}

#[test]
fn names_that_nobody_has() {
    let home = Home::new();
    let _fleet = fleet(&home);
    let near = "error: nothing is known of `identiti`\nhelp: atlas show identity\n";
    home.fails(&["show", "identiti"], 4, near);
    home.fails(&["ls", "identiti"], 4, near);
    home.fails(&["disable", "identiti"], 4, near);
    home.fails(
        &["enable", "billing"],
        4,
        "error: nothing is known of `billing`\nhelp: atlas ls\n",
    );
    home.fails(
        &["show", "A;b"],
        2,
        "error: invalid value 'A;b' for '<SERVICE>': `A;b` is no service name: one matches `[a-z][a-z0-9-]{0,62}`\n\nFor more information, try '--help'.\n",
    );
    let ran = home
        .atlas(&["ls"])
        .env("ATLAS_REALM", "Prod")
        .output()
        .expect("a program");
    assert_eq!(
        (
            String::from_utf8_lossy(&ran.stderr).as_ref(),
            ran.status.code()
        ),
        (
            "error: `Prod` is no realm: one matches `[a-z][a-z0-9-]{0,62}` and is none of `ports`, `claims`, `services`\n",
            Some(3)
        )
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    let _fleet = fleet(&home);
    let mut child = home.atlas(&["ls"]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

fn promise(home: &Home, service: &str, port: u16) {
    let directory = home.root().join(service);
    fs::create_dir_all(&directory).expect("a directory");
    let wish = Wish {
        ports: Ports::Exact(port),
        owner: Owner::new(service, directory).expect("an owner"),
        taken: std::collections::BTreeMap::new(),
    };
    let reserved = Atlas::at(home.places().data).reserve(port, &wish);
    reserved
        .and_then(atlas::Reservation::keep)
        .expect("a free port");
}

#[test]
fn ports_are_listed_and_released() {
    let home = Home::new();
    let ground = Ground::find();
    let (orders, billing) = (ground.first, ground.first + 1);
    promise(&home, "orders", orders);
    promise(&home, "billing", billing);
    fs::remove_dir(home.root().join("billing")).expect("a directory");
    assert_eq!(
        home.ok(&["ports"]),
        format!("{orders}\torders\t[ROOT]/orders\n{billing}\tbilling\t[ROOT]/billing (gone)\n")
    );
    assert_eq!(
        home.ok(&["ports", "--format", "json"])
            .lines()
            .last()
            .map(str::to_owned),
        Some(format!(
            "{{\"port\":{billing},\"service\":\"billing\",\"directory\":\"[ROOT]/billing\",\"there\":false}}"
        ))
    );
    assert_eq!(
        home.ok(&["release", "billing"]),
        format!("released\t{billing}\n")
    );
    home.fails(
        &["release", "billing"],
        4,
        "error: no port is promised to `billing`\nhelp: atlas ports\n",
    );
    home.fails(
        &["release", "orders"],
        5,
        &format!("error: port `{orders}` is in use: `orders` in `[ROOT]/orders` is still there\nhelp: atlas release --force orders\n"),
    );
    assert_eq!(
        home.ok(&["release", "--force", "orders"]),
        format!("released\t{orders}\n")
    );
    assert_eq!(home.ok(&["ports"]), "");
}

#[test]
fn the_readme_has_the_table_of_exit_codes() {
    let help = Command::new(env!("CARGO_BIN_EXE_atlas"))
        .arg("--help")
        .output()
        .expect("a program");
    let help = String::from_utf8(help.stdout).expect("a text");
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let readme = readme.expect("a readme");
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let codes: Vec<_> = rows
        .filter(|row| row.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let told = help.split_once("Exit codes:\n").expect("a table").1.lines();
    let told: Vec<_> = told
        .map(|line| line.trim().replacen("  ", " | ", 1))
        .collect();
    assert_eq!(codes, told);
}
