//! What `git merge` makes of the same three trees, and what a repository shows of a merge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Delta, IndexEntry, IndexTime, Oid, Repository, Signature};

use super::random::{File, Files, can_be};
use super::{Case, read};
use crate::git::git;
use crate::sandbox::{Run, Sandbox};

/// What a repository shows: the files on disk, and the index, by path and stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub files: Files,
    index: BTreeMap<(String, u16), (u32, Oid)>,
    /// The blobs of what is open.
    open: BTreeMap<(String, u16), Vec<u8>>,
}

impl State {
    /// Of the repository in `dir`; the record is ours and none of git's.
    pub fn of(dir: &Path) -> Self {
        let repository = Repository::open(dir).expect("a repository");
        let (mut index, mut open) = (BTreeMap::new(), BTreeMap::new());
        for entry in repository.index().expect("an index").iter() {
            let path = plain(&String::from_utf8(entry.path).expect("a path"));
            let stage = (entry.flags >> 12) & 3;
            if path == "service.toml" {
                continue;
            }
            if stage > 0 {
                let blob = repository.find_blob(entry.id).expect("a blob");
                open.insert((path.clone(), stage), blob.content().to_vec());
            }
            index.insert((path, stage), (entry.mode, entry.id));
        }
        let files = walkdir::WalkDir::new(dir).into_iter();
        let files = files.filter_entry(|entry| entry.file_name() != ".git");
        let files = files.map(|entry| entry.expect("an entry"));
        let files = files
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| {
                let path = entry.path().strip_prefix(dir).expect("below it");
                let path = path.to_str().expect("UTF-8");
                (plain(path), read(dir, path))
            });
        let mut files = files.collect::<Files>();
        files.remove("service.toml");
        Self { files, index, open }
    }

    pub fn is_clean(&self) -> bool {
        self.open.is_empty()
    }

    /// What is open, as each side has it.
    pub fn open_files(&self) -> Vec<File> {
        let blobs = self.open.values().cloned();
        blobs.map(|bytes| File { bytes, runs: false }).collect()
    }

    /// The paths that are open.
    pub fn conflicts(&self) -> BTreeSet<&str> {
        self.open.keys().map(|(path, _)| path.as_str()).collect()
    }

    /// No path is settled and open at once.
    #[track_caller]
    pub fn is_well_formed(&self) {
        for path in self.conflicts() {
            let settled = self.index.contains_key(&(path.to_owned(), 0));
            assert!(!settled, "`{path}` is settled and open");
        }
    }
}

/// The names of the sides, in paths that git makes up, are those of ours.
fn plain(path: &str) -> String {
    path.replace("~HEAD", "~service")
        .replace("~theirs", "~template")
}

/// The text without the labels of its markers.
fn unlabelled(file: &File) -> File {
    let text = String::from_utf8_lossy(&file.bytes);
    let bare = text.split_inclusive('\n').map(|line| {
        let mut marks = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].into_iter();
        let mark = marks.find(|mark| line.starts_with(mark));
        mark.map_or_else(|| line.to_owned(), |mark| format!("{mark}\n"))
    });
    let bytes = if file.bytes.contains(&0) {
        file.bytes.clone()
    } else {
        bare.collect::<String>().into_bytes()
    };
    File { bytes, ..*file }
}

/// The same conflicts, the same index, the same files but for labels; or what differs.
pub fn disagreement(result: &State, expected: &State) -> Option<String> {
    if result.conflicts() != expected.conflicts() {
        return Some(differ(
            "conflicts",
            &result.conflicts(),
            &expected.conflicts(),
        ));
    }
    if result.index != expected.index {
        return Some(differ("index", &result.index, &expected.index));
    }
    let files = |state: &State| {
        let files = state.files.iter();
        let files = files.map(|(path, file)| (path.clone(), unlabelled(file)));
        files.collect::<Files>()
    };
    let (ours, theirs) = (files(result), files(expected));
    (ours != theirs).then(|| differ("files", &ours, &theirs))
}

fn differ(what: &str, ours: &impl Debug, theirs: &impl Debug) -> String {
    format!("{what}\nours: {ours:#?}\ngit's: {theirs:#?}")
}

/// Where git and libgit2 differ by intent; the round holds its other promises all the same.
pub fn may_disagree(sandbox: &Sandbox, case: &Case) -> Option<&'static str> {
    let dir = sandbox.root().join("expected");
    let [git, ours] = [renames_by_git(sandbox, &dir), renames_by_libgit2(&dir)];
    let split = |(old, new): (&String, &String)| git[1].get(old).is_some_and(|other| other != new);
    let alike = |one: &Files, other: &Files| {
        one.iter().any(|(path, file)| {
            let twin = other.get(path).filter(|_| !case.base.contains_key(path));
            twin.is_some_and(|twin| twin.runs != file.runs)
        })
    };
    if alike(&case.ours, &case.theirs) {
        return Some(
            "a new file of both, run by one: its mode is a conflict for git, and the service's for us",
        );
    }
    if git != ours || is_guessed(sandbox, &dir) {
        return Some("whether a file is renamed is a guess, by bytes or by lines");
    }
    let clash = |one: &Files, other: &Files| {
        let mut all = one.clone();
        all.extend(other.clone());
        !can_be(&all)
    };
    if clash(&case.ours, &case.theirs) {
        return Some(
            "a file where the other side has a directory: which of them gets another name",
        );
    }
    if git[0].iter().any(split) {
        return Some("a file with two new names: git puts the merged text into both");
    }
    None
}

