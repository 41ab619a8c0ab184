//! The server's record on disk: which containers it has, and how they ended.
//!
//! - [`Journal`] takes facts from the event loop; it never waits and never fails a container.
//! - `fact` is one line of the file: the boot, a container created, exited, deleted.
//! - `record` is what the facts add up to, the containers that are not deleted.
//! - `store` is the file, touched by a writer thread only: append, rewrite when grown or after an error.
//!
//! The file is `journal` in the runtime directory, a JSON object a line. A server that starts there reads
//! it, learns which containers an earlier life left ([`Survivor`]), and begins a new file with them.

mod fact;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::disk::{Disk, DiskError, Lane};
use fact::Fact;
pub use fact::{CreatedEntry, ExitedEntry};
use store::Store;
pub use store::{FILE_NAME, JournalError, REWRITE_BYTES, survivors};

/// The journal of a live server. Clones write the same file.
///
/// An error of the disk never reaches a container: it is warned of once, and the facts are kept in memory
/// until a rewrite of the whole file succeeds, which every later fact tries.
#[derive(Clone)]
pub struct Journal {
    disk: Disk,
    lane: Lane,
    shared: Arc<Shared>,
    skipped_lines: u64,
}

struct Shared {
    /// Facts that no job has taken yet; a job takes all of them for one write. Locked for moments.
    pending: Mutex<VecDeque<Pending>>,
    /// Locked by jobs of the lane only, as long as the disk takes.
    store: Mutex<Store>,
}

struct Pending {
    fact: Fact,
    /// Told when the fact is written; dropped when it is not.
    written: Option<oneshot::Sender<()>>,
}

/// A container that an earlier server has recorded as created and never as ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivor {
    /// The container's id.
    pub id: String,
    /// The pid of its init, in the server's pid namespace.
    pub pid: i32,
    /// The init's start time in clock ticks since boot (field 22 of `/proc/PID/stat`): with the boot id it
    /// tells the process from another one of the same pid.
    pub start_time: u64,
    /// The boot in which it was created (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// Its bundle.
    pub bundle: PathBuf,
}

impl Journal {
    /// Reads the journal that an earlier server left in `directory` and begins a new one, in which the
    /// returned survivors stand until [`Journal::forget`]. Only for who holds the directory's lock.
    ///
    /// A last line without its end is tolerated; other lines that can't be read are skipped and counted.
    pub async fn open(disk: &Disk, directory: &Path) -> Result<(Self, Vec<Survivor>), JournalError> {
        let lane = disk.lane(directory);
        let path = directory.join(FILE_NAME);
        let job = {
            let path = path.clone();
            move || Store::open(path)
        };
        let opened = disk
            .run(&lane, job)
            .await
            .map_err(|error| JournalError::from_disk(&path, error))?;
        let (store, skipped_lines) = opened?;
        let survivors = store.survivors();
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            store: Mutex::new(store),
        });
        Ok((
            Self {
                disk: disk.clone(),
                lane,
                shared,
                skipped_lines,
            },
            survivors,
        ))
    }

    /// Lines of the earlier journal that could not be read.
    pub fn skipped_lines(&self) -> u64 {
        self.skipped_lines
    }

    /// A container's init is there and watched.
    pub fn created(&self, entry: CreatedEntry) {
        self.record(Fact::Created(entry), None);
    }

    /// A container's init has ended. The receiver resolves when that is written (not synced: it outlives
    /// the server, not the machine), and with an error when it is kept in memory only.
    pub fn exited(&self, id: &str, entry: ExitedEntry) -> oneshot::Receiver<()> {
        let (written, receiver) = oneshot::channel();
        self.record(
            Fact::Exited {
                id: id.to_owned(),
                entry,
            },
            Some(written),
        );
        receiver
    }

    /// A container is deleted, or its exit state is no longer kept: nothing of it stays in the journal.
    pub fn deleted(&self, id: &str) {
        self.record(Fact::Deleted { id: id.to_owned() }, None);
    }

    /// A survivor of an earlier life has been dealt with. The same fact as [`Journal::deleted`].
    pub fn forget(&self, id: &str) {
        self.deleted(id);
    }

    /// Ends the journal of a server that ends in order: what was recorded is written, and a file in which
    /// no container stands is removed.
    pub async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let job = move || {
            shared.write_pending();
            shared
                .store
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove_if_empty();
        };
        if let Err(error) = self.disk.run(&self.lane, job).await {
            tracing::warn!(%error, "the journal stays as it is");
        }
    }

    fn record(&self, fact: Fact, written: Option<oneshot::Sender<()>>) {
        self.shared.pending().push_back(Pending { fact, written });
        let shared = Arc::clone(&self.shared);
        // Without a thread the facts stay pending, and go with the next one.
        drop(self.disk.run(&self.lane, move || shared.write_pending()));
    }
}

impl Shared {
    fn write_pending(&self) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = std::mem::take(&mut *self.pending());
        if pending.is_empty() {
            return;
        }
        let (facts, senders): (Vec<_>, Vec<_>) = pending
            .into_iter()
            .map(|pending| (pending.fact, pending.written))
            .unzip();
        if store.write(facts) {
            for sender in senders.into_iter().flatten() {
                // Nobody waits any more: the reap went on without it.
                let _ = sender.send(());
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JournalError {
    fn from_disk(path: &Path, error: DiskError) -> Self {
        let source = match error {
            DiskError::NoThread(source) => source,
            error @ DiskError::Panicked => std::io::Error::other(error),
        };
        Self {
            path: path.to_owned(),
            source,
        }
    }
}
