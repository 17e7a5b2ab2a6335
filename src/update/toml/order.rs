//! In which order keys and elements stand that come from two sides.

/// The names of `ours`, in their order, and those only `theirs` has: each behind the one that
/// stands before it there, else before the one behind it.
pub fn union(ours: &[String], theirs: &[String]) -> Vec<String> {
    let mut names = ours.to_vec();
    for (at, name) in theirs.iter().enumerate() {
        if !names.contains(name) {
            let place = beside(&names, &theirs[..at], &theirs[at + 1..]);
            names.insert(place, name.clone());
        }
    }
    names
}

/// As [`union`], but those that are `sortable` keep the order of the alphabet if `ours` does, which
/// fewer than `least` may do by chance, where `theirs` does not. The others stand under headers of their own.
pub fn sorted_union(
    ours: &[String],
    theirs: &[String],
    least: usize,
    sortable: impl Fn(&str) -> bool,
) -> Vec<String> {
    let plain = |side: &[String]| {
        let names = side.iter().filter(|name| sortable(name)).cloned();
        names.collect::<Vec<_>>()
    };
    let (mine, other) = (plain(ours), plain(theirs));
    if !mine.is_sorted() || mine.len() < least && !other.is_sorted() {
        return union(ours, theirs);
    }
    let new = theirs.iter().filter(|name| !ours.contains(name));
    let (plain, rest): (Vec<_>, Vec<_>) = new.cloned().partition(|name| sortable(name));
    let mut names = ours.to_vec();
    for name in plain {
        let behind = |other: &String| sortable(other) && *other > name;
        let place = names.iter().position(behind).or_else(|| {
            let end = names.iter().rposition(|other| sortable(other));
            end.map(|end| end + 1)
        });
        names.insert(place.unwrap_or(names.len()), name);
    }
    names.extend(rest);
    names
}

fn beside(names: &[String], before: &[String], after: &[String]) -> usize {
    let place = |name: &String| names.iter().position(|other| other == name);
    let behind = before.iter().rev().find_map(place).map(|place| place + 1);
    behind
        .or_else(|| after.iter().find_map(place))
        .unwrap_or(names.len())
}
