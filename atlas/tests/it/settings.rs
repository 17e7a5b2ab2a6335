//! Settings: nobody's change is lost.

use std::process::Stdio;

use crate::home::Home;

#[test]
fn set_get_and_take_away() {
    let home = Home::new();
    assert_eq!(
        home.ok(&["settings", "set", "orders", "limits.timeout", "5s"]),
        "set\torders\tlimits.timeout\n"
    );
    home.ok(&["settings", "set", "orders", "pool.size", "8"]);
    home.ok(&["settings", "set", "orders", "api.token", "hush"]);
    assert_eq!(
        home.ok(&["settings", "get", "orders"]),
        "api.token\t\"********\"\nlimits.timeout\t\"5s\"\npool.size\t8\n"
    );
    assert_eq!(
        home.ok(&["settings", "get", "orders", "limits.timeout"]),
        "5s\n"
    );
    assert_eq!(
        home.ok(&["settings", "get", "orders", "api.token"]),
        "********\n"
    );
    assert_eq!(
        home.ok(&["settings", "get", "orders", "api.token", "--reveal"]),
        "hush\n"
    );
    assert_eq!(
        home.ok(&["settings", "ls"]),
        "orders\tapi.token limits.timeout pool.size\n"
    );
    assert_eq!(
        home.ok(&["settings", "ls", "--format", "json"]),
        "{\"service\":\"orders\",\"settings\":{\"api.token\":\"********\",\"limits.timeout\":\"5s\",\"pool.size\":8}}\n"
    );
    assert_eq!(
        home.ok(&["settings", "unset", "orders", "pool.size"]),
        "unset\torders\tpool.size\n"
    );
    home.fails(
        &["settings", "unset", "orders", "pool.size"],
        4,
        "error: `orders` has no setting `pool.size`\nhelp: atlas settings get orders\n",
    );
    let file = std::fs::read_to_string(home.places().data.join("local/settings/orders.json"));
    assert_eq!(
        file.expect("a file"),
        "{\"v\":1,\"settings\":{\"api.token\":\"hush\",\"limits.timeout\":\"5s\"}}\n"
    );
}

#[test]
fn only_what_is_expected_is_changed() {
    let home = Home::new();
    home.ok(&["settings", "set", "orders", "a", "1", "--absent"]);
    let conflict =
        "error: setting `a` of `orders` is something else now\nhelp: atlas settings get orders a\n";
    home.fails(
        &["settings", "set", "orders", "a", "2", "--absent"],
        5,
        conflict,
    );
    home.fails(
        &["settings", "set", "orders", "a", "2", "--was", "3"],
        5,
        conflict,
    );
    home.ok(&["settings", "set", "orders", "a", "2", "--was", "1"]);
    assert_eq!(home.ok(&["settings", "get", "orders", "a"]), "2\n");
}

#[test]
fn forty_changes_at_once_are_forty_changes() {
    let home = Home::new();
    let key = |n: u32| format!("key-{n}.value");
    let set = |n: u32| {
        let (key, value) = (key(n), n.to_string());
        let mut command = home.atlas(&["settings", "set", "orders", &key, &value]);
        command.stdout(Stdio::null()).spawn().expect("a program")
    };
    for mut child in (0..40).map(set).collect::<Vec<_>>() {
        assert!(child.wait().expect("an end").success());
    }
    let expected: Vec<_> = (0..40).map(|n| format!("{n}\n")).collect();
    let got: Vec<_> = (0..40)
        .map(|n| home.ok(&["settings", "get", "orders", &key(n), "--reveal"]))
        .collect();
    assert_eq!(got, expected);
}

#[test]
fn a_broken_document_is_named_and_not_replaced() {
    let home = Home::new();
    home.ok(&["settings", "set", "orders", "a", "1"]);
    let path = home.places().data.join("local/settings/orders.json");
    std::fs::write(&path, "{").expect("a file");
    let error = "error: the settings of `orders` cannot be used: EOF while parsing an object at line 1 column 1\n";
    home.fails(&["settings", "set", "orders", "a", "2"], 7, error);
    home.fails(&["settings", "get", "orders"], 7, error);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "{");
    assert_eq!(home.read().bad.len(), 1);
}
