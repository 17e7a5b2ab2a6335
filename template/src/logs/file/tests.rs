//! The file, while others move it and while it moves itself.

use std::num::{NonZeroU64, NonZeroUsize};

use super::*;

/// A directory of the test's own, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("{}-log-{test}-{}", crate::NAME, std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn log(max_file_bytes: u64) -> Log {
    Log {
        max_file_bytes: NonZeroU64::new(max_file_bytes).unwrap(),
        max_files: NonZeroUsize::new(2).unwrap(),
        ..Log::default()
    }
}

#[test]
fn a_large_file_is_put_aside_and_the_oldest_go() {
    let directory = Scratch::new("large");
    let path = directory.0.join("a.log");
    let mut file = File::open(&path, &log(9)).unwrap();
    for line in 0..9 {
        file.write_all(format!("line {line}\n").as_bytes()).unwrap();
    }
    let read = |name: &str| fs::read_to_string(directory.0.join(name)).unwrap();
    assert_eq!(read("a.log"), "line 8\n");
    assert_eq!(read("a.log.1"), "line 6\nline 7\n");
    assert_eq!(read("a.log.2"), "line 4\nline 5\n");
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 3);
}

#[test]
fn a_file_that_was_moved_or_deleted_gets_a_successor() {
    let directory = Scratch::new("moved");
    let path = directory.0.join("a.log");
    let moved = directory.0.join("a.log-20261125");
    let mut file = File::open(&path, &log(1000)).unwrap();
    file.write_all(b"one\n").unwrap();
    fs::rename(&path, &moved).unwrap();
    file.looked -= PAUSE;
    file.write_all(b"two\n").unwrap();
    assert_eq!(fs::read_to_string(&moved).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    fs::remove_file(&path).unwrap();
    file.looked -= PAUSE;
    file.write_all(b"three\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn a_file_in_a_directory_that_is_not_there_is_refused() {
    let error = File::open(Path::new("nowhere/a.log"), &log(1))
        .err()
        .unwrap();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
