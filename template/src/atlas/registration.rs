//! This process's own entry: a file that it holds locked, and the thread that keeps it so.
//!
//! The thread waits for locks and disks, so that requests never do. Should the entry be
//! tidied away by somebody, or its directory come later than we, it is written again.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::entry::Entry;
use super::folder::{Error, Folder, system};
use crate::{App, NAME, VERSION, config};

/// How often it is looked whether the entry is still there.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the service waits for its thread: many times what it takes.
const PATIENCE: Duration = Duration::from_millis(200);

/// The way to the thread, once there is one.
#[derive(Debug, Default)]
pub struct Registration(OnceLock<Sender<(Word, SyncSender<()>)>>);

/// What the thread is told.
#[derive(Clone, Copy, Debug)]
enum Word {
    Drain,
    Withdraw,
}

impl Registration {
    /// Registers the instance that listens at `address`, and keeps it registered. If that
    /// cannot be, the log says so, once.
    pub fn begin(&self, app: &App, address: SocketAddr) {
        let keeper = Keeper::new(app, address);
        let (words, told) = channel();
        if self.0.set(words).is_ok() {
            thread::spawn(move || keeper.keep(&told));
        }
    }

    /// Whether somebody may send requests here because of it.
    pub fn is_begun(&self) -> bool {
        self.0.get().is_some()
    }

    /// From now on the entry says that no new requests are wanted.
    pub fn drain(&self) {
        self.tell(Word::Drain);
    }

    /// Ends the entry.
    pub fn withdraw(&self) {
        self.tell(Word::Withdraw);
    }

    /// Waits until it is done, but not for ever.
    fn tell(&self, word: Word) {
        let (done, wait) = sync_channel(1);
        if let Some(words) = self.0.get()
            && words.send((word, done)).is_ok()
        {
            // Who waits in vain goes on: the kernel ends the entry with the process.
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

/// What the thread has.
struct Keeper {
    folder: Folder,
    entry: Entry,
    path: PathBuf,
    /// Handed to nobody: whoever has it open keeps the entry alive.
    file: Option<File>,
    complained: bool,
}

impl Keeper {
    fn new(app: &App, address: SocketAddr) -> Self {
        let settings = &app.config.atlas;
        let folder = Folder::new(&settings.places.runtime, app.realm.as_str(), "hosts");
        let addr = called_at(settings, address.ip());
        let mut entry = Entry::new(NAME, addr, address.port(), app.realm.as_str());
        entry.pid = Some(std::process::id());
        entry.version = Some(VERSION.to_owned());
        entry.health = Some("/health/ready".to_owned());
        entry.started = now();
        Self {
            path: folder.path().join(entry.name(&host())),
            folder,
            entry,
            file: None,
            complained: false,
        }
    }

    fn keep(mut self, told: &Receiver<(Word, SyncSender<()>)>) {
        self.renew();
        loop {
            match told.recv_timeout(PAUSE) {
                Ok((Word::Drain, done)) => {
                    self.entry.draining = true;
                    self.publish();
                    let _ = done.send(());
                }
                Ok((Word::Withdraw, done)) => {
                    self.withdraw();
                    let _ = done.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => self.renew(),
                Err(RecvTimeoutError::Disconnected) => return self.withdraw(),
            }
        }
    }

    fn renew(&mut self) {
        let there = self.file.as_ref();
        if !there.is_some_and(|file| is_at(file, &self.path)) {
            self.publish();
        }
    }

    fn publish(&mut self) {
        match self.write() {
            Ok(file) => {
                if self.file.replace(file).is_none() {
                    info!(entry = %self.path.display(), "registered");
                }
                self.complained = false;
            }
            Err(error) if !self.complained => {
                warn!(%error, "not registered in Atlas, others may not find this service");
                self.complained = true;
            }
            Err(_) => (),
        }
    }

    /// Written aside, locked before it can be seen, renamed. All under the folder's lock, so
    /// that no two think that a name is free.
    fn write(&self) -> Result<File, Error> {
        let trusted = self.folder.make()?;
        let _lock = self.folder.lock()?;
        if self.is_held_by_others() {
            return Err(Error::Held(self.path.clone()));
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path.with_file_name(format!(".{name}.tmp"));
        let written = write_aside(&aside, &self.entry.to_line(), trusted.read_bits);
        let placed = written.and_then(|file| fs::rename(&aside, &self.path).map(|()| file));
        placed.map_err(|error| {
            let _ = fs::remove_file(&aside);
            system(&self.path)(error)
        })
    }

    fn is_held_by_others(&self) -> bool {
        let ours = self.file.as_ref();
        let other = File::open(&self.path);
        let held = |file: File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        !ours.is_some_and(|file| is_at(file, &self.path)) && other.is_ok_and(held)
    }

    /// Should this fail, the entry is dead as soon as the file is closed, which is next.
    fn withdraw(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        if let Ok(_lock) = self.folder.lock()
            && is_at(&file, &self.path)
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn write_aside(aside: &Path, line: &str, read_bits: u32) -> std::io::Result<File> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let mut new = OpenOptions::new();
    let mut file = new.write(true).create_new(true).mode(0o600).open(aside)?;
    file.try_lock()?;
    file.set_permissions(Permissions::from_mode(0o600 | read_bits))?;
    file.write_all(line.as_bytes())?;
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, there) = (file.metadata(), fs::symlink_metadata(path));
    matches!((&ours, &there), (Ok(ours), Ok(there)) if identity(ours) == identity(there))
}

/// Who listens everywhere is called on this machine, unless the settings know better.
fn called_at(settings: &config::Atlas, listening: IpAddr) -> IpAddr {
    settings.address.unwrap_or(match listening {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    })
}

/// The name of this machine, where it is one.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    if (1..=253).contains(&name.len()) && name.bytes().all(sane) {
        name.to_owned()
    } else {
        "localhost".to_owned()
    }
}

/// RFC 3339, UTC.
fn now() -> Option<String> {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text)).ok()?;
    Some(text)
}
