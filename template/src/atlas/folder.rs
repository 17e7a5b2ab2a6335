//! The folder of what runs in one realm: made for its user alone, and trusted only if nobody
//! else could have filled it.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::user::User;

/// How long to wait for a lock that is held for microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Root, realm and the folder itself, each below the one before.
#[derive(Clone, Debug)]
pub struct Folder([PathBuf; 3]);

/// A folder that can be trusted, and who has a say in it.
#[derive(Clone, Debug)]
pub struct Trusted {
    #[cfg(feature = "api")]
    owners: [u32; 3],
    /// Who may look at the folder may look at its files: the bits of both.
    pub read_bits: u32,
}

/// Why there is nothing to be had of a folder.
#[derive(Debug)]
pub enum Error {
    /// What the system says.
    System(PathBuf, io::Error),
    /// Others could have filled it.
    Untrusted(PathBuf),
    /// Somebody holds its lock, and does not let go.
    Busy(PathBuf),
    /// Somebody else, who lives, has this name.
    Held(PathBuf),
    /// This system does not say who we are.
    Nobody,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Untrusted(path) => {
                write!(f, "{}: others own it or can write to it", path.display())
            }
            Self::Busy(path) => write!(f, "{}: somebody holds this lock", path.display()),
            Self::Held(path) => write!(f, "{}: somebody who lives has this name", path.display()),
            Self::Nobody => f.write_str("this system has no /proc"),
        }
    }
}

impl Folder {
    pub fn new(root: &Path, realm: &str, kind: &str) -> Self {
        let below = root.join(realm);
        let folder = below.join(kind);
        Self([root.to_owned(), below, folder])
    }

    pub fn path(&self) -> &Path {
        &self.0[2]
    }

    /// Makes what is missing. What is below a root has its mode: who administers a shared
    /// registry says once, with the root, who takes part.
    pub fn make(&self) -> Result<Trusted, Error> {
        let [root, below @ ..] = &self.0;
        create(root, true)?;
        let mode = fs::metadata(root).map_err(system(root))?.mode() & 0o7777;
        for path in below {
            if create(path, false)? && mode != 0o700 {
                let set = fs::set_permissions(path, Permissions::from_mode(mode));
                set.map_err(system(path))?;
            }
        }
        let missing = || system(self.path())(ErrorKind::NotFound.into());
        self.trusted()?.ok_or_else(missing)
    }

    /// `None` where it is not there, and then nothing is in it.
    pub fn trusted(&self) -> Result<Option<Trusted>, Error> {
        let user = User::current().ok_or(Error::Nobody)?;
        let mut last = None;
        for (depth, path) in self.0.iter().enumerate() {
            // The root may be a link that its user made; what is below is ours and is none.
            let metadata = match depth {
                0 => fs::metadata(path),
                _ => fs::symlink_metadata(path),
            };
            last = match metadata {
                Ok(metadata) => Some(trust(path, &metadata, user)?),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(system(path)(error)),
            };
        }
        Ok(last)
    }

    /// Names in it appear and disappear under its lock. Until dropped.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.path().join(".lock");
        let file = self.open_lock(&path).map_err(system(&path))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(system(&path)(error)),
                Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => {
                    return Err(Error::Busy(path));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    /// Not created where it is there: in a folder with the sticky bit the kernel refuses that
    /// for a file of somebody else's. To lock it, reading is enough.
    fn open_lock(&self, path: &Path) -> io::Result<File> {
        loop {
            match File::open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => (),
                opened => return opened,
            }
            let read_bits = fs::metadata(self.path())?.mode() & 0o044;
            let mut new = OpenOptions::new();
            match new.write(true).create_new(true).mode(0o600).open(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
                made => made?.set_permissions(Permissions::from_mode(0o600 | read_bits))?,
            }
        }
    }
}

#[cfg(feature = "api")]
impl Trusted {
    /// Whether what stands in a file counts. In a shared folder anybody else could put an
    /// instance of `billing` there.
    pub fn has_a_say(&self, file: &Metadata) -> bool {
        self.owners.contains(&file.uid()) && file.mode() & 0o022 == 0
    }
}

fn trust(path: &Path, metadata: &Metadata, user: &User) -> Result<Trusted, Error> {
    let (owner, mode) = (metadata.uid(), metadata.mode());
    let others_write = mode & 0o022 != 0 && mode & 0o1000 == 0;
    if !metadata.is_dir() || ![0, user.id].contains(&owner) || others_write {
        return Err(Error::Untrusted(path.to_owned()));
    }
    Ok(Trusted {
        #[cfg(feature = "api")]
        owners: [0, user.id, owner],
        read_bits: mode & 0o044,
    })
}

/// Makes a directory, if need be with the way to it, and tells whether it was missing.
fn create(path: &Path, with_the_way: bool) -> Result<bool, Error> {
    let mut builder = DirBuilder::new();
    let created = match builder.mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && with_the_way => {
            builder.recursive(true).create(path)
        }
        created => created,
    };
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(system(path)(error)),
    }
}

pub(super) fn system(path: &Path) -> impl FnOnce(io::Error) -> Error {
    |error| Error::System(path.to_owned(), error)
}
