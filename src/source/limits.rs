//! What a tree may hold, wherever it comes from: how much, and under which names.
//!
//! Nothing here does I/O. The same checks serve a template as it arrives and the tree that is
//! rendered from it, whose names are made of answers.

use std::collections::HashMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use crate::error::{Error, Kind, Result};

/// Files in one tree; as many directories may hold them.
pub const FILES: usize = 50_000;
/// Bytes of one file.
pub const FILE_BYTES: u64 = 64 << 20;
/// Bytes of all files together.
pub const TREE_BYTES: u64 = 256 << 20;
/// Parts of one path.
pub const DEPTH: usize = 64;
/// Bytes of one path.
pub const PATH_BYTES: usize = 1024;
/// Bytes of one part of a path: what file systems take.
pub const NAME_BYTES: usize = 255;

/// What a directory that can be made anew says of itself (bford.info/cachedir): in which file, and
/// what that begins with.
pub const CACHE: (&str, &[u8; 43]) = (
    "CACHEDIR.TAG",
    b"Signature: 8a477f597d28d172789f06886806bc55",
);

/// Whether every system can have a file at `path`, below the root of the tree and nowhere else.
/// What stands in `{{…}}` or `{%…%}` is not yet a name.
pub fn check_path(path: &str) -> Result<()> {
    let reason = as_a_whole(path).or_else(|| path.split('/').find_map(as_a_name));
    reason.map_or(Ok(()), |reason| Err(refused(path, &reason)))
}

/// Whether every system can have all of `paths` beside each other: none differs from another by
/// case or by the way its letters are composed alone, none is a file and a directory.
pub fn check_names<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut known = HashMap::new();
    let mut last = "";
    for path in paths {
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        if dir != last {
            let ends = dir.match_indices('/').map(|(at, _)| at);
            for end in ends.chain((!dir.is_empty()).then_some(dir.len())) {
                beside(&mut known, Named::Dir(&dir[..end]))?;
            }
            last = dir;
        }
        beside(&mut known, Named::File(path))?;
    }
    Ok(())
}

/// A refusal of `path`, for `reason`.
#[must_use]
pub fn refused(path: &str, reason: &str) -> Error {
    let path = path.escape_debug();
    Error::new(Kind::Template, format!("the template's `{path}` {reason}"))
}

/// `bytes` as people write it.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=0xF_FFFF => format!("{bytes} bytes"),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn as_a_whole(path: &str) -> Option<String> {
    let drive = path.as_bytes();
    let drive = drive.len() > 1 && drive[0].is_ascii_alphabetic() && drive[1] == b':';
    let reason = if path.is_empty() {
        "has no name".to_owned()
    } else if path.starts_with('/') {
        "is an absolute path".to_owned()
    } else if drive {
        "is a path on a drive".to_owned()
    } else if path.contains('\\') {
        "has a backslash in its path".to_owned()
    } else if let Some(letter) = path.chars().find(|&letter| is_unseen(letter)) {
        format!("has a character nobody can see in its path: {letter:?}")
    } else if path.len() > PATH_BYTES {
        format!("has a path of more than {PATH_BYTES} bytes")
    } else if path.split('/').count() > DEPTH {
        format!("is more than {DEPTH} directories deep")
    } else {
        return None;
    };
    Some(reason)
}

/// What is wrong with one part of a path.
fn as_a_name(name: &str) -> Option<String> {
    let literal = without_expressions(name);
    let odd = |letter: &char| matches!(letter, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    let reason = if name.is_empty() {
        "has an empty part in its path".to_owned()
    } else if name == "." || name == ".." {
        format!("has `{name}` in its path")
    } else if name.len() > NAME_BYTES {
        format!("has a name of more than {NAME_BYTES} bytes in its path")
    } else if is_git(name) {
        "would be part of git's own directory".to_owned()
    } else if let Some(letter) = literal.chars().find(odd) {
        format!("has `{letter}` in its path, which Windows forbids")
    } else if literal.ends_with(['.', ' ']) {
        "has a name that ends in a dot or a space, which Windows forbids".to_owned()
    } else if let Some(device) = device(&literal) {
        format!("has the name of a device of Windows in its path: `{device}`")
    } else {
        return None;
    };
    Some(reason)
}

/// Controls, and what turns, joins or hides the letters around it.
#[must_use]
pub fn is_unseen(letter: char) -> bool {
    const UNSEEN: [Range<u32>; 12] = [
        0xAD..0xAE,
        0x34F..0x350,
        0x61C..0x61D,
        0x115F..0x1161,
        0x17B4..0x17B6,
        0x180B..0x180F,
        0x200B..0x2010,
        0x2028..0x202F,
        0x2060..0x2070,
        0xFEFF..0xFF00,
        0xFFF9..0xFFFC,
        0xE_0000..0xE_0080,
    ];
    let code = u32::from(letter);
    letter.is_control() || UNSEEN.iter().any(|range| range.contains(&code))
}

/// `.git`, and what Windows takes for it.
fn is_git(name: &str) -> bool {
    let name = fold(name);
    matches!(name.trim_end_matches(['.', ' ']), ".git" | "git~1")
}

/// The device whose name this would be to Windows, with any extension.
fn device(name: &str) -> Option<String> {
    let stem = name.split('.').next()?.trim_end().to_lowercase();
    let number = |port: &str| {
        let number = stem.strip_prefix(port)?;
        let mut letters = number.chars();
        let digit = letters.next()?;
        let digit = digit.is_ascii_digit() || matches!(digit, '¹' | '²' | '³');
        (digit && letters.next().is_none()).then_some(())
    };
    let known = matches!(&*stem, "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || number("com").or_else(|| number("lpt")).is_some();
    known.then_some(stem)
}

/// `name` with a letter in the place of each `{{…}}` and `{%…%}`.
fn without_expressions(name: &str) -> String {
    let mut literal = String::new();
    let mut rest = name;
    while let Some((start, end)) = expression(rest) {
        literal.push_str(&rest[..start]);
        literal.push('x');
        rest = &rest[end..];
    }
    literal + rest
}

/// Where the first expression of `text` begins and ends.
fn expression(text: &str) -> Option<(usize, usize)> {
    let found = [("{{", "}}"), ("{%", "%}")].map(|(open, close)| {
        let start = text.find(open)?;
        let inside = start + open.len();
        let end = inside + text[inside..].find(close)?;
        Some((start, end + close.len()))
    });
    found.into_iter().flatten().min()
}

/// A path, and what is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named<'a> {
    File(&'a str),
    Dir(&'a str),
}

impl<'a> Named<'a> {
    fn path(self) -> &'a str {
        match self {
            Self::File(path) | Self::Dir(path) => path,
        }
    }
}

fn beside<'a>(known: &mut HashMap<String, Named<'a>>, new: Named<'a>) -> Result<()> {
    let Some(old) = known.insert(fold(new.path()), new) else {
        return Ok(());
    };
    match (old, new) {
        _ if old.path() != new.path() => {
            let old = old.path().escape_debug();
            let reason = format!("differs from `{old}` by case or composition alone");
            Err(refused(new.path(), &reason))
        }
        (Named::Dir(_), Named::Dir(_)) => Ok(()),
        (Named::File(path), Named::File(_)) => Err(refused(path, "is there twice")),
        _ => Err(refused(new.path(), "is both a file and a directory")),
    }
}

/// What file systems that do not tell case apart make of `name`. Upper case first: some letters
/// share theirs with others.
fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let composed = name.nfc().collect::<String>();
    let folded = composed.to_uppercase().to_lowercase();
    folded.nfc().collect()
}
