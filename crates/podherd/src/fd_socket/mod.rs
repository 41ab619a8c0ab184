//! The fd socket: callers send descriptors over it ahead of a call, and name them in the call by their
//! slots, since Cap'n Proto messages carry none.
//!
//! - `listener`: the socket, made when it is first asked for, removed at the server's orderly end.
//! - `connection`: one client; what it has sent and no call has taken is closed with it.
//! - `message`: the protocol's requests and answers.
//! - `slots`: the descriptors that wait to be taken.

mod connection;
mod listener;
mod message;
mod slots;

use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use rustix::fs::AtFlags;

use crate::container::{Pod, RuntimeDir};
use crate::error::{Code, Error, Result};

use listener::{Clients, Listener};
use slots::Slots;

/// The name that conmon-rs's clients know.
const SOCKET: &str = "conmon-fd.sock";

/// The fd socket of a server.
#[derive(Debug)]
pub struct FdSocket {
    /// Shared with the connections.
    slots: Rc<Slots>,
    /// Shared with the listener, which clears it when it ends.
    listening: Rc<Cell<bool>>,
    connections: usize,
}

impl FdSocket {
    /// Not listening yet. At most `connections` clients at once, and `slots` descriptors that no call has
    /// taken. What a killed server has left in the directory is removed.
    pub fn new(directory: &RuntimeDir, connections: usize, slots: usize) -> Self {
        let _ = rustix::fs::unlinkat(directory.as_fd(), SOCKET, AtFlags::empty());
        Self {
            slots: Rc::new(Slots::new(slots)),
            listening: Rc::default(),
            connections,
        }
    }

    /// Makes the socket unless it is there, and tells its path.
    pub fn start(&self, pod: &Pod) -> Result<PathBuf> {
        if pod.ending.is_cancelled() {
            return Err(pod.cancelled());
        }
        let path = pod.runtime_dir.path().join(SOCKET);
        if !self.listening.get() {
            let bound = Listener::bind(&pod.runtime_dir, self.listening.clone());
            let listener = bound.map_err(|error| {
                let what = format!("the fd socket {}", path.display());
                Error::from_io(Code::RuntimeDirUnusable, what, &error)
            })?;
            let clients = Clients::new(pod, self.slots.clone(), self.connections);
            pod.tasks.spawn_local(listener.serve(clients));
        }
        Ok(path)
    }

    /// Takes what is in these slots, all of it or nothing; from then on it is the caller's, no longer the
    /// connection's. A slot that is empty or named twice is an error.
    pub fn take(&self, slots: &[u64]) -> Result<Vec<OwnedFd>> {
        self.slots.take(slots)
    }
}
