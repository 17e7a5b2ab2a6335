//! What holds for all documents, tried on many made by chance, the same ones each time.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use toml_edit::{DocumentMut, Item, Value};

use super::super::{Reduced, reduce};

const CASES: usize = 2000;

#[test]
fn nothing_is_lost_and_nothing_comes_back() {
    let clean = thread::scope(|scope| {
        let parts = (0..4).map(|part| scope.spawn(move || clean((part..CASES).step_by(4))));
        let parts = parts.collect::<Vec<_>>().into_iter();
        let clean = parts.map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
        clean.sum::<usize>()
    });
    assert!(clean > CASES / 5, "hardly any merge was clean: {clean}");
    assert!(clean < CASES, "nothing ever was a conflict");
}

/// How many of these cases had no conflict.
fn clean(cases: impl Iterator<Item = usize>) -> usize {
    let clean = cases.filter(|case| {
        let mut dice = Dice((*case as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let base = Model::random(&mut dice);
        let ours = base.edited(&mut dice);
        let theirs = base.edited(&mut dice);
        holds(
            &[&base, &ours, &theirs].map(|model| model.text(&mut dice)),
            &mut dice,
        )
    });
    clean.count()
}

/// Whether there was no conflict; panics where a merge did wrong.
fn holds([base, ours, theirs]: &[String; 3], dice: &mut Dice) -> bool {
    let shown = || format!("--- base\n{base}\n--- ours\n{ours}\n--- theirs\n{theirs}\n");
    let merged = reduce(base, ours, theirs).unwrap_or_else(|| panic!("not merged\n{}", shown()));
    let says = [base, ours, theirs].map(|text| leaves(text));
    let is_clean = is_clean(&merged);
    let texts = [&merged.theirs, &merged.ours, &merged.base];
    for (text, side) in texts.into_iter().zip([2, 1, 0]) {
        if side == 2 || !is_clean {
            let shown = || format!("{}--- merged {side}\n{text}", shown());
            kept(&says, &leaves(text), side, &shown);
        }
    }
    if dice.one_in(4) {
        let turned = reduce(base, theirs, ours).expect("as well the other way around");
        assert_eq!(is_clean, self::is_clean(&turned), "{}", shown());
        let [one, other] = [&merged.ours, &turned.theirs].map(|text| leaves(text));
        assert_eq!(one, other, "turned\n{}", shown());
    } else if is_clean && dice.one_in(3) {
        let again = reduce(base, &merged.ours, theirs).expect("once more");
        assert_eq!(again, merged, "once more\n{}", shown());
    }
    is_clean
}

fn is_clean(reduced: &Reduced) -> bool {
    reduced.base == reduced.ours && reduced.ours == reduced.theirs
}

type Leaves = BTreeMap<String, String>;

/// Each leaf is as the one side has it that changed it; where both did, as that of `side`.
fn kept(
    [base, ours, theirs]: &[Leaves; 3],
    merged: &Leaves,
    side: usize,
    shown: &dyn Fn() -> String,
) {
    for key in base.keys().chain(ours.keys()).chain(theirs.keys()) {
        let [base, ours, theirs, merged] = [base, ours, theirs, merged].map(|side| side.get(key));
        if ours == theirs || theirs == base {
            // Either side's may be gone with all that stood around it, in a conflict about that.
            let gone = (merged.is_none() || merged == base) && (side != 1 || ours == merged);
            assert!(
                merged == ours || gone && side != 1,
                "{key}: {merged:?}\n{}",
                shown()
            );
        } else if ours == base {
            let gone = merged.is_none() || merged == base;
            assert!(
                merged == theirs || gone && side != 2,
                "{key}: {merged:?}\n{}",
                shown()
            );
        } else {
            assert_eq!(merged, [base, ours, theirs][side], "{key}\n{}", shown());
        }
    }
    for key in merged.keys() {
        let known = [base, ours, theirs]
            .iter()
            .any(|side| side.contains_key(key));
        assert!(known, "{key} comes from nowhere\n{}", shown());
    }
}

/// All that a text says, in lines of its own; elements of sets and arrays by themselves.
fn leaves(text: &str) -> Leaves {
    let doc = text.parse::<DocumentMut>();
    let doc = doc.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut found = Leaves::new();
    walk("", doc.as_item(), &mut found);
    found
}

fn walk(path: &str, item: &Item, found: &mut Leaves) {
    let in_dependencies = path.matches('/').count() == 2 && path.contains("dependencies/");
    match item {
        Item::ArrayOfTables(array) => {
            for table in array {
                let name = table.get("name").and_then(Item::as_str).unwrap_or_default();
                walk(
                    &format!("{path}/[{name}]"),
                    &Item::Table(table.clone()),
                    found,
                );
            }
        }
        Item::Value(Value::Array(array)) if path.contains("features") => {
            for value in array {
                let text = value.as_str().unwrap_or_default();
                found.insert(format!("{path}/{text}"), String::new());
            }
        }
        Item::Value(value) if in_dependencies && value.is_str() => {
            let text = value.clone().decorated("", "").to_string();
            found.insert(format!("{path}/version"), text.replace('\'', "\""));
        }
        _ => {
            if let Some(table) = item.as_table_like() {
                for (key, item) in table.iter() {
                    walk(&format!("{path}/{key}"), item, found);
                }
            } else {
                let value = item.as_value().cloned().expect("all else is a value");
                let text = value.decorated("", "").to_string();
                found.insert(path.to_owned(), text.replace('\'', "\""));
            }
        }
    }
}

/// A small xorshift generator.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn one_in(&mut self, chance: u64) -> bool {
        self.below(chance) == 0
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.below(words.len() as u64);
        words[usize::try_from(at).expect("few words")]
    }
}

