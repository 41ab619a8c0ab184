//! Version 2: `memory.events` of each container, watched by one inotify instance for the server, since a user
//! may have few of those (`/proc/sys/fs/inotify/max_user_instances`, 128 by default).

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::kills::OomKills;
use crate::readiness;

/// The inotify instance. Each container's [`Change`] holds it, so it ends with the last of them.
#[derive(Debug)]
pub struct Changes {
    /// Shared with the task that reads it.
    events: Rc<AsyncFd<OwnedFd>>,
    /// Whose file each watch is on.
    watched: RefCell<HashMap<i32, Weak<OomKills>>>,
    /// Ended when this is dropped.
    reading: OnceCell<JoinHandle<()>>,
}

/// The watch on one container's file; dropped, it is removed.
#[derive(Debug)]
pub struct Change {
    changes: Rc<Changes>,
    watch: i32,
}

impl Changes {
    pub(super) fn start() -> io::Result<Rc<Self>> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let changes = Rc::new(Self {
            events: Rc::new(readiness::register(events, Interest::READABLE)?),
            watched: RefCell::default(),
            reading: OnceCell::new(),
        });
        let reading = tokio::task::spawn_local(read(changes.events.clone(), Rc::downgrade(&changes)));
        let _ = changes.reading.set(reading);
        Ok(changes)
    }

    pub(super) fn watch(self: Rc<Self>, kills: &Rc<OomKills>) -> io::Result<Change> {
        let watch = inotify::add_watch(self.events.get_ref(), kills.file()?, WatchFlags::MODIFY)?;
        self.watched.borrow_mut().insert(watch, Rc::downgrade(kills));
        Ok(Change { changes: self, watch })
    }

    /// Looks at the container whose file has changed, or at all when events were lost.
    fn changed(&self, event: &inotify::Event<'_>) {
        let kills: Vec<_> = if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            self.watched.borrow().values().filter_map(Weak::upgrade).collect()
        } else {
            let kills = self.watched.borrow().get(&event.wd()).and_then(Weak::upgrade);
            kills.into_iter().collect()
        };
        for kills in kills {
            kills.look();
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.get() {
            reading.abort();
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.changes.watched.borrow_mut().remove(&self.watch);
        // A watch whose file has gone may have gone with it.
        let _ = inotify::remove_watch(self.changes.events.get_ref(), self.watch);
    }
}

async fn read(events: Rc<AsyncFd<OwnedFd>>, changes: Weak<Changes>) {
    loop {
        let Ok(mut ready) = events.readable().await else {
            return;
        };
        let Some(changes) = changes.upgrade() else { return };
        // Events of watches have no name: 16 bytes each (inotify(7)).
        let mut buffer = [MaybeUninit::uninit(); 512];
        let mut reader = inotify::Reader::new(events.get_ref(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => changes.changed(&event),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break ready.clear_ready(),
                Err(error) => return tracing::warn!(%error, "OOM kills have no events any more"),
            }
        }
    }
}
