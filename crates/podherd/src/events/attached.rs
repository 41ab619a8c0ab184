//! A client that takes part in a container's streams.

use std::cell::Cell;

use super::{Detach, Events, What};
use crate::container::ContainerId;

/// Says that a client has come, and, dropped, that it has gone.
#[derive(Debug)]
pub struct Attached {
    events: Events,
    container: ContainerId,
    client_id: u64,
    reason: Cell<Detach>,
}

impl Attached {
    pub(super) fn new(
        events: Events,
        container: ContainerId,
        client_id: u64,
        exec_session: Option<String>,
    ) -> Self {
        let attached = What::Attached {
            client_id,
            exec_session,
        };
        events.emit(&container, attached);
        Self {
            events,
            container,
            client_id,
            reason: Cell::new(Detach::Left),
        }
    }

    /// Why it will have gone; [`Detach::Left`] when nothing is said.
    pub fn goes_because(&self, reason: Detach) {
        self.reason.set(reason);
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let detached = What::Detached {
            client_id: self.client_id,
            reason: self.reason.get(),
        };
        self.events.emit(&self.container, detached);
    }
}
