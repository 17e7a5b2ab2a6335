//! Merges three trees of a service's directory, in memory.
//!
//! libgit2 merges, by the rules of `git merge`: file by file, renames followed. What it leaves open
//! becomes what git leaves open: three stages in the index, and markers in the file. The merged
//! tree shows every file as the directory will have it, markers included.

mod renames;

use std::collections::{BTreeMap, BTreeSet};

use git2::{
    Index, IndexConflict, IndexEntry, IndexTime, MergeFileInput, MergeFileOptions, MergeOptions,
    Oid, Repository,
};

use super::checkout::Checkout;
use crate::error::Result;

/// As many as anybody renames at once; libgit2 gives up at 200.
const RENAMES: usize = 2000;

/// Three trees, and what they were before they were made alike for the merge.
#[derive(Clone, Debug)]
pub struct Sides {
    /// What both others come from.
    pub base: Oid,
    /// The service.
    pub ours: Oid,
    /// The template.
    pub theirs: Oid,
    /// Blobs that stand for others in each of them: a conflict shows the original.
    pub originals: [BTreeMap<Oid, Oid>; 3],
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The tree as the directory will have it.
    pub tree: Oid,
    /// What is open, by path.
    pub conflicts: Vec<Conflict>,
}

/// A file that both sides changed, each in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// From the service's directory.
    pub path: Vec<u8>,
    /// What happened to it.
    pub how: How,
    /// Mode and blob of base, ours and theirs, for the index.
    pub stages: [Option<(u32, Oid)>; 3],
}

/// What happened to a file that two sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Both changed the same lines.
    BothChanged,
    /// Both made a file of this name.
    BothAdded,
    /// The service deleted it, the template changed it.
    DeletedHere,
    /// The template deleted it, the service changed it.
    DeletedThere,
    /// Names that cannot stand beside each other: a rename, a directory and a file.
    Names,
}

impl Conflict {
    /// Its path, as it can be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

impl Checkout {
    /// Merges; markers of what stays open are labelled `service` and as `theirs` and `base` say.
    pub fn merge(&self, sides: &Sides, (theirs, base): (&str, &str)) -> Result<Merged> {
        let merge = Merge {
            repository: &self.repository,
            sides,
            theirs,
            base,
        };
        merge.run().map_err(|error| self.failed(&error))
    }

    /// Ends the conflict at `path`: the service's file stays as it is shown now, or goes.
    pub fn settle(&self, merged: &mut Merged, path: &[u8], stays: bool) -> Result<()> {
        merged.conflicts.retain(|conflict| conflict.path != path);
        if stays {
            return Ok(());
        }
        let path = String::from_utf8_lossy(path).into_owned();
        merged.tree = self.with(merged.tree, &BTreeMap::from([(path, None)]))?;
        Ok(())
    }
}

/// The versions of one file that conflict.
type Versions<'a> = [Option<&'a IndexEntry>; 3];

struct Merge<'a> {
    repository: &'a Repository,
    sides: &'a Sides,
    /// The labels in markers.
    theirs: &'a str,
    base: &'a str,
}

