//! Many generators at once, each a process.

use crate::child::Generator;
use crate::world::World;

const CROWD: u16 = 100;

fn crowd(world: &World) -> Vec<Generator> {
    let start = |n| {
        let wish = world.wish(&format!("service-{n}"), CROWD);
        Generator::start(&world.root(), &wish)
    };
    let mut generators: Vec<_> = (0..CROWD).map(start).collect();
    // All are up and waiting before the first may start, on a registry that does not exist yet.
    generators.iter_mut().for_each(Generator::go);
    generators
}

#[test]
fn a_hundred_get_a_hundred_ports_without_gaps() {
    let world = World::new();
    let mut generators = crowd(&world);
    let mut got: Vec<_> = generators.iter_mut().map(Generator::port).collect();
    let names: Vec<_> = (0..CROWD).map(|n| format!("service-{n}")).collect();
    let promises: Vec<_> = names.iter().map(String::as_str).zip(got.clone()).collect();
    generators.into_iter().for_each(Generator::keep);

    assert_eq!(world.files(), world.promised(&promises));
    got.sort_unstable();
    assert_eq!(got, (0..CROWD).map(|n| world.port(n)).collect::<Vec<_>>());
}

#[test]
fn the_ports_of_the_killed_are_given_again() {
    let world = World::new();
    let mut generators = crowd(&world);
    // All have one before the first is killed: else a port would be given twice on the way.
    let got: Vec<_> = generators.iter_mut().map(Generator::port).collect();
    let (mut free, mut kept) = (Vec::new(), Vec::new());
    for (generator, port) in generators.into_iter().zip(got) {
        if port % 2 == 0 {
            generator.kill();
            free.push(port);
        } else {
            generator.keep();
            kept.push(port);
        }
    }
    free.sort_unstable();
    let given: Vec<_> = (0..CROWD / 2)
        .map(|n| world.keep(&world.wish(&format!("late-{n}"), CROWD)))
        .collect();
    assert_eq!(given, free);
    assert!(world.atlas().peek(&world.wish("one-more", CROWD)).is_err());
    assert!(kept.iter().all(|port| !given.contains(port)));
}
