//! Who this process is. The system says it in a file, and a service needs no `unsafe` to ask.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

/// It stays the same, and is asked for with every look into the registry.
static CURRENT: LazyLock<Option<User>> =
    LazyLock::new(|| User::parse(&fs::read_to_string("/proc/self/status").ok()?));

/// The user and the groups with whose rights this process reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: u32,
    groups: Vec<u32>,
}

impl User {
    /// Of this process; `None` where there is no `/proc`.
    pub fn current() -> Option<&'static Self> {
        CURRENT.as_ref()
    }

    /// Ids stand there as real, effective, saved, and that for files.
    fn parse(status: &str) -> Option<Self> {
        let numbers = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let words = line.unwrap_or_default().split_whitespace();
            words
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<u32>>()
        };
        let mut groups = numbers("Groups:");
        groups.extend(numbers("Gid:").get(3));
        Some(Self {
            id: *numbers("Uid:").get(3)?,
            groups,
        })
    }

    /// Whether files can be made in that directory.
    pub fn writes(&self, directory: &Metadata) -> bool {
        let mode = directory.mode();
        let bits = match () {
            () if self.id == 0 => return true,
            () if directory.uid() == self.id => mode >> 6,
            () if self.groups.contains(&directory.gid()) => mode >> 3,
            () => mode,
        };
        bits & 0o3 == 0o3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_what_the_system_says() {
        let status = "Name:\ta\nUid:\t1\t2\t3\t1000\nGid:\t1\t2\t3\t100\nGroups:\t4 24 \n";
        let expected = User {
            id: 1000,
            groups: vec![4, 24, 100],
        };
        assert_eq!(User::parse(status), Some(expected));
        assert_eq!(User::parse(""), None);
        assert!(User::current().is_some());
    }
}
