//! A folder: made for its user alone, trusted only if nobody else could have filled it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind::{AlreadyExists, NotFound};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::{Distrust, io};
use crate::names::Realm;

/// How long to wait for a lock that is held for microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// One of the flat folders, below the root of its registry and the realm.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// Root, realm and the folder itself, each below the one before.
    chain: [PathBuf; 3],
}

/// A folder that can be trusted.
pub(crate) struct Trusted {
    /// Who could have put anything into it.
    pub(crate) owner: u32,
    /// Its mode: who may look at the folder may look at the files in it.
    pub(crate) mode: u32,
}

impl Folder {
    pub(crate) fn new(root: &Path, realm: &Realm, kind: &str) -> Self {
        let below = root.join(realm.as_str());
        let folder = below.join(kind);
        Self {
            chain: [root.to_owned(), below, folder],
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.chain[2]
    }

    /// Makes what is missing and tells whether it can be trusted. A root of ours has mode 0700, and
    /// what is below a root has its mode: so who administers a shared registry says once, with
    /// the root, who takes part.
    pub(crate) fn make(&self) -> Result<Trusted, Error> {
        let [root, below @ ..] = &self.chain;
        create(root, true)?;
        let mode = fs::metadata(root).map_err(io("read", root))?.mode() & 0o7777;
        for path in below {
            if create(path, false)? && mode != 0o700 {
                let set = fs::set_permissions(path, Permissions::from_mode(mode));
                set.map_err(io("create", path))?;
            }
        }
        match self.trusted()? {
            Some(trusted) => Ok(trusted),
            None => Err(io("open", self.path())(NotFound.into())),
        }
    }

    /// What is known of it; `None` where it is not there, and then nothing is in it.
    pub(crate) fn trusted(&self) -> Result<Option<Trusted>, Error> {
        let mut last = None;
        for (depth, path) in self.chain.iter().enumerate() {
            // The root may be a link that its user made; what is below is ours and is none.
            let metadata = if depth == 0 {
                fs::metadata(path)
            } else {
                fs::symlink_metadata(path)
            };
            let metadata = match metadata {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == NotFound => return Ok(None),
                Err(error) => return Err(io("read", path)(error)),
            };
            last = Some(trust(path, &metadata)?);
        }
        let system =
            rustix::fs::statfs(self.path()).map_err(|e| io("read", self.path())(e.into()))?;
        match network(i128::from(system.f_type)) {
            Some(name) => Err(untrusted(self.path(), Distrust::Network(name))),
            None => Ok(last),
        }
    }

    /// The folder's lock: names in it appear and disappear under it. Until dropped.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        let path = self.path().join(".lock");
        let file = self.open_lock(&path).map_err(io("open", &path))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => {
                    return Err(Error::Busy {
                        path,
                        seconds: PATIENCE.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    /// Without `O_CREAT` first: in a folder with the sticky bit the kernel refuses that flag for
    /// a file of somebody else's (`fs.protected_regular`). To lock it, reading is enough.
    fn open_lock(&self, path: &Path) -> std::io::Result<File> {
        loop {
            match File::open(path) {
                Err(error) if error.kind() == NotFound => {}
                opened => return opened,
            }
            let mode = 0o600 | (fs::metadata(self.path())?.mode() & 0o044);
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
            {
                Err(error) if error.kind() == AlreadyExists => {}
                created => created?.set_permissions(Permissions::from_mode(mode))?,
            }
        }
    }

    /// The names that could be entries, sorted; none where there is no folder.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, Error> {
        let mut names = self.all_names()?;
        names.retain(|name| !name.as_bytes().starts_with(b"."));
        names.sort_unstable();
        Ok(names)
    }

    /// All names, hidden ones too.
    pub(crate) fn all_names(&self) -> Result<Vec<OsString>, Error> {
        let entries = match fs::read_dir(self.path()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("read", self.path())(error)),
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        names
            .collect::<Result<_, _>>()
            .map_err(io("read", self.path()))
    }
}

fn trust(path: &Path, metadata: &Metadata) -> Result<Trusted, Error> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let (others_write, sticky) = (mode & 0o022 != 0, mode & 0o1000 != 0);
    let why = if !metadata.is_dir() {
        Distrust::NoFolder
    } else if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        Distrust::Owner(owner)
    } else if others_write && !sticky {
        Distrust::Mode(mode)
    } else {
        return Ok(Trusted { owner, mode });
    };
    Err(untrusted(path, why))
}

/// Makes a directory, if need be with the way to it, and tells whether it was missing.
fn create(path: &Path, with_the_way: bool) -> Result<bool, Error> {
    let mut builder = DirBuilder::new();
    let created = match builder.mode(0o700).create(path) {
        Err(error) if error.kind() == NotFound && with_the_way => {
            builder.recursive(true).create(path)
        }
        created => created,
    };
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == AlreadyExists => Ok(false),
        Err(error) => Err(io("create", path)(error)),
    }
}

fn untrusted(path: &Path, why: Distrust) -> Error {
    Error::Untrusted {
        path: path.to_owned(),
        why,
    }
}

/// The network file system with that number in `statfs(2)`.
fn network(magic: i128) -> Option<&'static str> {
    // The field is signed on some machines.
    match magic & 0xFFFF_FFFF {
        0x6969 => Some("nfs"),
        0x517B => Some("smb"),
        0xFF53_4D42 => Some("cifs"),
        0xFE53_4D42 => Some("smb2"),
        0x0102_1997 => Some("9p"),
        0x00C3_6400 => Some("ceph"),
        0x5346_414F => Some("afs"),
        0x0BD0_0BD0 => Some("lustre"),
        0x0116_1970 => Some("gfs2"),
        0x7461_636F => Some("ocfs2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn network_file_systems_are_known_by_their_number() {
        assert_eq!(network(0x6969), Some("nfs"));
        // As a signed 32-bit field tells it.
        assert_eq!(
            network(i128::from(0xFF53_4D42_u32.cast_signed())),
            Some("cifs")
        );
        for local in [0xEF53, 0x0102_1994, 0x9123_683E, 0x5846_5342, 0x794C_7630] {
            assert_eq!(network(local), None, "{local:x}");
        }
    }
}
