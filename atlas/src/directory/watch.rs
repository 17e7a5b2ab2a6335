//! What changes, by inotify. An event only says where to look; what counts is what is there then.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::entry::Looker;
use super::{Directory, Kind};
use crate::Error;
use crate::error::io;
use crate::picture::Picture;
use crate::store::{Event, Revision, Watch, patiently};

/// Everything is looked at again that often, though nothing was missed as far as we know: a
/// renamed parent, for one, sends no event.
const RESCAN: Duration = Duration::from_mins(1);

/// When to look again at an entry whose file was closed but whose lock still holds. The kernel
/// tells of the close *before* it frees the lock (`__fput` in its `fs/file_table.c`), so the first
/// look may be too early.
const LOOK_AGAIN: [Duration; 6] = [
    Duration::from_micros(100),
    Duration::from_micros(400),
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// A follower of a directory.
pub(crate) struct Following {
    store: Directory,
    armed: Option<Armed>,
    picture: Picture,
    /// The state that the reader knows; after an error, none.
    told: Option<Revision>,
    again: BTreeMap<OsString, Again>,
}

/// An inotify queue for the three folders.
struct Armed {
    queue: OwnedFd,
    folders: BTreeMap<i32, Kind>,
    until: Instant,
}

/// The next look at a name.
struct Again {
    at: Instant,
    looks: usize,
}

/// Where to look.
#[derive(Default)]
struct News {
    names: BTreeSet<(Kind, OsString)>,
    /// Registrations whose files were closed.
    closed: BTreeSet<OsString>,
    /// Something was missed, or a folder is not the one it was.
    lost: bool,
}

impl Following {
    pub(crate) fn start(store: &Directory, since: Revision) -> Result<Self, Error> {
        let mut following = Self {
            store: store.clone(),
            armed: None,
            picture: Picture::default(),
            told: Some(since).filter(|since| *since != Revision::NONE),
            again: BTreeMap::new(),
        };
        following.scan()?;
        Ok(following)
    }

    fn step(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        let due = self
            .armed
            .as_ref()
            .is_none_or(|armed| Instant::now() >= armed.until);
        if due {
            self.scan()?;
        }
        if self.told != Some(self.picture.revision()) {
            self.told = Some(self.picture.revision());
            return Ok(Some(Event::Full(self.picture.snapshot())));
        }
        let news = self.wait(deadline)?;
        if news.lost {
            (self.armed, self.told) = (None, None);
            return Ok(None);
        }
        self.look(news)
    }

    /// The queue first, the look at everything second: what changes in between is looked at twice.
    fn scan(&mut self) -> Result<(), Error> {
        self.armed = None;
        let armed = Armed::new(&self.store)?;
        self.picture = self.store.scan()?;
        self.armed = Some(armed);
        self.again.clear();
        Ok(())
    }

    fn wait(&self, deadline: Instant) -> Result<News, Error> {
        let Some(armed) = &self.armed else {
            return Ok(News::default());
        };
        let again = self.again.values().map(|again| again.at);
        let until = again
            .chain([deadline, armed.until])
            .min()
            .unwrap_or(deadline);
        armed.wait(until.saturating_duration_since(Instant::now()))?;
        armed.news(&self.store)
    }

    fn look(&mut self, news: News) -> Result<Option<Event>, Error> {
        let mut names = news.names;
        let now = Instant::now();
        let due = self.again.iter().filter(|(_, again)| again.at <= now);
        names.extend(due.map(|(name, _)| (Kind::Hosts, name.clone())));
        let mut changes = Vec::new();
        for kind in Kind::ALL {
            let mut of_kind = names.iter().filter(|(of, _)| *of == kind).peekable();
            if of_kind.peek().is_none() {
                continue;
            }
            let Some(looker) = Looker::at(&self.store, kind)? else {
                self.armed = None;
                return Ok(None);
            };
            for (_, name) in of_kind {
                changes.extend(looker.look(name, &mut self.picture));
            }
        }
        self.plan_again(names, &news.closed);
        if changes.is_empty() {
            return Ok(None);
        }
        let revision = self.picture.revision();
        self.told = Some(revision);
        Ok(Some(Event::Changed { revision, changes }))
    }

    /// Looks again, later and later, at what should be dead and is not.
    fn plan_again(&mut self, names: BTreeSet<(Kind, OsString)>, closed: &BTreeSet<OsString>) {
        for (kind, name) in names {
            if kind != Kind::Hosts {
                continue;
            }
            let looks = match self.again.remove(&name) {
                _ if closed.contains(&name) => 0,
                Some(again) => again.looks + 1,
                None => continue,
            };
            let id = name.to_str().and_then(|name| name.parse().ok());
            let alive = id.is_some_and(|id| self.picture.has(&id));
            if let Some(wait) = LOOK_AGAIN.get(looks).filter(|_| alive) {
                let at = Instant::now() + *wait;
                self.again.insert(name, Again { at, looks });
            }
        }
    }
}

impl Watch for Following {
    fn next(&mut self, wait: Duration) -> Result<Option<Event>, Error> {
        let told = patiently(wait, |deadline| self.step(deadline));
        if told.is_err() {
            (self.armed, self.told) = (None, None);
        }
        told
    }
}

impl Armed {
    fn new(store: &Directory) -> Result<Self, Error> {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let queue = queue.map_err(|error| io("watch", store.hosts.path())(error.into()))?;
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let mut folders = BTreeMap::new();
        for kind in Kind::ALL {
            let folder = store.folder(kind);
            folder.make()?;
            let added = inotify::add_watch(&queue, folder.path(), flags);
            let added = added.map_err(|error| io("watch", folder.path())(error.into()))?;
            folders.insert(added, kind);
        }
        Ok(Self {
            queue,
            folders,
            until: Instant::now() + RESCAN,
        })
    }

    fn wait(&self, wait: Duration) -> Result<(), Error> {
        let limit = Timespec::try_from(wait).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        let mut queue = [PollFd::new(&self.queue, PollFlags::IN)];
        match poll(&mut queue, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(io("watch", std::path::Path::new("inotify"))(error.into())),
        }
    }

    /// Everything in the queue, each name once: a storm costs one look a name.
    fn news(&self, store: &Directory) -> Result<News, Error> {
        let mut news = News::default();
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let kind = self.folders.get(&event.wd()).copied();
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    news.add(kind, name, event.events());
                }
                Err(Errno::AGAIN) => return Ok(news),
                Err(Errno::INTR) => {}
                Err(error) => return Err(io("watch", store.hosts.path())(error.into())),
            }
        }
    }
}

impl News {
    fn add(&mut self, kind: Option<Kind>, name: Option<&OsStr>, events: ReadFlags) {
        let ends = ReadFlags::QUEUE_OVERFLOW
            | ReadFlags::IGNORED
            | ReadFlags::UNMOUNT
            | ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF;
        self.lost |= events.intersects(ends);
        let (Some(kind), Some(name)) = (kind, name) else {
            return;
        };
        if name.as_bytes().starts_with(b".") {
            return;
        }
        if kind == Kind::Hosts && events.contains(ReadFlags::CLOSE_WRITE) {
            self.closed.insert(name.to_owned());
        }
        self.names.insert((kind, name.to_owned()));
    }
}
