//! Reads a commit's tree out of the object database, never through a checkout.

use std::path::Path;

use git2::{Odb, Oid, Repository};

use crate::error::{Error, Kind, Result};

/// More than any tree object or commit of a sane repository.
const LARGEST: usize = 32 << 20;

/// What stands at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A directory.
    Directory,
    /// A file, and whether it can be run.
    File(bool),
    /// A symbolic link; its bytes are its target.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// An entry of a tree.
pub struct Entry<'a> {
    /// From the root of the tree.
    pub path: &'a [u8],
    /// What it is.
    pub what: What,
    odb: &'a Odb<'a>,
    id: Oid,
}

impl Entry<'_> {
    /// How many bytes it has, without reading them.
    pub fn size(&self) -> Result<u64> {
        let (size, _) = self.odb.read_header(self.id).map_err(damaged)?;
        Ok(size as u64)
    }

    /// Its bytes.
    pub fn read(&self) -> Result<Vec<u8>> {
        Ok(self.odb.read(self.id).map_err(damaged)?.data().to_owned())
    }
}

/// Hands each entry of the tree of `commit`, in the bare repository `dir`, to `visit`; what is in
/// a directory comes after it, and not at all if `visit` fails.
pub fn each_entry(
    dir: &Path,
    commit: &str,
    visit: &mut dyn FnMut(&Entry) -> Result<()>,
) -> Result<()> {
    let repository = Repository::open_bare(dir).map_err(damaged)?;
    let odb = repository.odb().map_err(damaged)?;
    let commit = Oid::from_str(commit).map_err(damaged)?;
    of_sane_size(&odb, commit)?;
    let commit = repository.find_commit(commit).map_err(damaged)?;
    let walk = Walk {
        repository: &repository,
        odb: &odb,
    };
    walk.below(&mut Vec::new(), commit.tree_id(), visit)
}

struct Walk<'a> {
    repository: &'a Repository,
    odb: &'a Odb<'a>,
}

impl Walk<'_> {
    fn below(
        &self,
        path: &mut Vec<u8>,
        tree: Oid,
        visit: &mut dyn FnMut(&Entry) -> Result<()>,
    ) -> Result<()> {
        of_sane_size(self.odb, tree)?;
        let tree = self.repository.find_tree(tree).map_err(damaged)?;
        let length = path.len();
        for entry in &tree {
            let what = match entry.filemode_raw() & 0o170_000 {
                0o040_000 => What::Directory,
                0o120_000 => What::Link,
                0o160_000 => What::Submodule,
                _ => What::File(entry.filemode_raw() & 0o111 != 0),
            };
            if length > 0 {
                path.push(b'/');
            }
            // A name with a slash is not taken for a path.
            let name = entry.name_bytes();
            if name.contains(&b'/') {
                let name = name.escape_ascii();
                let message = format!("the template's `{name}` has a slash in its name");
                return Err(Error::new(Kind::Template, message));
            }
            path.extend_from_slice(name);
            visit(&Entry {
                path,
                what,
                odb: self.odb,
                id: entry.id(),
            })?;
            if what == What::Directory {
                self.below(path, entry.id(), visit)?;
            }
            path.truncate(length);
        }
        Ok(())
    }
}

fn of_sane_size(odb: &Odb, id: Oid) -> Result<()> {
    let (size, _) = odb.read_header(id).map_err(damaged)?;
    if size > LARGEST {
        let message = format!("the template's object {id} is too large");
        return Err(Error::new(Kind::Template, message));
    }
    Ok(())
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is the argument of `map_err`"
)]
fn damaged(error: git2::Error) -> Error {
    Error::new(
        Kind::Cache,
        format!("the repository is damaged: {}", error.message()),
    )
}
