//! The listening socket, and who is let in.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::AtFlags;
use rustix::net::{SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SOCKET;
use super::connection::Connection;
use super::slots::Slots;
use crate::admission::Admission;
use crate::container::{Pod, RuntimeDir};
use crate::error::Code;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 16;

/// How long to wait before accepting again when there are no descriptors left: a connection that
/// waits keeps the socket readable, so there is no event to wait for.
const AFTER_EXHAUSTION: Duration = Duration::from_millis(100);

/// The listening socket.
pub struct Listener {
    socket: AsyncFd<OwnedFd>,
    _file: SocketFile,
}

impl Listener {
    /// Listens in the pod's runtime directory; `listening` is set for as long as this lives.
    pub fn bind(directory: &RuntimeDir, listening: Rc<Cell<bool>>) -> io::Result<Self> {
        let directory = directory.as_fd().try_clone_to_owned()?;
        let socket = crate::socket::bind(directory.as_fd(), SOCKET, SocketType::SEQPACKET)?;
        listening.set(true);
        let file = SocketFile { directory, listening };
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self {
            socket: crate::readiness::register(socket, Interest::READABLE)?,
            _file: file,
        })
    }

    /// Accepts clients until the server ends. A failed accept is that client's loss alone.
    pub async fn serve(self, clients: Clients) {
        let accept = async {
            loop {
                match self.accept().await {
                    Ok(socket) => clients.admit(socket),
                    Err(error) => {
                        tracing::warn!(%error, "a connection of the fd socket could not be accepted");
                        tokio::time::sleep(AFTER_EXHAUSTION).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accept => {}
            () = clients.ending.cancelled() => {}
        }
    }

    async fn accept(&self) -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let accept = |listener: &OwnedFd| Ok(rustix::net::accept_with(listener, flags)?);
        self.socket.async_io(Interest::READABLE, accept).await
    }
}

/// The clients, and what they need of the server.
pub struct Clients {
    slots: Rc<Slots>,
    admission: Admission,
    tasks: TaskTracker,
    ending: CancellationToken,
}

impl Clients {
    /// At most `most` at once; one that has said nothing makes way for a newcomer.
    pub fn new(pod: &Pod, slots: Rc<Slots>, most: usize) -> Self {
        Self {
            slots,
            admission: Admission::new(most, 0),
            tasks: pod.tasks.clone(),
            ending: pod.ending.clone(),
        }
    }

    fn admit(&self, socket: OwnedFd) {
        if !crate::socket::is_of_this_user(&socket) {
            return;
        }
        let Some(place) = self.admission.enter() else {
            return tracing::warn!(code = %Code::Overloaded, "a connection of the fd socket is refused");
        };
        let connection = match Connection::new(socket, self.slots.clone()) {
            Ok(connection) => connection,
            Err(error) => return tracing::warn!(%error, "a connection of the fd socket is refused"),
        };
        let ending = self.ending.clone();
        self.tasks.spawn_local(async move {
            tokio::select! {
                ended = connection.serve(|| place.has_spoken()) => tracing::debug!(?ended, "a connection of the fd socket ended"),
                () = place.makes_way() => tracing::warn!(code = %Code::Overloaded, "a connection of the fd socket that has said nothing makes way for another"),
                () = ending.cancelled() => {}
            }
        });
    }
}

/// The socket's file, removed when this is dropped.
struct SocketFile {
    directory: OwnedFd,
    listening: Rc<Cell<bool>>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.listening.set(false);
        let _ = rustix::fs::unlinkat(&self.directory, SOCKET, AtFlags::empty());
    }
}
