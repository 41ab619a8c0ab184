//! Processes of a container that the kernel killed for memory.
//!
//! - `kills`: how many, from the container's own cgroup; what decides.
//! - `notifications`: an eventfd for each container, in version 1.
//! - `changes`: one inotify instance for the server, in version 2.
//!
//! The count is read when the container is created, at each event, before the sub-cgroup of an exec goes, and
//! when init has ended. Events are there so that a kill is said when it happens, and known still when
//! somebody (systemd, kubelet) removes the cgroup before the last look. Where they can't be had, the last
//! look decides alone.

mod changes;
mod kills;
mod notifications;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};

use changes::{Change, Changes};
pub use kills::OomKills;
use kills::Version;
use notifications::Notifications;

/// The events of all containers of a server.
#[derive(Debug, Default)]
pub struct OomEvents {
    /// Shared by the containers of version 2; closed with the last of them.
    changes: RefCell<Weak<Changes>>,
    /// Whether it was said that there are no events.
    said: Cell<bool>,
}

/// Follows the kills of one container until it is dropped.
#[derive(Debug)]
#[allow(dead_code, reason = "held for what dropping them ends")]
pub enum OomWatch {
    /// Version 1.
    Notified(Notifications),
    /// Version 2.
    Changed(Change),
    /// There are no events, or no cgroup that counts.
    Unwatched,
}

impl OomEvents {
    /// Follows the kills of one container: each event is a look at the count. Has to be called in the event
    /// loop.
    pub fn watch(&self, kills: &Rc<OomKills>) -> OomWatch {
        let watch = match kills.version() {
            None => return OomWatch::Unwatched,
            Some(Version::One) => Notifications::of(kills).map(OomWatch::Notified),
            Some(Version::Two) => self
                .changes()
                .and_then(|changes| changes.watch(kills))
                .map(OomWatch::Changed),
        };
        watch.unwrap_or_else(|error| {
            if !self.said.replace(true) {
                tracing::warn!(%error, container = kills.container(), "no events of OOM kills; they are counted at a container's end");
            }
            OomWatch::Unwatched
        })
    }

    fn changes(&self) -> io::Result<Rc<Changes>> {
        if let Some(changes) = self.changes.borrow().upgrade() {
            return Ok(changes);
        }
        let changes = Changes::start()?;
        self.changes.replace(Rc::downgrade(&changes));
        Ok(changes)
    }
}

#[cfg(test)]
mod tests;
