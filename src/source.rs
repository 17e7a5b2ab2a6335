//! Where a template comes from, and how its files get into memory, safely: the templates of
//! others are read as what may be hostile, and nothing of them is written, run or followed here.

mod address;
mod archive;
mod directory;
mod gather;
pub mod limits;
mod store;
mod tarball;
mod zipped;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::dirs;
use crate::error::{Error, Kind, Result};
use crate::repo;
use crate::repo::remote::{self, Remote};
use crate::settings::Wish;
use crate::template::File;
use address::{Address, unusable};
pub use tarball::pack;

/// Where a template comes from, as somebody wrote it down, understood.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A directory. One that is a bare repository is read as that.
    Directory(PathBuf),
    /// A `.tar`, `.tar.gz`, `.tgz` or `.zip`.
    Archive(PathBuf),
    /// A repository.
    Git {
        /// A URL, `user@host:path` or an absolute path; it may hold a password.
        url: String,
        /// Which commit of it.
        want: Want,
    },
}

/// Which commit of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// That of the default branch.
    #[default]
    Default,
    /// The last of a branch.
    Branch(String),
    /// That of a tag.
    Tag(String),
    /// The one with this id, or the only one whose id begins so.
    Rev(String),
}

/// What somebody wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Where the template comes from.
    pub source: Source,
    /// The folder in it, if one was named.
    pub subfolder: Option<String>,
}

/// What a source may be reached by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    /// Only what is on this machine already.
    pub offline: bool,
    /// Somebody is there whom git may ask for credentials.
    pub human: bool,
}

/// The files of a source.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// All of them, sorted by path.
    pub files: Vec<File>,
    /// What trust is bound to: the address without a password, or the absolute path.
    pub id: String,
    /// The commit, of a repository.
    pub commit: Option<String>,
    /// The id git gives to a tree of `files`.
    pub tree: String,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

/// What `text` means as a source; `base` is what a relative path is relative to. Looks at nothing.
pub fn parse(text: &str, base: &Path, want: Want) -> Result<Parsed> {
    let want = want.checked()?;
    if let Some((address, subfolder)) = address::parse(text)? {
        let url = address.url;
        return Ok(Parsed {
            source: Source::Git { url, want },
            subfolder,
        });
    }
    let path = base.join(dirs::expand(text));
    let source = if archive::packing(text).is_some() {
        if want != Want::Default {
            let error = unusable(
                text,
                "is an archive, which has no branches, tags or commits",
            );
            return Err(error);
        }
        Source::Archive(path)
    } else if want == Want::Default {
        Source::Directory(path)
    } else {
        let url = path.to_str().map(str::to_owned);
        let url = url.ok_or_else(|| unusable(text, "has a path that is not UTF-8"))?;
        Source::Git { url, want }
    };
    Ok(Parsed {
        source,
        subfolder: None,
    })
}

/// Gets the files of `source`.
pub fn obtain(source: &Source, ways: Ways) -> Result<Obtained> {
    let cache = dirs::cache().ok_or_else(|| {
        let message = "neither XDG_CACHE_HOME nor HOME is set";
        Error::new(Kind::Cache, message).help("export HOME=~")
    })?;
    obtain_in(&cache.join("generate-service/templates"), source, ways)
}

/// As `obtain`, with what was fetched kept in the directory `cache`.
pub fn obtain_in(cache: &Path, source: &Source, ways: Ways) -> Result<Obtained> {
    match source {
        Source::Directory(path) => {
            let path = found(path)?;
            if remote::is_bare(&path) {
                return of_local_repository(cache, &path, &Want::Default, ways);
            }
            from_disk(&path, directory::gather(&path)?)
        }
        Source::Archive(path) if path.is_dir() => {
            let path = found(path)?;
            from_disk(&path, directory::gather(&path)?)
        }
        Source::Archive(path) => from_disk(&found(path)?, archive::gather(path)?),
        Source::Git { url, want } if url.starts_with('/') => {
            let path = found(Path::new(url))?;
            if !remote::is_repository(&path) {
                let path = path.display();
                let message = format!("`{path}` is no git repository, so it has no {want}");
                return Err(Error::new(Kind::Usage, message));
            }
            of_local_repository(cache, &path, want, ways)
        }
        Source::Git { url, want } => of_repository(cache, url, want, ways),
    }
}

/// `path` without links, which is what trust is bound to.
fn found(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| {
        let why = Error::io("find the template", path, &error).message;
        Error::new(Kind::Fetch, why).help(
            "a template is a directory, an archive, a URL of git, `gh:owner/repo`, or a name from [templates] in generate-service.toml",
        )
    })
}

