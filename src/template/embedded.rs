//! The templates this program carries: today's, and every one that was released before it.
//!
//! A service was made from one of them, and `update` merges what became of it since; so it is
//! rendered once more, as it was, without any network.

use std::borrow::Cow;

use semver::Version;

use super::{File, Template};
use crate::parts::Cut;

/// A file as `build/main.rs` embeds it.
struct Embedded {
    path: &'static str,
    executable: bool,
    cuts: &'static [Cut],
    bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl Template {
    /// The template this program carries.
    ///
    /// # Panics
    /// Never in a program that was built: a test reads the manifest of every embedded tree.
    #[must_use]
    pub fn embedded() -> Self {
        of(TODAY)
    }

    /// The embedded template as it was in this version, the present one included.
    ///
    /// # Panics
    /// Never in a program that was built: a test reads the manifest of every embedded tree.
    #[must_use]
    pub fn released(version: &str) -> Option<Self> {
        if version == PRESENT {
            return Some(Self::embedded());
        }
        let mut releases = RELEASES.iter();
        let (_, files) = releases.find(|(known, _)| *known == version)?;
        Some(of(files))
    }
}

/// The versions of the embedded template that can be had, the present one last.
#[must_use]
pub fn releases() -> Vec<&'static str> {
    let before = RELEASES.iter().map(|(version, _)| *version);
    let mut before = before
        .filter(|version| *version != PRESENT)
        .collect::<Vec<_>>();
    // By what they mean: 0.10.0 comes after 0.9.0. A test demands that they mean something.
    before.sort_by_cached_key(|version| Version::parse(version).ok());
    before.push(PRESENT);
    before
}

fn of(files: &'static [Embedded]) -> Template {
    let list = files.iter().map(|file| File {
        path: file.path.to_owned(),
        executable: file.executable,
        bytes: Cow::Borrowed(file.bytes),
    });
    let template = Template::native(list.collect(), None);
    let mut template = template.expect("an embedded template has a manifest");
    let cuts = files.iter().filter(|file| !file.cuts.is_empty());
    let rows = cuts.map(|file| (Cow::Borrowed(file.path), Cow::Borrowed(file.cuts)));
    template.cuts = rows.collect();
    template
}
