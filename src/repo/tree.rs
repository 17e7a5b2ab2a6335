//! Trees: the objects that name what is in a directory, from files in memory.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use crate::error::{Error, Kind, Result};
use crate::template::File;

/// The id git gives to a tree of `files`: equal trees, equal ids, on every machine.
pub fn tree_id<'a>(files: impl IntoIterator<Item = &'a File>) -> Result<String> {
    let id = each_object(files, &mut |kind, bytes| {
        Oid::hash_object(kind, bytes).map_err(|error| {
            Error::new(
                Kind::Git,
                format!("cannot hash the tree: {}", error.message()),
            )
        })
    });
    Ok(id?.to_string())
}

/// The id git gives to a file of these bytes.
pub fn blob_id(bytes: &[u8]) -> Result<String> {
    let id = Oid::hash_object(ObjectType::Blob, bytes).map_err(|error| {
        let message = format!("cannot hash a file: {}", error.message());
        Error::new(Kind::Git, message)
    })?;
    Ok(id.to_string())
}

/// What takes an object and says its id.
type Sink<'a, E> = &'a mut dyn FnMut(ObjectType, &[u8]) -> Result<Oid, E>;

/// Hands every object of a tree of `files` to `sink`, the tree itself last; says its id.
pub fn each_object<'a, E>(
    files: impl IntoIterator<Item = &'a File>,
    sink: Sink<'_, E>,
) -> Result<Oid, E> {
    let mut root = Node::default();
    for file in files {
        root.insert(&file.path, file);
    }
    root.each_object(sink)
}

/// A directory on its way to becoming a tree object.
#[derive(Default)]
struct Node<'a> {
    files: BTreeMap<&'a str, &'a File>,
    dirs: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, path: &'a str, file: &'a File) {
        match path.split_once('/') {
            Some((dir, rest)) => self.dirs.entry(dir).or_default().insert(rest, file),
            None => {
                self.files.insert(path, file);
            }
        }
    }

    /// Git's own format of a tree object; a directory sorts as if its name ended in `/`.
    fn each_object<E>(&self, sink: Sink<'_, E>) -> Result<Oid, E> {
        let mut entries = BTreeMap::new();
        for (name, file) in &self.files {
            let mode = if file.executable { "100755" } else { "100644" };
            let id = sink(ObjectType::Blob, &file.bytes)?;
            entries.insert((*name).to_owned(), (mode, *name, id));
        }
        for (name, dir) in &self.dirs {
            entries.insert(format!("{name}/"), ("40000", *name, dir.each_object(sink)?));
        }
        let mut object = Vec::new();
        for (mode, name, id) in entries.values() {
            object.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            object.extend_from_slice(id.as_bytes());
        }
        sink(ObjectType::Tree, &object)
    }
}
