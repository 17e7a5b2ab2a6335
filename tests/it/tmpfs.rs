//! A small disk of a test's own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system in memory; unmounted when it is dropped.
pub struct Tmpfs {
    at: PathBuf,
}

impl Tmpfs {
    /// Mounts one of `size` at `at`. `None` where this user may not mount, which is said past the
    /// test harness, so that nobody takes a skipped test for one that passed.
    pub fn mount(at: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at);
        let mounted = mount.stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { at: at.to_owned() });
        }
        let test = std::thread::current();
        let test = test.name().unwrap_or("a test");
        writeln!(std::io::stderr(), "SKIPPED {test}: mount is refused").expect("stderr");
        None
    }

    /// Gives it another size, or makes it `ro`.
    pub fn remount(&self, option: &str) {
        let options = format!("remount,{option}");
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &options]).arg(&self.at).status();
        assert!(status.expect("mount runs").success(), "{options}");
    }

    pub fn resize(&self, size: &str) {
        self.remount(&format!("size={size}"));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a process that just ended may still stand in it.
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        assert!(unmounted.expect("umount runs").success());
    }
}