impl Merge<'_> {
    fn run(&self) -> Result<Merged, git2::Error> {
        let mut index = self.index()?;
        let open = index.conflicts()?.collect::<Result<Vec<_>, _>>()?;
        for conflict in &open {
            close(&mut index, conflict);
        }
        let mut open = renames::together(self.repository, self.sides, open)?;
        open.extend(self.in_the_way(&mut index)?);
        let mut conflicts = Vec::new();
        for conflict in &open {
            match self.agreed(conflict)? {
                Some(entry) => index.add(&entry)?,
                None => conflicts.push(self.show(&mut index, conflict)?),
            }
        }
        conflicts.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Merged {
            tree: index.write_tree_to(self.repository)?,
            conflicts,
        })
    }

    fn index(&self) -> Result<Index, git2::Error> {
        let tree = |id| self.repository.find_tree(id);
        let Sides {
            base, ours, theirs, ..
        } = self.sides;
        let mut options = MergeOptions::new();
        let limit = u32::try_from(RENAMES).unwrap_or(u32::MAX);
        options.find_renames(true).target_limit(limit);
        let (base, ours, theirs) = (tree(*base)?, tree(*ours)?, tree(*theirs)?);
        self.repository
            .merge_trees(&base, &ours, &theirs, Some(&options))
    }

    /// Takes out of `index` the new files that stand where the other side has a directory. libgit2
    /// finds no conflict in them, and a tree would have no place for them.
    fn in_the_way(&self, index: &mut Index) -> Result<Vec<IndexConflict>, git2::Error> {
        let paths = index.iter().map(|entry| entry.path);
        let paths = paths.collect::<BTreeSet<_>>();
        let is_directory = |path: &[u8]| {
            let below = [path, b"/"].concat();
            let next = paths.range(below.clone()..).next();
            next.is_some_and(|path| path.starts_with(&below))
        };
        let files = index.iter().filter(|entry| is_directory(&entry.path));
        let files = files.collect::<Vec<_>>();
        let ours = self.repository.find_tree(self.sides.ours)?;
        let mut conflicts = Vec::new();
        for file in files {
            let path = super::path_of(&file.path);
            index.remove(path, 0)?;
            let known = ours.get_path(path);
            let is_ours = known.is_ok_and(|entry| entry.id() == file.id);
            let (our, their) = if is_ours {
                (Some(file), None)
            } else {
                (None, Some(file))
            };
            conflicts.push(IndexConflict {
                ancestor: None,
                our,
                their,
            });
        }
        Ok(conflicts)
    }

    /// What libgit2 gives up too early: bytes without lines that only one side changed, or both
    /// alike, while another made the file a program; lines that both changed, and renamed. Git
    /// looks at name, bytes and mode each by itself.
    fn agreed(&self, conflict: &IndexConflict) -> Result<Option<IndexEntry>, git2::Error> {
        let IndexConflict {
            ancestor: Some(ancestor),
            our: Some(our),
            their: Some(their),
        } = conflict
        else {
            return Ok(None);
        };
        let versions = [Some(ancestor), Some(our), Some(their)];
        if !versions.into_iter().flatten().all(is_file) {
            return Ok(None);
        }
        let id = if our.id == their.id || ancestor.id == their.id {
            Some(our.id)
        } else if ancestor.id == our.id {
            Some(their.id)
        } else {
            let merged = self.with_markers(versions)?;
            merged.and_then(|(id, clean)| clean.then_some(id))
        };
        let mode = mode(Some(ancestor), our, their);
        Ok(id.map(|id| entry(&path(versions), mode, id)))
    }

    /// Puts what the directory shows of a conflict into `index`.
    fn show(&self, index: &mut Index, conflict: &IndexConflict) -> Result<Conflict, git2::Error> {
        let IndexConflict {
            ancestor,
            our,
            their,
        } = conflict;
        let versions = [ancestor.as_ref(), our.as_ref(), their.as_ref()];
        let shown = match (our, their) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some((one.mode, one.id)),
            (Some(our), Some(their)) => {
                let marked = self.with_markers(versions)?;
                Some((
                    mode(ancestor.as_ref(), our, their),
                    marked.map_or(our.id, |(id, _)| id),
                ))
            }
        };
        let path = free_path(index, path(versions), our.is_none());
        if let Some((mode, id)) = shown {
            index.add(&entry(&path, mode, id))?;
        }
        let mut stages = [None; 3];
        for (at, version) in versions.into_iter().enumerate() {
            let original = |entry: &IndexEntry| {
                let known = self.sides.originals[at].get(&entry.id);
                (entry.mode, known.copied().unwrap_or(entry.id))
            };
            stages[at] = version.map(original);
        }
        Ok(Conflict {
            path,
            how: how(versions),
            stages,
        })
    }

    /// The text of both with markers, and whether it needs none; nothing, if one of them has no
    /// lines.
    fn with_markers(&self, versions: Versions) -> Result<Option<(Oid, bool)>, git2::Error> {
        let [ancestor, Some(our), Some(their)] = versions else {
            return Ok(None);
        };
        if !versions.into_iter().flatten().all(is_file) {
            return Ok(None);
        }
        let blob = |entry: &IndexEntry| self.repository.find_blob(entry.id);
        let (our, their) = (blob(our)?, blob(their)?);
        let ancestor = ancestor.map(blob).transpose()?;
        if our.is_binary() || their.is_binary() {
            return Ok(None);
        }
        let mut options = MergeFileOptions::new();
        options.our_label("service").their_label(self.theirs);
        options.ancestor_label(self.base);
        match self.conflict_style().as_deref() {
            Some("diff3") => drop(options.style_diff3(true)),
            Some("zdiff3") => drop(options.style_zdiff3(true)),
            _ => {}
        }
        let [mut base, mut one, mut other] = [(); 3].map(|()| MergeFileInput::new());
        let empty: &[u8] = b"";
        base.content(ancestor.as_ref().map_or(empty, git2::Blob::content));
        one.content(our.content());
        other.content(their.content());
        let merged = git2::merge_file(&base, &one, &other, Some(&mut options))?;
        let id = self.repository.blob(merged.content())?;
        Ok(Some((id, merged.is_automergeable())))
    }

    /// The user's own style of markers.
    fn conflict_style(&self) -> Option<String> {
        let config = self.repository.config().ok()?;
        config.get_string("merge.conflictStyle").ok()
    }
}

