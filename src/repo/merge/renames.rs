//! Conflicts of files that a side has renamed.
//!
//! libgit2 leaves each of their versions open under its own name, as two conflicts or three. Git
//! leaves one, under the new name, where its lines can be merged or at least compared.

use std::collections::BTreeMap;

use git2::{Delta, DiffFindOptions, IndexConflict, IndexEntry, Oid, Repository};

use super::Sides;

/// What a side calls a file now, by its old name.
type Renames = BTreeMap<Vec<u8>, Vec<u8>>;

/// The open versions, by path and stage.
type Open = BTreeMap<(Vec<u8>, usize), IndexEntry>;

/// The same conflicts, those of one file together.
pub fn together(
    repository: &Repository,
    sides: &Sides,
    conflicts: Vec<IndexConflict>,
) -> Result<Vec<IndexConflict>, git2::Error> {
    if conflicts.is_empty() {
        return Ok(conflicts);
    }
    let ours = renames(repository, sides.base, sides.ours)?;
    let theirs = renames(repository, sides.base, sides.theirs)?;
    let mut open = conflicts.iter().flat_map(versions).collect::<Open>();
    let mut joined = Vec::new();
    for old in ours.keys().chain(theirs.keys()) {
        let (our, their) = (ours.get(old), theirs.get(old));
        let both = our.is_some() && their.is_some() && our != their;
        if !both && let Some(new) = our.or(their) {
            let name = |at: usize, renamed: Option<&Vec<u8>>| match renamed {
                Some(name) => name.clone(),
                None if open.contains_key(&(old.clone(), at)) => old.clone(),
                None => new.clone(),
            };
            let names = [old.clone(), name(1, our), name(2, their)];
            // Who has deleted the file and made another of its new name has not renamed it.
            let another = [(1, our), (2, their)]
                .into_iter()
                .any(|(at, renamed)| renamed.is_none() && open.contains_key(&(new.clone(), at)));
            let conflict = join(&mut open, &names, new);
            joined.extend(conflict.map(|mut conflict| {
                conflict.ancestor = conflict.ancestor.filter(|_| !another);
                conflict
            }));
        }
    }
    let untouched = conflicts.into_iter().filter(|conflict| {
        let mut versions = versions(conflict);
        versions.any(|(at, _)| open.contains_key(&at))
    });
    Ok(untouched.chain(joined).collect())
}

/// Takes the versions of the file that each side calls so out of `open`, unless other versions
/// have a part in it.
fn join(open: &mut Open, names: &[Vec<u8>; 3], new: &[u8]) -> Option<IndexConflict> {
    let keys = [0, 1, 2].map(|at| (names[at].clone(), at));
    let mut there = [0, 1, 2]
        .into_iter()
        .flat_map(|at| [(names[0].clone(), at), (new.to_owned(), at)]);
    let alone = there.all(|key| !open.contains_key(&key) || keys.contains(&key));
    if !alone || !open.contains_key(&keys[0]) {
        return None;
    }
    let [ancestor, our, their] = keys.map(|key| open.remove(&key));
    Some(IndexConflict {
        ancestor,
        our,
        their,
    })
}

fn versions(conflict: &IndexConflict) -> impl Iterator<Item = ((Vec<u8>, usize), IndexEntry)> {
    let each = [&conflict.ancestor, &conflict.our, &conflict.their];
    let each = each.into_iter().enumerate();
    each.filter_map(|(at, entry)| {
        let entry = entry.as_ref()?;
        let copy = super::entry(&entry.path, entry.mode, entry.id);
        Some(((entry.path.clone(), at), copy))
    })
}

/// As the merge has found them.
fn renames(repository: &Repository, base: Oid, side: Oid) -> Result<Renames, git2::Error> {
    let (base, side) = (repository.find_tree(base)?, repository.find_tree(side)?);
    let mut diff = repository.diff_tree_to_tree(Some(&base), Some(&side), None)?;
    let mut options = DiffFindOptions::new();
    diff.find_similar(Some(options.renames(true).rename_limit(super::RENAMES)))?;
    let renamed = diff
        .deltas()
        .filter(|delta| delta.status() == Delta::Renamed);
    let names = renamed.filter_map(|delta| {
        let name = |file: git2::DiffFile| file.path_bytes().map(<[u8]>::to_owned);
        Some((name(delta.old_file())?, name(delta.new_file())?))
    });
    Ok(names.collect())
}
