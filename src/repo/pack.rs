//! A pack: all objects of a first commit in one file, made while the files are being written.
//!
//! A file for each object takes the disk longer than everything else together; libgit2's own
//! packer spends a third of a whole run on looking for similar files, of which there are none.

use std::collections::HashSet;
use std::io::{self, Write as _};

use flate2::{Compress, Compression, FlushCompress, Status};
use git2::{Indexer, ObjectType, Oid, Repository};
use sha1_smol::Sha1;

use super::tree::each_object;
use crate::error::{Error, Kind, Result};
use crate::template::File;

/// The objects of one tree, packed.
#[derive(Debug)]
pub struct Pack<'a> {
    /// What is in the tree.
    pub files: &'a [File],
    /// The id of the tree.
    tree: Oid,
    /// The pack file, from its first byte to its last.
    bytes: Vec<u8>,
}

impl<'a> Pack<'a> {
    /// Packs the tree of `files`; touches nothing.
    pub fn of(files: &'a [File]) -> Result<Self> {
        // Whatever is kept for long, `git gc` packs tighter.
        let mut zlib = Compress::new(Compression::fast(), true);
        let mut entries = Vec::new();
        let mut known = HashSet::new();
        let tree = each_object(files, &mut |kind, bytes| -> io::Result<Oid> {
            let id = Oid::hash_object(kind, bytes).map_err(io::Error::other)?;
            if known.insert(id) {
                add(&mut entries, &mut zlib, kind, bytes)?;
            }
            Ok(id)
        })
        .map_err(|error| Error::new(Kind::Git, format!("cannot pack the tree: {error}")))?;
        let bytes = framed(known.len(), &entries);
        Ok(Self { files, tree, bytes })
    }

    /// Puts the pack among the objects of `repository`; says the id of its tree.
    pub fn write(&self, repository: &Repository) -> Result<Oid, git2::Error> {
        let dir = repository.path().join("objects/pack");
        let mut indexer = Indexer::new(None, &dir, 0o444, false)?;
        indexer
            .write_all(&self.bytes)
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        indexer.commit()?;
        Ok(self.tree)
    }
}

/// Header, entries and checksum, as gitformat-pack(5) has them.
fn framed(count: usize, entries: &[u8]) -> Vec<u8> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let mut pack = Vec::with_capacity(entries.len() + 32);
    pack.extend_from_slice(b"PACK");
    pack.extend_from_slice(&2_u32.to_be_bytes());
    pack.extend_from_slice(&count.to_be_bytes());
    pack.extend_from_slice(entries);
    let sum = Sha1::from(&pack).digest().bytes();
    pack.extend_from_slice(&sum);
    pack
}

/// One object: its kind and size, seven bits a byte after the first four, then its bytes by zlib.
fn add(
    entries: &mut Vec<u8>,
    zlib: &mut Compress,
    kind: ObjectType,
    bytes: &[u8],
) -> io::Result<()> {
    let kind = if kind == ObjectType::Tree { 2 } else { 3 };
    let mut size = bytes.len();
    let mut byte = (kind << 4) | low(size, 4);
    size >>= 4;
    while size > 0 {
        entries.push(byte | 0x80);
        byte = low(size, 7);
        size >>= 7;
    }
    entries.push(byte);
    deflate(zlib, bytes, entries)
}

/// Appends `bytes` to `out` as a zlib stream of its own. One compressor serves for all: each new
/// one would clear a quarter of a megabyte first.
fn deflate(zlib: &mut Compress, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    zlib.reset();
    loop {
        // Room for what does not compress, and its frame.
        out.reserve(bytes.len() + 64);
        let before = zlib.total_in();
        let status = zlib.compress_vec(bytes, out, FlushCompress::Finish)?;
        let taken = usize::try_from(zlib.total_in() - before).map_err(io::Error::other)?;
        bytes = &bytes[taken..];
        if status == Status::StreamEnd {
            return Ok(());
        }
    }
}

/// The low `bits` of `size`, seven at most.
fn low(size: usize, bits: u32) -> u8 {
    u8::try_from(size & ((1 << bits) - 1)).unwrap_or_default()
}