/// If both are files and the template alone says anew whether it can be run, that counts.
fn mode(ancestor: Option<&IndexEntry>, our: &IndexEntry, their: &IndexEntry) -> u32 {
    match ancestor {
        Some(ancestor) if ancestor.mode == our.mode && is_file(their) && is_file(our) => their.mode,
        _ => our.mode,
    }
}

fn how(versions: Versions) -> How {
    match versions {
        [Some(_), None, Some(_)] => How::DeletedHere,
        [Some(_), Some(_), None] => How::DeletedThere,
        [Some(_), Some(our), Some(their)] if is_file(our) && is_file(their) => How::BothChanged,
        [None, Some(our), Some(their)] if is_file(our) && is_file(their) => How::BothAdded,
        _ => How::Names,
    }
}

/// Where a file is shown: under the new name, if one side has renamed it.
fn path([ancestor, our, their]: Versions) -> Vec<u8> {
    let old = ancestor.map(|entry| &entry.path);
    let each = [our, their].into_iter().flatten().map(|entry| &entry.path);
    let mut each = each.collect::<Vec<_>>();
    each.sort_by_key(|path| Some(*path) == old);
    let first = each.first().copied().or(old);
    first.cloned().unwrap_or_default()
}

/// `path`, or another where something else has that name, as git chooses one.
fn free_path(index: &Index, path: Vec<u8>, template: bool) -> Vec<u8> {
    let taken = index
        .iter()
        .map(|entry| entry.path)
        .collect::<BTreeSet<_>>();
    let below = [path.as_slice(), b"/"].concat();
    let is_dir = taken.iter().any(|other| other.starts_with(&below));
    let in_file = taken.iter().any(|other| {
        path.strip_prefix(other.as_slice())
            .is_some_and(|rest| rest.starts_with(b"/"))
    });
    if !is_dir && !in_file && !taken.contains(&path) {
        return path;
    }
    let by: &[u8] = if template { b"~template" } else { b"~service" };
    let flat = path.iter().map(|byte| {
        if in_file && *byte == b'/' {
            b'_'
        } else {
            *byte
        }
    });
    flat.chain(by.iter().copied()).collect()
}

/// Takes a conflict out of the index; two of them may share a path.
fn close(index: &mut Index, conflict: &IndexConflict) {
    let entries = [&conflict.ancestor, &conflict.our, &conflict.their];
    for entry in entries.into_iter().flatten() {
        let _ = index.conflict_remove(super::path_of(&entry.path));
    }
}

fn is_file(entry: &IndexEntry) -> bool {
    entry.mode & 0o170_000 == 0o100_000
}

/// An entry that knows no file on disk.
pub(super) fn entry(path: &[u8], mode: u32, id: Oid) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_owned(),
    }
}

/// The lines of three texts merged, if they merge without a conflict.
#[must_use]
pub fn lines(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let [mut ancestor, mut one, mut other] = [(); 3].map(|()| MergeFileInput::new());
    ancestor.content(base.as_bytes());
    one.content(ours.as_bytes());
    other.content(theirs.as_bytes());
    let merged = git2::merge_file(&ancestor, &one, &other, None).ok()?;
    let text = merged
        .is_automergeable()
        .then(|| merged.content().to_vec())?;
    String::from_utf8(text).ok()
}