/// The new name of each renamed file, of both sides.
type Renames = [BTreeMap<String, String>; 2];

fn renames_by_git(sandbox: &Sandbox, dir: &Path) -> Renames {
    ["ours", "theirs"].map(|side| {
        let words = [
            "diff",
            "--name-status",
            "--diff-filter=R",
            "-M",
            "-z",
            "ours~",
            side,
        ];
        let text = git(sandbox, dir, &words);
        let words = text.split_terminator('\0').collect::<Vec<_>>();
        let renames = words.chunks(3);
        renames
            .map(|of| (of[1].to_owned(), of[2].to_owned()))
            .collect()
    })
}

/// Whether git takes a file for a renamed one that is also changed.
fn is_guessed(sandbox: &Sandbox, dir: &Path) -> bool {
    let renames = ["ours", "theirs"].map(|side| {
        let words = [
            "diff",
            "--name-status",
            "--diff-filter=R",
            "-M",
            "ours~",
            side,
        ];
        git(sandbox, dir, &words)
    });
    let mut renames = renames.iter().flat_map(|text| text.lines());
    renames.any(|line| !line.starts_with("R100"))
}

fn renames_by_libgit2(dir: &Path) -> Renames {
    let repository = Repository::open(dir).expect("a repository");
    let tree = |name: &str| {
        let object = repository.revparse_single(name).expect("a commit");
        object.peel_to_tree().expect("a tree")
    };
    ["ours", "theirs"].map(|side| {
        let (old, new) = (tree("ours~"), tree(side));
        let diff = repository.diff_tree_to_tree(Some(&old), Some(&new), None);
        let mut diff = diff.expect("a diff");
        diff.find_similar(None).expect("renames");
        let renamed = diff
            .deltas()
            .filter(|delta| delta.status() == Delta::Renamed);
        let name = |file: git2::DiffFile| {
            let path = file.path().expect("a path").to_str();
            path.expect("UTF-8").to_owned()
        };
        let names = renamed.map(|delta| (name(delta.old_file()), name(delta.new_file())));
        names.collect()
    })
}

/// What both sides did with the files, as git sees it.
pub fn story(sandbox: &Sandbox) -> String {
    let dir = sandbox.root().join("expected");
    let side = |name| {
        git(
            sandbox,
            &dir,
            &["diff", "--name-status", "-M", "ours~", name],
        )
    };
    format!("ours\n{}\ntheirs\n{}", side("ours"), side("theirs"))
}

/// Merges the case by the program `git`, with the diff that libgit2 has.
pub fn merged_by_git(sandbox: &Sandbox, case: &Case, manifest: &File) -> State {
    let dir = sandbox.root().join("expected");
    let repository = Repository::init(&dir).expect("a repository");
    let commit = |files: &Files, parents: &[Oid]| commit(&repository, files, manifest, parents);
    let base = commit(&case.base, &[]);
    let (ours, theirs) = (commit(&case.ours, &[base]), commit(&case.theirs, &[base]));
    repository
        .reference("refs/heads/theirs", theirs, true, "")
        .expect("a branch");
    repository
        .reference("refs/heads/ours", ours, true, "")
        .expect("a branch");
    repository.set_head("refs/heads/ours").expect("a branch");
    let mut checkout = CheckoutBuilder::new();
    repository
        .checkout_head(Some(checkout.force()))
        .expect("a checkout");
    let mut git = sandbox.command("git");
    git.args([
        "-c",
        "merge.directoryRenames=false",
        "merge",
        "--no-ff",
        "--no-commit",
    ]);
    let run = Run::of(
        git.args(["-X", "diff-algorithm=myers", "theirs"])
            .current_dir(&dir),
    );
    let state = State::of(&dir);
    assert_eq!(
        run.code == 0,
        state.is_clean(),
        "{}{}",
        run.stdout,
        run.stderr
    );
    state
}

fn commit(repository: &Repository, files: &Files, manifest: &File, parents: &[Oid]) -> Oid {
    let mut index = git2::Index::new().expect("an index");
    let manifest = ("Cargo.toml".to_owned(), manifest.clone());
    for (path, file) in files.clone().into_iter().chain([manifest]) {
        let entry = IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: if file.runs { 0o100_755 } else { 0o100_644 },
            uid: 0,
            gid: 0,
            file_size: 0,
            id: repository.blob(&file.bytes).expect("a blob"),
            flags: 0,
            flags_extended: 0,
            path: path.into_bytes(),
        };
        index.add(&entry).expect("an entry");
    }
    let tree = index.write_tree_to(repository).expect("a tree");
    let tree = repository.find_tree(tree).expect("a tree");
    let parents = parents
        .iter()
        .map(|id| repository.find_commit(*id).expect("a commit"));
    let parents = parents.collect::<Vec<_>>();
    let parents = parents.iter().collect::<Vec<_>>();
    let who = Signature::now("team", "team@localhost").expect("a name");
    let made = repository.commit(None, &who, &who, "", &tree, &parents);
    made.expect("a commit")
}