/// What a manifest says, without how.
#[derive(Clone, Default)]
struct Model {
    package: BTreeMap<String, String>,
    dependencies: BTreeMap<String, Dependency>,
    dev: BTreeMap<String, Dependency>,
    features: BTreeMap<String, Vec<String>>,
    lints: BTreeMap<String, String>,
    binaries: BTreeMap<String, BTreeMap<String, String>>,
    profiles: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Default)]
struct Dependency {
    version: String,
    features: Vec<String>,
    optional: bool,
}

const NAMES: [&str; 5] = ["a", "b", "c-d", "\"e f\"", "g"];

impl Model {
    fn random(dice: &mut Dice) -> Self {
        let mut model = Self::default();
        for _ in 0..2 + dice.below(9) {
            model.edit(dice);
        }
        model
    }

    fn edited(&self, dice: &mut Dice) -> Self {
        let mut model = self.clone();
        for _ in 0..=dice.below(4) {
            model.edit(dice);
        }
        model
    }

    fn edit(&mut self, dice: &mut Dice) {
        match dice.below(9) {
            0 => set(&mut self.package, dice),
            1 | 2 => depend(&mut self.dependencies, dice),
            3 => depend(&mut self.dev, dice),
            4 => {
                let features = self.features.entry(dice.of(&NAMES).to_owned()).or_default();
                toggle(features, dice);
            }
            5 => set(&mut self.lints, dice),
            6 => nest(&mut self.binaries, dice),
            7 => nest(&mut self.profiles, dice),
            _ => self.remove(dice),
        }
    }

    fn remove(&mut self, dice: &mut Dice) {
        let name = dice.of(&NAMES);
        match dice.below(6) {
            0 => drop(self.package.remove(name)),
            1 => drop(self.dependencies.remove(name)),
            2 => self.dev.clear(),
            3 => drop(self.features.remove(name)),
            4 => drop(self.binaries.remove(name)),
            _ => drop(self.profiles.remove(name)),
        }
    }
}

fn set(table: &mut BTreeMap<String, String>, dice: &mut Dice) {
    let value = dice.of(&["1", "2", "\"x\"", "true", "[1, 2]", "\"\"\"\nm\n\"\"\""]);
    table.insert(dice.of(&NAMES).to_owned(), value.to_owned());
}

fn nest(tables: &mut BTreeMap<String, BTreeMap<String, String>>, dice: &mut Dice) {
    let table = tables.entry(dice.of(&NAMES).to_owned()).or_default();
    set(table, dice);
}

