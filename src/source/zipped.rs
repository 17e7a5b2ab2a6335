//! Zip archives. What a file is called and where it lies is said at the archive's end.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _};

use zip::ZipArchive;
use zip::result::ZipError;

use super::archive::{Failure, tidy};
use super::gather::Gather;
use super::limits::refused;

/// An archive has one end; others may be inside of files that it holds.
const ENDS: usize = 100;
/// How the end of an archive begins.
const END: u32 = u32::from_be_bytes(*b"PK\x05\x06");
/// How that begins which announces an end with larger numbers, just before the end.
const LOCATOR: u32 = u32::from_be_bytes(*b"PK\x06\x07");

/// Reads all of `file` into `gather`.
pub fn read(file: File, gather: &mut Gather) -> Result<(), Failure> {
    let mut file = BufReader::new(file);
    look_at_ends(&mut file)?;
    file.rewind()?;
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let raw = entry.name_raw().to_owned();
        let name = tidy(&raw);
        if name.is_empty() && entry.is_dir() {
            continue;
        }
        let path = gather.entry(name)?;
        match entry.unix_mode().unwrap_or(0) & 0o170_000 {
            0o120_000 => gather.link_from(path, &mut entry)?,
            _ if entry.is_dir() => {}
            // Systems without file types write none.
            0 | 0o100_000 => {
                let executable = entry.unix_mode().unwrap_or(0) & 0o111 != 0;
                gather.read(path, executable, (entry.size(), &mut entry))?;
            }
            0o010_000 => return Err(refused(path, "is a named pipe").into()),
            0o140_000 => return Err(refused(path, "is a socket").into()),
            _ => return Err(refused(path, "is a device").into()),
        }
    }
    Ok(())
}

/// The crate believes an archive's end, and tries one after the other until it can: it must not
/// be asked for memory for any number of files (which takes a zip64), or to try forever.
fn look_at_ends(file: &mut BufReader<File>) -> Result<(), Failure> {
    // The last four bytes, now and at each of the last twenty: so long is what announces a zip64.
    let (mut last, mut before, mut turn) = (0_u32, [0; 20], 0);
    let mut ends = 0;
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        for &byte in chunk {
            last = last << 8 | u32::from(byte);
            let announced = std::mem::replace(&mut before[turn], last) == LOCATOR;
            turn = (turn + 1) % before.len();
            if last == END && announced {
                return Err(io::Error::other("it is a zip64").into());
            }
            ends += usize::from(last == END);
        }
        if ends > ENDS {
            return Err(io::Error::other("it holds too many archives").into());
        }
        let length = chunk.len();
        file.consume(length);
    }
}

fn broken(error: ZipError) -> Failure {
    Failure::Broken(match error {
        ZipError::Io(error) => error,
        error => io::Error::other(error.to_string()),
    })
}
