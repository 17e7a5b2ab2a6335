//! `cargo bench -p generate-service-sidecar [-- WORDS]`: the goals, what is measured, and the naive
//! way (rendered anew, looked at by `haproxy -c` and reloaded for each change) in the same run.
//!
//! | word      | what is measured                                                             |
//! |-----------|------------------------------------------------------------------------------|
//! | `new`     | a brand-new service, registered to its first answer                           |
//! | `kill`    | an instance, `kill -9` to out of rotation                                     |
//! | `reloads` | requests that fail over 1,000 reloads                                         |
//! | `changes` | requests that fail over 10,000 changes of end points                          |
//! | `deploys` | requests that fail over 100 rolling deploys                                   |
//! | `haproxy` | `HAProxy`, killed to serving again                                            |
//! | `hop`     | what the way through `HAProxy` adds to a request                              |
//! | `crowd`   | 5,000 services: rate, memory, processor time, start, reload; needs `wrk`      |
//!
//! Without a word: all, seven minutes. Machines are noisy and ours are shared: compare within a run.

mod changes;
mod crowd;
mod hop;
#[allow(dead_code, reason = "the tests' own, of which a bench needs less")]
#[path = "../it/instance.rs"]
mod instance;
#[allow(dead_code, reason = "the tests' own, of which a bench needs less")]
#[path = "../it/load.rs"]
mod load;
mod naive;
mod table;
mod times;
#[allow(dead_code, reason = "the tests' own, of which a bench needs less")]
#[path = "../it/world.rs"]
mod world;

use table::Table;

type Part = (&'static str, fn(&Table));

const PARTS: [Part; 8] = [
    ("new", times::new_service),
    ("kill", times::kill),
    ("reloads", changes::reloads),
    ("changes", changes::end_points),
    ("deploys", changes::deploys),
    ("haproxy", times::haproxy),
    ("hop", hop::measure),
    ("crowd", crowd::measure),
];

fn main() {
    if instance::apart_if_asked() {
        return;
    }
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let words = words.collect::<Vec<_>>();
    let is_part = |word: &String| PARTS.iter().any(|(part, _)| part == word);
    let unknown = words.iter().find(|word| !is_part(word));
    assert!(unknown.is_none(), "unknown: {unknown:?}; see {}", file!());
    assert!(world::has_haproxy(), "HAProxy is missing");
    let table = Table::begin();
    for (part, measure) in PARTS {
        if words.is_empty() || words.iter().any(|word| word == part) {
            measure(&table);
        }
    }
}
