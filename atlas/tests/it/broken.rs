//! A registry that somebody has damaged.

use std::fs;

use atlas::{Atlas, Ports};

use crate::world::{World, told, write};

#[test]
fn a_record_that_says_nothing_still_holds_its_port() {
    let world = World::new();
    let port = world.port(0);
    let future = world.promise("orders").replace("\"v\":1", "\"v\":2");
    let escape = world.promise("orders").replace("orders", "../orders");
    for garbage in ["", "garbage", "{}", "\u{0}", &future, &escape] {
        let record = world.write(&format!("ports/{port}"), garbage);
        assert_eq!(
            world.atlas().peek(&world.wish("orders", 10)).ok(),
            Some(port + 1)
        );

        let exact = world.wish_for("orders", Ports::Exact(port));
        let error = world.atlas().peek(&exact).expect_err("held");
        let record = record.display();
        let text = format!("port `{port}` is held by `{record}`, a record that cannot be read");
        assert_eq!(told(&error), (text, Some(format!("rm {record}"))));
    }
    fs::remove_file(world.root().join(format!("ports/{port}"))).expect("a record");
    fs::create_dir(world.root().join(format!("ports/{port}"))).expect("a directory");
    assert_eq!(world.keep(&world.wish("orders", 10)), port + 1);
}

#[test]
fn a_claim_that_is_a_directory_blocks_its_port_alone() {
    let world = World::new();
    fs::create_dir_all(world.root().join(format!("claims/{}", world.port(0))))
        .expect("a directory");
    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(1));
}

#[test]
fn a_dead_claim_cannot_write_outside_the_registry() {
    let world = World::new();
    world.publish("orders", world.port(0));
    let escape = world
        .promise("orders")
        .replace("\"orders\"", "\"../../escaped\"");
    world.write(&format!("claims/{}", world.port(0)), &escape);
    assert_eq!(world.keep(&world.wish("billing", 10)), world.port(0));
    assert!(!world.root().join("../escaped").exists());
}

#[test]
fn names_that_are_no_port_are_ignored_and_reported() {
    let world = World::new();
    let port = world.port(0);
    let names = [
        format!("0{port}"),
        format!("+{port}"),
        "0".into(),
        "65536".into(),
        "README".into(),
    ];
    let mut odd: Vec<_> = names
        .iter()
        .map(|name| world.write(&format!("ports/{name}"), ""))
        .chain([world.write("claims/.swp", "")])
        .collect();
    odd.sort();
    assert_eq!(world.keep(&world.wish("orders", 10)), port);
    assert_eq!(world.atlas().oddities().ok(), Some(odd));
}

#[test]
fn hints_that_are_garbage_are_no_hints() {
    let world = World::new();
    world.write("services/orders", "garbage");
    assert_eq!(world.keep(&world.wish("orders", 10)), world.port(0));
    fs::create_dir(world.root().join("services/billing")).expect("a directory");
    assert_eq!(world.keep(&world.wish("billing", 10)), world.port(1));
}

#[test]
fn a_root_that_is_a_file_or_lies_below_one() {
    let world = World::new();
    write(&world.root(), "a file");
    let root = world.root();
    for atlas in [world.atlas(), Atlas::at(root.join("a/b"))] {
        let wish = world.wish("orders", 10);
        let peeked = atlas.peek(&wish).expect_err("no directory");
        let help = Some(format!("ls -ld {}", root.display()));
        let text = format!(
            "cannot lock `{}`: Not a directory (os error 20)",
            root.display()
        );
        assert_eq!(told(&peeked), (text, help.clone()));
        let reserved = atlas
            .reserve(world.port(0), &wish)
            .expect_err("no directory");
        let (text, _) = told(&reserved);
        assert!(
            text.starts_with(&format!("cannot create `{}`: ", root.display())),
            "{text}"
        );
        assert_eq!(reserved.help(), help);
    }
}

#[test]
fn ports_that_are_a_file() {
    let world = World::new();
    let ports = world.write("ports", "a file");
    let wish = world.wish("orders", 10);
    let text = format!(
        "cannot read `{}`: Not a directory (os error 20)",
        ports.display()
    );
    assert_eq!(
        world.atlas().peek(&wish).expect_err("refused").to_string(),
        text
    );
    let text = format!(
        "cannot create `{}`: File exists (os error 17)",
        ports.display()
    );
    let reserved = world.atlas().reserve(world.port(0), &wish);
    assert_eq!(reserved.expect_err("refused").to_string(), text);
}

#[test]
fn a_path_with_a_quote_is_quoted_for_the_shell() {
    let world = World::new();
    let root = world.root().join("it's here");
    write(&root.join(format!("ports/{}", world.port(0))), "garbage");
    let exact = world.wish_for("orders", Ports::Exact(world.port(0)));
    let error = Atlas::at(&root).peek(&exact).expect_err("held");
    let expected = format!(
        "rm '{}/it'\\''s here/ports/{}'",
        world.root().display(),
        world.port(0)
    );
    assert_eq!(error.help(), Some(expected));
}

#[test]
fn the_root_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.keep(&world.wish("orders", 10));
    let mode = fs::metadata(world.root())
        .expect("the root")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}
