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
use std::path::PathBuf;
use std::rc::Rc;

use crate::container::{ContainerId, Pod};
use crate::error::{Code, Error, Result};
use crate::stdio::{Hub, Stdio};

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
    open: RefCell<HashMap<PathBuf, Open>>,
}

/// One that listens. Dropping it removes its file.
#[derive(Debug)]
struct Open {
    hub: Hub,
    /// As the latest call wanted it; holds for clients that connect after it.
    stop_after_stdin_eof: Rc<Cell<bool>>,
    listener: Rc<Listener>,
}

/// Listens at the path of `request` until the output of the container (or exec) has ended. Asking again
/// for the same is no error.
pub fn attach(pod: &Rc<Pod>, request: AttachRequest) -> Result<()> {
    let container = pod.containers.get(&request.id)?;
    let stdio = container.stdio(request.exec_session.as_deref())?;
    let mut open = pod.attach.open.borrow_mut();
    if let Some(there) = open.get(&request.path).filter(|there| there.listener.is_there()) {
        if there.hub.is(&stdio.hub) {
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
    let listener = Rc::new(Listener::bind(request.path.clone())?);
    let stop_after_stdin_eof = Rc::new(Cell::new(request.stop_after_stdin_eof));
    let accepting = accept(
        pod.clone(),
        listener.clone(),
        stdio.clone(),
        stop_after_stdin_eof.clone(),
    );
    pod.tasks.spawn_local(accepting);
    let there = Open {
        hub: stdio.hub,
        stop_after_stdin_eof,
        listener,
    };
    open.insert(request.path, there);
    Ok(())
}

impl AttachSockets {
    /// Removes the sockets of streams that have ended. Clients that are connected get the rest of the output.
    pub fn end(&self, hub: &Hub) {
        self.open.borrow_mut().retain(|_, there| {
            let ended = there.hub.is(hub);
            if ended {
                there.listener.remove();
            }
            !ended
        });
    }
}

/// Serves clients until the streams have ended; those that the kernel has accepted by then are served too.
async fn accept(pod: Rc<Pod>, listener: Rc<Listener>, stdio: Stdio, stop: Rc<Cell<bool>>) {
    let serve = |socket| {
        let client = client::serve(pod.clone(), socket, stdio.clone(), stop.get());
        pod.tasks.spawn_local(Box::pin(client));
    };
    loop {
        tokio::select! {
            biased;
            socket = listener.accept() => serve(socket),
            () = stdio.hub.ended() => break,
        }
    }
    listener.remove();
    while let Some(socket) = listener.accept_now() {
        serve(socket);
    }
}
