//! The lock files of all combinations of parts, in one text.
//!
//! Nothing is resolved when a service is generated, and `--locked` holds for each combination. The
//! lock files differ in few lines, so they stand in one file: their lines, under lines such as
//! `@3f` that say in which combinations they stand, a bit a combination.

use std::collections::BTreeMap;

use crate::error::{Error, Kind, Result};
use crate::stamp::{PackageOrder, package_order};

/// Where the text lies in the template; it does not ship.
pub const FILE: &str = "Cargo.lock.parts";

/// In which combinations a line stands.
type Mask = u64;

/// The lines of one package, each with its mask.
type Package = Vec<(String, Mask)>;

/// The lock file of the combination with this number.
pub fn of(text: &str, combination: u32) -> Result<String> {
    let mut lock = String::new();
    let mut holds = false;
    for line in text.lines() {
        if let Some(mask) = line.strip_prefix('@') {
            let mask = Mask::from_str_radix(mask, 16)
                .map_err(|_| Error::new(Kind::Template, format!("{FILE}: bad mask `{mask}`")))?;
            holds = mask >> combination & 1 == 1;
        } else if holds {
            lock.push_str(line);
            lock.push('\n');
        }
    }
    Ok(lock)
}

/// All lock files, in the order of their combinations, as one text.
#[must_use]
pub fn merge(locks: &[String]) -> String {
    let mut packages: BTreeMap<PackageOrder, Package> = BTreeMap::new();
    let mut head = "";
    for (number, lock) in locks.iter().enumerate() {
        let mut blocks = lock.split("\n[[package]]\n");
        head = blocks.next().unwrap_or_default();
        for block in blocks {
            let package = packages.entry(package_order(block)).or_default();
            for line in block.trim_end().lines() {
                add(package, line, 1 << number);
            }
        }
    }
    write(head, packages.values())
}

/// Dependencies stand sorted between their brackets, whichever combination brings them.
fn add(package: &mut Package, line: &str, mask: Mask) {
    if let Some((_, known)) = package.iter_mut().find(|(known, _)| known == line) {
        *known |= mask;
        return;
    }
    let is_dependency = line.starts_with(" \"");
    let behind = |known: &str| known == "]" || known.starts_with(" \"") && known > line;
    let place = package
        .iter()
        .position(|(known, _)| is_dependency && behind(known));
    package.insert(place.unwrap_or(package.len()), (line.to_owned(), mask));
}

fn write<'a>(head: &str, packages: impl Iterator<Item = &'a Package>) -> String {
    let mut text = format!("@{:x}\n{}\n", Mask::MAX, head.trim_end());
    let mut current = Mask::MAX;
    let mut push = |line: &str, mask: Mask| {
        if mask != current {
            text.push_str(&format!("@{mask:x}\n"));
            current = mask;
        }
        text.push_str(line);
        text.push('\n');
    };
    for package in packages {
        let whole = package.first().map_or(0, |(_, mask)| *mask);
        push("", whole);
        push("[[package]]", whole);
        for (line, mask) in package {
            push(line, *mask);
        }
    }
    text
}
