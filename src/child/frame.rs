//! Files on their way from one process to another: a head in JSON, and bytes as they are.

use std::borrow::Cow;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Read, Result, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::template::File;

/// Beside the head: which files follow.
#[derive(Serialize, Deserialize)]
struct Frame<Head, Path> {
    head: Head,
    /// Path, whether it can be run, bytes.
    files: Vec<(Path, bool, u64)>,
}

/// Writes `head` and `files` to a new file at `path`.
pub fn write(path: &Path, head: &impl Serialize, files: &[File]) -> Result<()> {
    let list = files.iter();
    let list = list.map(|file| (file.path.as_str(), file.executable, file.bytes.len() as u64));
    let frame = Frame {
        head,
        files: list.collect(),
    };
    let frame = serde_json::to_vec(&frame)?;
    let mut out = BufWriter::with_capacity(1 << 18, std::fs::File::create_new(path)?);
    out.write_all(&(frame.len() as u64).to_le_bytes())?;
    out.write_all(&frame)?;
    for file in files {
        out.write_all(&file.bytes)?;
    }
    out.flush()
}

/// What `write` wrote.
pub fn read<Head: DeserializeOwned>(path: &Path) -> Result<(Head, Vec<File>)> {
    let file = std::fs::File::open(path)?;
    let mut left = file.metadata()?.len();
    let mut input = BufReader::with_capacity(1 << 18, file);
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    left = left.saturating_sub(8);
    let frame = take(&mut input, u64::from_le_bytes(length), &mut left)?;
    let frame: Frame<Head, String> = serde_json::from_slice(&frame)?;
    let files = frame.files.into_iter().map(|(path, executable, size)| {
        let bytes = take(&mut input, size, &mut left)?;
        Ok(File {
            path,
            executable,
            bytes: Cow::Owned(bytes),
        })
    });
    let files = files.collect::<Result<Vec<_>>>()?;
    Ok((frame.head, files))
}

/// The next `size` bytes, of `left` that there are.
fn take(input: &mut impl Read, size: u64, left: &mut u64) -> Result<Vec<u8>> {
    let short = || Error::from(ErrorKind::UnexpectedEof);
    *left = left.checked_sub(size).ok_or_else(short)?;
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| short())?];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
