//! Gathers a tree into memory, whatever it is read from: each entry is checked before its bytes
//! are read, and bytes are counted as they come, never as a header promises them.

use std::borrow::Cow;
use std::io::{self, Read};

use super::limits::{self, FILE_BYTES, FILES, PATH_BYTES, TREE_BYTES, check_path, refused, size};
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::template::File;

/// A tree on its way into memory.
#[derive(Debug, Default)]
pub struct Gather {
    files: Vec<File>,
    links: Vec<(String, Vec<u8>)>,
    submodules: Vec<String>,
    /// Entries of any kind.
    seen: usize,
    bytes: u64,
}

impl Gather {
    /// Another entry, of any kind, at `path`: that path as text, if it may be there.
    pub fn entry<'a>(&mut self, path: &'a [u8]) -> Result<&'a str> {
        self.seen += 1;
        if self.seen.is_multiple_of(256) {
            interrupt::check()?;
        }
        if self.seen > 2 * FILES {
            return Err(too_large(&format!(
                "more than {} files and directories",
                2 * FILES
            )));
        }
        let text = std::str::from_utf8(path).map_err(|_| {
            let path = path.escape_ascii().to_string();
            Error::new(
                Kind::Template,
                format!("the template's `{path}` has a name that is not UTF-8"),
            )
        })?;
        check_path(text)?;
        Ok(text)
    }

    /// Fails if a file of `bytes` is too much.
    pub fn room(&self, path: &str, bytes: u64) -> Result<()> {
        if bytes > FILE_BYTES {
            return Err(refused(
                path,
                &format!("is larger than {}", size(FILE_BYTES)),
            ));
        }
        if self.files.len() >= FILES {
            return Err(too_large(&format!("more than {FILES} files")));
        }
        if self.bytes + bytes > TREE_BYTES {
            return Err(too_large(&format!("more than {}", size(TREE_BYTES))));
        }
        Ok(())
    }

    /// The file at `path`, which says `bytes`.
    pub fn file(&mut self, path: &str, executable: bool, bytes: Vec<u8>) -> Result<()> {
        let length = bytes.len() as u64;
        self.room(path, length)?;
        self.bytes += length;
        self.files.push(File {
            path: path.to_owned(),
            executable,
            bytes: Cow::Owned(bytes),
        });
        Ok(())
    }

    /// The file at `path`, of `promised` bytes or fewer or more, read from `from`.
    pub fn read(
        &mut self,
        path: &str,
        executable: bool,
        (promised, from): (u64, &mut dyn Read),
    ) -> Result<()> {
        self.room(path, promised)?;
        let most = FILE_BYTES.min(TREE_BYTES - self.bytes);
        // A promise costs nothing, so no more than a little memory is given for it.
        let mut bytes = Vec::with_capacity(usize::try_from(promised.min(1 << 20)).unwrap_or(0));
        from.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(path, &error))?;
        self.file(path, executable, bytes)
    }

    /// A symbolic link from `path` to `target`; whether it leads out of the tree is seen in the
    /// end, when it is known where the tree begins.
    pub fn link(&mut self, path: &str, target: Vec<u8>) {
        self.links.push((path.to_owned(), target));
    }

    /// The target of a link, read from `from`.
    pub fn link_from(&mut self, path: &str, from: &mut dyn Read) -> Result<()> {
        let mut target = Vec::new();
        from.take(PATH_BYTES as u64 + 1)
            .read_to_end(&mut target)
            .map_err(|error| unreadable(path, &error))?;
        self.link(path, target);
        Ok(())
    }

    /// A submodule at `path`.
    pub fn submodule(&mut self, path: &str) {
        self.submodules.push(path.to_owned());
    }

    /// Takes away the one directory that everything is in, as the archives of forges have it.
    pub fn strip_top(&mut self) {
        let paths = self.files.iter().map(|file| &file.path);
        let links = self.links.iter().map(|(path, _)| path);
        let mut tops = paths.chain(links).map(|path| path.split_once('/'));
        let Some(Some((top, _))) = tops.next() else {
            return;
        };
        if !tops.all(|other| other.is_some_and(|(dir, _)| dir == top)) {
            return;
        }
        let length = top.len() + 1;
        for path in self.files.iter_mut().map(|file| &mut file.path) {
            path.drain(..length);
        }
        for (path, _) in &mut self.links {
            path.drain(..length);
        }
    }

    /// The files, sorted, and what was left out, if all of it can stand beside each other.
    pub fn finish(mut self) -> Result<(Vec<File>, Vec<String>)> {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        self.links.sort();
        let paths = self.files.iter().map(|file| &*file.path);
        let links = self.links.iter().map(|(path, _)| &**path);
        limits::check_names(paths.chain(links))?;
        let mut warnings = Vec::new();
        for (path, target) in &self.links {
            if leads_out(path, target) {
                let target = target[..target.len().min(100)].escape_ascii();
                let reason = format!("is a link that leads out of it, to `{target}`");
                return Err(refused(path, &reason));
            }
            warnings.push(left_out("symbolic link", path));
        }
        let submodules = self.submodules.iter();
        warnings.extend(submodules.map(|path| left_out("submodule", path)));
        if self.files.is_empty() {
            return Err(Error::new(Kind::Template, "the template holds no files"));
        }
        Ok((self.files, warnings))
    }
}

/// Whether a link at `path` to `target` points anywhere but into the tree.
fn leads_out(path: &str, target: &[u8]) -> bool {
    let Ok(target) = std::str::from_utf8(target) else {
        return true;
    };
    if target.len() > PATH_BYTES || target.starts_with(['/', '\\']) || target.contains(':') {
        return true;
    }
    let mut depth = path.matches('/').count();
    for part in target.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

fn left_out(what: &str, path: &str) -> String {
    format!("the {what} `{}` is left out", path.escape_debug())
}

fn too_large(what: &str) -> Error {
    Error::new(Kind::Template, format!("the template holds {what}"))
}

/// A file that cannot be read is the source's fault more often than the system's.
pub fn unreadable(path: &str, error: &io::Error) -> Error {
    let error = crate::error::plain(error);
    refused(path, &format!("cannot be read: {error}"))
}