fn depend(table: &mut BTreeMap<String, Dependency>, dice: &mut Dice) {
    let dependency = table.entry(dice.of(&NAMES).to_owned()).or_default();
    match dice.below(4) {
        0 => toggle(&mut dependency.features, dice),
        1 => dependency.optional = !dependency.optional,
        _ => {}
    }
    if dependency.version.is_empty() || dice.one_in(2) {
        dependency.version = dice.of(&["1", "2", "3.1"]).to_owned();
    }
}

fn toggle(set: &mut Vec<String>, dice: &mut Dice) {
    let word = dice.of(&NAMES).trim_matches('"').to_owned();
    match set.iter().position(|other| *other == word) {
        Some(at) => drop(set.remove(at)),
        None => set.push(word),
    }
}

/// How it is written is left to chance.
impl Model {
    fn text(&self, dice: &mut Dice) -> String {
        let mut blocks = vec![table("package", &self.package, dice)];
        blocks.push(dependencies("dependencies", &self.dependencies, dice));
        blocks.push(dependencies("dev-dependencies", &self.dev, dice));
        let features = self.features.iter();
        let features = features.map(|(key, set)| (key.clone(), list(set, dice)));
        blocks.push(table("features", &features.collect(), &mut Dice(1)));
        blocks.push(table("lints.clippy", &self.lints, dice));
        for (name, profile) in &self.profiles {
            blocks.push(table(&format!("profile.{name}"), profile, dice));
        }
        for (name, binary) in &self.binaries {
            let name = name.trim_matches('"');
            let keys = table("bin", binary, dice);
            let keys = keys.split_once('\n').map_or("", |(_, keys)| keys);
            blocks.push(format!("[[bin]]\nname = \"{name}\"\n{keys}"));
        }
        if dice.one_in(3) {
            let at = dice.below(blocks.len() as u64);
            blocks.rotate_left(usize::try_from(at).expect("few blocks"));
        }
        blocks.retain(|block| block.contains('='));
        blocks.join("\n")
    }
}

fn table(name: &str, keys: &BTreeMap<String, String>, dice: &mut Dice) -> String {
    let mut lines = keys.iter().map(|(key, value)| {
        let value = if true {
            value.replace("\"x\"", "'x'")
        } else {
            value.clone()
        };
        let above = if dice.one_in(8) { "\n# above\n" } else { "" };
        let behind = if dice.one_in(8) { " # behind" } else { "" };
        format!("{above}{key} = {value}{behind}\n")
    });
    let mut lines = lines.by_ref().collect::<Vec<_>>();
    if dice.one_in(3) {
        lines.reverse();
    }
    format!("[{name}]\n{}", lines.concat())
}

fn list(words: &[String], dice: &mut Dice) -> String {
    let quoted = words
        .iter()
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>();
    match dice.below(3) {
        0 if !quoted.is_empty() => format!("[\n    {}, # last\n]", quoted.join(", # c\n    ")),
        1 => format!("[ {} ]", quoted.join(",")),
        _ => format!("[{}]", quoted.join(", ")),
    }
}

fn dependencies(name: &str, all: &BTreeMap<String, Dependency>, dice: &mut Dice) -> String {
    let mut plain = String::new();
    let mut tables = String::new();
    for (key, dependency) in all {
        let mut keys = vec![("version", format!("\"{}\"", dependency.version))];
        if !dependency.features.is_empty() {
            keys.push(("features", list(&dependency.features, dice)));
        }
        if dependency.optional {
            keys.push(("optional", "true".to_owned()));
        }
        let pairs = |prefix: &str, between: &str| {
            let pairs = keys
                .iter()
                .map(|(key, value)| format!("{prefix}{key} = {value}"));
            pairs.collect::<Vec<_>>().join(between)
        };
        match dice.below(6) {
            0 => tables += &format!("\n[{name}.{key}]\n{}\n", pairs("", "\n")),
            1 => plain += &format!("{}\n", pairs(&format!("{key}."), "\n")),
            2 | 3 if keys.len() == 1 => plain += &format!("{key} = {}\n", keys[0].1),
            _ => plain += &format!("{key} = {{ {} }}\n", pairs("", ", ")),
        }
    }
    format!("[{name}]\n{plain}{tables}")
}
