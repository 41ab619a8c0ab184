//! Attach sockets: the streams of a container or exec over a SEQPACKET socket, as clients of conmon-rs
//! expect it.
//!
//! - [`AttachSockets`] knows them by their path; `listener` is one of them, from its file to its removal.
//! - `client` is one connection: output out, input in, each at its own pace.
//! - `packet` is what goes over it; `seqpacket` the socket itself.
//!
//! A client that doesn't take its output slows itself alone: past `--attach-behind-bytes` it is disconnected,
//! without the packet that says "done".

mod client;
mod listener;
mod packet;
mod seqpacket;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use tokio_util::sync::CancellationToken;

use crate::container::{ContainerId, Pod};
use crate::error::{Code, Error, Result};
use crate::stdio::{Door, Hub, Pace, Stdio};

use listener::Listener;

/// What a caller asks for.
#[derive(Debug)]
pub struct AttachRequest {
    /// The container.
    pub id: ContainerId,
    /// Where to listen; absolute.
    pub path: PathBuf,
    /// An exec's session in place of the container's own streams.
    pub exec_session: Option<String>,
    /// The end of a client's input is the end of the process's input, and of the client's session.
    pub stop_after_stdin_eof: bool,
}

/// The attach sockets of a server, by their paths.
#[derive(Debug, Default)]
pub struct AttachSockets {
    open: RefCell<HashMap<PathBuf, Rc<Entrance>>>,
}

/// The entrance to one container's or exec's streams.
#[derive(Debug)]
struct Entrance {
    /// Not owned: the streams that know this entrance are the pod's.
    pod: Weak<Pod>,
    listener: Listener,
    /// Whose streams they are.
    container: ContainerId,
    exec_session: Option<String>,
    /// As the latest call wanted it; holds for clients that connect after it.
    stop_after_stdin_eof: Cell<bool>,
    stdio: Stdio,
    /// Cancelled when its file has gone before the streams have ended.
    closed: CancellationToken,
}

/// Listens at the path of `request` until the output of the container (or exec) has ended. Asking again
/// for the same is no error.
pub fn attach(pod: &Rc<Pod>, request: AttachRequest) -> Result<()> {
    let container = pod.containers.get(&request.id)?;
    let stdio = container.stdio(request.exec_session.as_deref())?;
    let mut open = pod.attach.open.borrow_mut();
    let there = open.get(&request.path);
    // Clients of conmon-rs remove the file after their last connection; nobody can come there any more.
    if let Some(there) = there.filter(|there| !there.listener.is_there()) {
        there.admit();
        there.closed.cancel();
    }
    if let Some(there) = there.filter(|there| there.is_open()) {
        if there.stdio.hub.is(&stdio.hub) {
            there.stop_after_stdin_eof.set(request.stop_after_stdin_eof);
            return Ok(());
        }
        return Err(Error::new(
            Code::AttachSocketUnusable,
            format!(
                "attach socket {}: it serves another container or exec",
                request.path.display()
            ),
        ));
    }
    let entrance = Rc::new(Entrance {
        pod: Rc::downgrade(pod),
        listener: Listener::bind(request.path.clone())?,
        container: request.id,
        exec_session: request.exec_session,
        stop_after_stdin_eof: Cell::new(request.stop_after_stdin_eof),
        stdio: stdio.clone(),
        closed: CancellationToken::new(),
    });
    stdio.hub.add_door(entrance.clone());
    pod.tasks.spawn_local(entrance.clone().serve());
    open.insert(request.path, entrance);
    Ok(())
}

impl AttachSockets {
    /// Removes all of them, for a server that has to leave.
    pub fn remove_all(&self) {
        self.open
            .take()
            .into_values()
            .for_each(|there| there.listener.remove());
    }

    /// Removes the sockets of streams that have ended. Clients that are connected get the rest of the output.
    pub fn end(&self, hub: &Hub) {
        self.open.borrow_mut().retain(|_, there| {
            let ended = there.stdio.hub.is(hub);
            if ended {
                there.listener.remove();
            }
            !ended
        });
    }
}

impl Entrance {
    /// Lets clients in until the streams have ended.
    async fn serve(self: Rc<Self>) {
        loop {
            tokio::select! {
                biased;
                socket = self.listener.accept() => self.let_in(socket),
                () = self.stdio.hub.ended() => break,
                () = self.closed.cancelled() => return,
            }
        }
        self.listener.remove();
        // They connected in the moment in which the output ended: they are told so.
        self.admit();
    }

    fn let_in(&self, socket: OwnedFd) {
        let Some(pod) = self.pod.upgrade() else { return };
        let session = self.stdio.attach(Pace::Free);
        let attached = || {
            let client = pod.unique();
            pod.events
                .attached(&self.container, client, self.exec_session.clone())
        };
        let part = session.map(|session| (session, attached()));
        let client = client::serve(pod.clone(), socket, part, self.stop_after_stdin_eof.get());
        pod.tasks.spawn_local(Box::pin(client));
    }
}

impl Door for Entrance {
    fn admit(&self) {
        while let Some(socket) = self.listener.accept_now() {
            self.let_in(socket);
        }
    }

    fn is_open(&self) -> bool {
        !self.closed.is_cancelled()
    }
}