fn from_disk(path: &Path, gather: gather::Gather) -> Result<Obtained> {
    let (files, warnings) = gather.finish()?;
    Ok(Obtained {
        tree: repo::tree_id(&files)?,
        id: path.display().to_string(),
        commit: None,
        files,
        warnings,
    })
}

/// The branches and tags of a source, with their kinds; none, if it is no repository.
pub fn names(wish: &Wish, ways: Ways) -> Result<Vec<(&'static str, String)>> {
    match repository(wish)? {
        None => Ok(Vec::new()),
        Some(repository) => repository.remote(ways.human).names(),
    }
}

/// How many commits of a source are in `new` and not in `old`, if that can be told.
pub fn between(wish: &Wish, old: &str, new: &str, ways: Ways) -> Result<Option<usize>> {
    let Some(repository) = repository(wish)? else {
        return Ok(None);
    };
    if ways.offline && repository.local.is_none() {
        return Ok(None);
    }
    let dir =
        tempfile::tempdir().map_err(|error| Error::io("create", Path::new("/tmp"), &error))?;
    repository.remote(ways.human).between(old, new, dir.path())
}

/// Whether a source lies on this machine.
#[must_use]
pub fn is_here(wish: &Wish) -> bool {
    repository(wish).is_ok_and(|found| found.is_none_or(|repository| repository.local.is_some()))
}

fn repository(wish: &Wish) -> Result<Option<Repository>> {
    Ok(
        match parse(&wish.source, &wish.base, Want::Default)?.source {
            Source::Directory(path) if remote::is_repository(&path) => Some(Repository::at(&path)),
            Source::Directory(_) | Source::Archive(_) => None,
            Source::Git { url, .. } if url.starts_with('/') => {
                Some(Repository::at(Path::new(&url)))
            }
            Source::Git { url, .. } => Some(Repository::of(&url)?),
        },
    )
}

fn of_local_repository(cache: &Path, path: &Path, want: &Want, ways: Ways) -> Result<Obtained> {
    store::obtain(
        cache,
        Repository::at(path).remote(false),
        want,
        ways.offline,
    )
}

fn of_repository(cache: &Path, url: &str, want: &Want, ways: Ways) -> Result<Obtained> {
    let repository = Repository::of(url)?;
    store::obtain(cache, repository.remote(ways.human), want, ways.offline)
}

/// A repository of somebody else, and how it is addressed.
struct Repository {
    address: Address,
    local: Option<PathBuf>,
}

impl Repository {
    fn at(path: &Path) -> Self {
        let id = path.display().to_string();
        Self {
            address: Address {
                url: id.clone(),
                id,
                secret: None,
            },
            local: Some(path.to_owned()),
        }
    }

    fn of(url: &str) -> Result<Self> {
        let Some((address, _)) = address::parse(url)? else {
            return Err(unusable(url, "is no address of a repository"));
        };
        let local = address::local_path(url);
        Ok(Self { address, local })
    }

    fn remote(&self, human: bool) -> Remote<'_> {
        Remote {
            url: &self.address.url,
            id: &self.address.id,
            secret: self.address.secret.as_deref(),
            local: self.local.as_deref(),
            human,
        }
    }
}

impl Want {
    /// Fails if git cannot have anything of this name.
    fn checked(self) -> Result<Self> {
        let (what, name) = self.parts();
        let reason = match &self {
            Self::Default => return Ok(self),
            Self::Branch(_) | Self::Tag(_) if remote::is_name(name) => return Ok(self),
            Self::Branch(_) | Self::Tag(_) => "is not a name that git allows",
            Self::Rev(id) => {
                let digits = id.bytes().all(|byte| byte.is_ascii_hexdigit());
                if digits && (4..=40).contains(&id.len()) {
                    return Ok(Self::Rev(id.to_ascii_lowercase()));
                }
                "is not the id of a commit, 4 to 40 hexadecimal digits"
            }
        };
        let name = name.escape_debug();
        Err(Error::new(
            Kind::Usage,
            format!("the {what} `{name}` {reason}"),
        ))
    }

    /// What kind of thing it is, and its name.
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Default => ("default branch", "HEAD"),
            Self::Branch(name) => ("branch", name),
            Self::Tag(name) => ("tag", name),
            Self::Rev(id) => ("commit", id),
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (what, _) if *self == Self::Default => write!(f, "the {what}"),
            (what, name) => write!(f, "{what} `{}`", name.escape_debug()),
        }
    }
}

/// Without the password that a URL may hold.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => f.debug_tuple("Directory").field(path).finish(),
            Self::Archive(path) => f.debug_tuple("Archive").field(path).finish(),
            Self::Git { url, want } => f
                .debug_struct("Git")
                .field("url", &address::redacted(url))
                .field("want", want)
                .finish(),
        }
    }
}
