//! Ten versions of a template, and two hundred services of it that teams have worked on.
//!
//! All of it follows from numbers, and is the same everywhere: template version `k` is `1.k.0`,
//! service `n` was made from version `n % 10`, and what its team did since was drawn from a pool by
//! a seed of its own. A quarter of the services are as they were made.
//!
//! | file | one line |
//! |---|---|
//! | `svc.txt` | the template at 1.0.0, its files one after the other |
//! | `steps.rs` | what each later version changed |
//! | `pool.rs` | what teams do |
//! | `change.rs` | trees of files, and one change of one |
//! | `disk.rs` | the same in directories and git repositories |
//! | `peers.py` | the same update by other tools, to compare with |

mod change;
mod disk;
mod pool;
mod rng;
mod steps;

use change::file;
use rng::Rng;

pub use change::{Change, File, Tree};
pub use disk::{commit, git, lay_out, repository};

/// How many versions the template has.
pub const VERSIONS: usize = 10;
/// How many services there are.
pub const SERVICES: usize = 200;

/// One with which some team or other does each thing of the pool.
const SEED: u64 = 32_000;

/// What services are about; a name has its number, too.
const TOPICS: [&str; 8] = [
    "orders",
    "prices",
    "mail",
    "stock",
    "late-fees",
    "invoices",
    "users",
    "search",
];

/// How the template calls its version `version`.
pub fn number(version: usize) -> String {
    format!("1.{version}.0")
}

/// The template as its authors have it.
pub fn template(version: usize) -> Tree {
    let mut tree = parse(include_str!("svc.txt"));
    tree.insert("assets/logo.png".to_owned(), file("assets/logo.png", "1"));
    for change in steps::STEPS[..version].iter().copied().flatten() {
        change.apply(&mut tree);
    }
    let first = format!("version = \"{}\"", number(0));
    let current = format!("version = \"{}\"", number(version));
    replace(&mut tree, "template.toml", &[(&first, &current)]);
    tree
}

/// What the template makes of a service `name` whose maker took every default, without its
/// record.
pub fn rendered(version: usize, name: &str) -> Tree {
    named(half_rendered(version, name), name)
}

/// A service and what its team did.
#[derive(Debug)]
pub struct Service {
    pub name: String,
    /// The template's version it was made from.
    pub version: usize,
    /// In the order in which it was done.
    pub changes: Vec<Change>,
    tree: Tree,
}

impl Service {
    /// Number `n`.
    pub fn new(n: usize) -> Self {
        let name = format!("{}-{n}", TOPICS[n % TOPICS.len()]);
        let version = n % VERSIONS;
        let mut tree = half_rendered(version, &name);
        let changes = draw(n, &mut tree);
        let tree = named(tree, &name);
        Self {
            name,
            version,
            changes,
            tree,
        }
    }

    /// What it is made of by now, without its record.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// All of them.
pub fn services() -> impl Iterator<Item = Service> {
    (0..SERVICES).map(Service::new)
}

/// All that a team may do.
pub fn possible() -> impl Iterator<Item = Change> {
    let draws = pool::POOL.into_iter().flatten();
    draws.flat_map(|draw| draw.iter().copied())
}

/// Does to `tree` what the team of service `n` did, and says what that was: nothing in a quarter
/// of the services, little in most, at most twelve draws.
fn draw(n: usize, tree: &mut Tree) -> Vec<Change> {
    let mut rng = Rng::new(SEED + u64::try_from(n).expect("64 bits"));
    let mut changes = Vec::new();
    if rng.below(4) == 0 {
        return changes;
    }
    let mut left = 1 + rng.below(12).min(rng.below(12));
    while left > 0 {
        let about = pool::POOL[rng.below(pool::POOL.len())];
        let work = about[rng.below(about.len())];
        if let Some(changed) = all(work, tree) {
            *tree = changed;
            changes.extend(work);
            left -= 1;
        }
    }
    changes
}

/// `tree` after `changes`, if each has its place.
fn all(changes: &[Change], tree: &Tree) -> Option<Tree> {
    let mut tree = tree.clone();
    for change in changes {
        if !change.fits(&tree) {
            return None;
        }
        change.apply(&mut tree);
    }
    Some(tree)
}

/// Rendered, but for the name in paths: by these, changes name files of every service.
fn half_rendered(version: usize, name: &str) -> Tree {
    let crate_name = name.replace('-', "_");
    let queue = format!("{name}-jobs");
    let values = [
        ("{{name}}", name),
        ("{{crate_name}}", &crate_name),
        ("{{queue}}", &queue),
        ("{{team}}", "platform"),
        ("{{replicas}}", "2"),
    ];
    let mut tree = template(version);
    tree.remove("template.toml");
    for path in tree.keys().cloned().collect::<Vec<_>>() {
        if let Some(stem) = path.strip_suffix(".hbs") {
            replace(&mut tree, &path, &values);
            let file = tree.remove(&path).expect("it is there");
            tree.insert(stem.to_owned(), file);
        }
    }
    tree
}

fn named(tree: Tree, name: &str) -> Tree {
    let files = tree.into_iter();
    files
        .map(|(path, file)| (path.replace("{{name}}", name), file))
        .collect()
}

fn replace(tree: &mut Tree, path: &str, values: &[(&str, &str)]) {
    let file = tree.get_mut(path).expect("a file");
    let mut text = String::from_utf8(file.bytes.clone()).expect("a text");
    for (old, new) in values {
        text = text.replace(old, new);
    }
    file.bytes = text.into_bytes();
}

/// Reads files that stand one after the other, each below a line with its path, `(x)` after that
/// of an executable one.
fn parse(text: &str) -> Tree {
    let mut tree = Tree::new();
    let files = text.strip_prefix("-- ").expect("a path");
    for part in files.split("\n-- ") {
        let (head, body) = part.split_once(" --\n").expect("a line with a path");
        let (path, executable) = match head.strip_suffix(" (x)") {
            Some(path) => (path, true),
            None => (head, false),
        };
        let body = format!("{}\n", body.trim_end_matches('\n'));
        let file = File {
            executable,
            ..file(path, &body)
        };
        tree.insert(path.to_owned(), file);
    }
    tree
}
