//! Reads back what a template came to, if it is a tree one can have.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::tree::join;
use crate::error::{Error, Kind, Result};
use crate::source::limits::check_path;
use crate::template::File;

/// Files a template may come to, and their bytes.
const FILES: usize = 200_000;
const BYTES: u64 = 512 << 20;

/// The files below `dir`, sorted by path.
pub fn collect(dir: &Path) -> Result<Vec<File>> {
    let mut found = (Vec::new(), 0);
    enter(dir, "", &mut found)?;
    let (mut files, _) = found;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn enter(dir: &Path, below: &str, found: &mut (Vec<File>, u64)) -> Result<()> {
    let io = |error: std::io::Error| Error::io("read", dir, &error);
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let refused = |what: &str| {
            let path = join(below, &name.to_string_lossy());
            Error::new(
                Kind::Template,
                format!("the template makes {what}: `{}`", path.escape_debug()),
            )
        };
        let path = name
            .to_str()
            .ok_or_else(|| refused("a file whose name is not UTF-8"))?;
        let path = join(below, path);
        check_path(&path)?;
        let meta = entry.path().symlink_metadata().map_err(io)?;
        if meta.is_dir() {
            enter(&entry.path(), &path, found)?;
            continue;
        }
        if !meta.is_file() {
            return Err(refused("what is neither file nor directory"));
        }
        found.1 += meta.len();
        if found.1 > BYTES || found.0.len() >= FILES {
            let limit = format!("more than {FILES} files or {} MiB", BYTES >> 20);
            return Err(Error::new(
                Kind::Template,
                format!("the template makes {limit}"),
            ));
        }
        found.0.push(File {
            executable: meta.permissions().mode() & 0o111 != 0,
            bytes: Cow::Owned(fs::read(entry.path()).map_err(io)?),
            path,
        });
    }
    Ok(())
}
