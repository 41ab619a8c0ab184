//! How many processes of one container were killed for memory.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::cgroup::hierarchy::Place;
use crate::cgroup::kernel_file;
use crate::cgroup::tree::child_directories;

/// The kills of one container since it was created. Shared by whoever looks: the watch of events, the
/// journal's record of its end, its execs.
#[derive(Default)]
pub struct OomKills {
    container: String,
    source: Option<Source>,
    /// What the cgroup counted at the last look.
    counted: Cell<u64>,
    /// What has been added since the container was created. Never goes back, whatever is removed.
    kills: Cell<u64>,
    /// Told of kills; there from the moment in which the container is created to its published end.
    teller: RefCell<Option<Teller>>,
}

/// Is called when a look has found more kills.
pub type Teller = Box<dyn Fn()>;

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Processes were killed since the last look.
    More,
    /// None was.
    Same,
    /// The cgroup has gone.
    Gone,
}

/// How the cgroup counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Each cgroup its own processes (cgroup-v1/memory.txt, `memory.oom_control`).
    One,
    /// With those of the cgroups below it (cgroup-v2.rst, `memory.events`).
    Two,
}

#[derive(Debug)]
struct Source {
    version: Version,
    directory: PathBuf,
    /// Whether the cgroups below it have to be added.
    adds: bool,
}

impl OomKills {
    /// Of a container whose own cgroups these are. `is_new` says whether a directory is the container's from
    /// its beginning; what another one has counted before is not the container's.
    pub(in crate::cgroup) fn of(container: &str, places: &[Place], is_new: impl Fn(&Path) -> bool) -> Self {
        let source = Source::among(places);
        let counted = match &source {
            Some(source) if !is_new(&source.directory) => source.count().unwrap_or(0),
            _ => 0,
        };
        Self {
            container: container.to_owned(),
            source,
            counted: Cell::new(counted),
            kills: Cell::new(0),
            teller: RefCell::default(),
        }
    }

    /// Tells of kills from now on, and at once of those that were found before.
    pub fn tell(&self, teller: Teller) {
        if self.kills.get() > 0 {
            teller();
        }
        self.teller.replace(Some(teller));
    }

    /// Tells no more.
    pub fn tell_no_more(&self) {
        self.teller.take();
    }

    /// Kills since the container was created, after one more look.
    pub fn count(&self) -> u64 {
        self.look();
        self.kills.get()
    }

    /// Reads the count, and says what is new. A cgroup that has gone leaves the count as it was.
    pub(super) fn look(&self) -> Look {
        let Some(count) = self.source.as_ref().and_then(|source| source.count().ok()) else {
            return Look::Gone;
        };
        // Less: a sub-cgroup has gone, after a look at it.
        let before = self.counted.replace(count);
        if count > before {
            let kills = self.kills.get() + (count - before);
            self.kills.set(kills);
            tracing::warn!(container = %self.container, kills, "the kernel killed a process of the container for memory");
            if let Some(tell) = &*self.teller.borrow() {
                tell();
            }
            return Look::More;
        }
        Look::Same
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.source.as_ref().map(|source| source.version)
    }

    /// The file whose events are the container's.
    pub(super) fn file(&self) -> io::Result<PathBuf> {
        let source = self.source.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(source.directory.join(source.file()))
    }

    /// The cgroup's directory.
    pub(super) fn directory(&self) -> io::Result<&Path> {
        let source = self.source.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(&source.directory)
    }

    /// The kills known without another look.
    #[cfg(test)]
    pub(super) fn seen(&self) -> u64 {
        self.kills.get()
    }

    pub(super) fn container(&self) -> &str {
        &self.container
    }
}

impl fmt::Debug for OomKills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills = self.kills.get();
        f.debug_struct("OomKills")
            .field("source", &self.source)
            .field("kills", &kills)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Version 1 where it has the memory controller, else version 2 where that has it: the file is there
    /// only then.
    fn among(places: &[Place]) -> Option<Self> {
        if let Some(place) = places.iter().find(|place| place.has("memory")) {
            return Some(Self {
                version: Version::One,
                directory: place.directory.clone(),
                adds: true,
            });
        }
        let place = places.iter().find(|place| place.controllers.is_empty())?;
        let source = Self {
            version: Version::Two,
            directory: place.directory.clone(),
            adds: place.counts_locally,
        };
        source.directory.join(source.file()).exists().then_some(source)
    }

    fn file(&self) -> &'static str {
        match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        }
    }

    /// Kills in the cgroup and below.
    fn count(&self) -> io::Result<u64> {
        let text = kernel_file::read(self.directory.join(self.file()))?;
        let below = if self.adds {
            self.count_below(&self.directory)
        } else {
            0
        };
        Ok(oom_kill(&text) + below)
    }

    fn count_below(&self, directory: &Path) -> u64 {
        let of = |child: PathBuf| {
            let text = kernel_file::read(child.join(self.file())).unwrap_or_default();
            oom_kill(&text) + self.count_below(&child)
        };
        child_directories(directory).into_iter().map(of).sum()
    }
}

fn oom_kill(text: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
        .unwrap_or(0)
}
