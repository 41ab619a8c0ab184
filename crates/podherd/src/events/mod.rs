//! What has happened in the pod: a bounded record with numbers, and those who watch it.
//!
//! - `event` is one thing that has happened; [`What`] is the list of them.
//! - `ring` keeps the latest ones, bounded by count and by bytes.
//! - `watcher` is one reader's place in it. A slow one costs nothing and holds up nobody: what it has not taken
//!   when the ring has gone on is lost for it, and it is told how much.
//! - `attached` says of one client that it came, and that it went.
//!
//! An event is emitted in the same stretch of the event loop in which what it says becomes visible in a container's
//! state, so that a list and the events after it never contradict each other.

mod attached;
mod event;
mod ring;
mod watcher;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use rustix::rand::{GetRandomFlags, getrandom};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::container::ContainerId;

pub use attached::Attached;
pub use event::{Detach, Event, What};
use ring::Ring;
pub use watcher::{WatchFrom, Watcher};

/// The events of one pod. Clones are the same.
#[derive(Clone, Debug)]
pub struct Events {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    instance: String,
    ring: RefCell<Ring>,
    /// The number of the next event, for those who wait for it.
    next: watch::Sender<u64>,
    watches: Cell<usize>,
    most_watches: usize,
    /// The tasks that hand events on.
    deliveries: TaskTracker,
    /// Set when no more events come.
    closed: watch::Sender<bool>,
}

impl Events {
    /// An empty record that keeps `kept` events, in at most `bytes`, for at most `watches` watchers.
    pub fn new(kept: usize, bytes: usize, watches: usize) -> io::Result<Self> {
        Ok(Self {
            shared: Rc::new(Shared {
                instance: random()?,
                ring: RefCell::new(Ring::new(kept, bytes)),
                next: watch::Sender::new(1),
                watches: Cell::new(0),
                most_watches: watches,
                deliveries: TaskTracker::new(),
                closed: watch::Sender::new(false),
            }),
        })
    }

    /// The name of this life of the server: numbers count within it.
    pub fn instance(&self) -> &str {
        &self.shared.instance
    }

    /// The number that the next event will have.
    pub fn next_sequence(&self) -> u64 {
        self.shared.ring.borrow().next()
    }

    /// Watches that are open.
    pub fn watches(&self) -> usize {
        self.shared.watches.get()
    }

    /// Records that this has happened, now.
    pub fn emit(&self, container: &ContainerId, what: What) {
        let next = {
            let mut ring = self.shared.ring.borrow_mut();
            ring.push(container.clone(), SystemTime::now(), what);
            ring.next()
        };
        self.shared.next.send_replace(next);
    }

    /// Hands events to somebody in a task of its own, for whose end [`Self::finish`] waits.
    pub fn spawn(&self, delivery: impl Future<Output = ()> + 'static) {
        self.shared.deliveries.spawn_local(delivery);
    }

    /// No more events come: watchers get what is kept, and then their end.
    pub fn close(&self) {
        self.shared.closed.send_replace(true);
    }

    /// Waits until no more events come.
    pub async fn closed(&self) {
        // The sender is as old as its receiver.
        let _ = self.shared.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Closes, and waits until the last events were handed on, at most for this time.
    pub async fn finish(&self, within: Duration) {
        self.close();
        self.shared.deliveries.close();
        if tokio::time::timeout(within, self.shared.deliveries.wait())
            .await
            .is_err()
        {
            tracing::warn!("some watchers did not take the last events in time");
        }
    }

    /// Records that a client takes part in the streams of `container`, and, when what is returned is dropped, that
    /// it no longer does. `client` is its number, unique in this server; `exec_session` the exec's session id when
    /// its streams are an exec's.
    pub fn attached(&self, container: &ContainerId, client: u64, exec_session: Option<String>) -> Attached {
        Attached::new(self.clone(), container.clone(), client, exec_session)
    }
}

/// 128 bits from the kernel.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    match getrandom(&mut bytes, GetRandomFlags::empty())? {
        16 => Ok(HEXLOWER.encode(&bytes)),
        _ => Err(io::Error::other("the kernel gave too few random bytes")),
    }
}
