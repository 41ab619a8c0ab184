//! The server's socket, and the connections on it.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use capnp_rpc::RpcSystem;
use rustix::fs::AtFlags;
use rustix::net::SocketType;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::transport::{Bounds, Transport};
use crate::admission::{Admission, Place};
use crate::container::Pod;
use crate::error::{Code, Error, Result};
use crate::rpc::{Service, answers_are_sent};

/// The name that conmon-rs's clients dial.
const SOCKET: &str = "conmon.sock";

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// How long to wait before accepting again when there are no descriptors left: a connection that
/// waits keeps the socket readable, so there is no event to wait for.
const AFTER_EXHAUSTION: Duration = Duration::from_millis(100);

/// The listening socket and all that came from it. The socket's file goes when this is dropped.
pub struct Connections {
    pod: Rc<Pod>,
    listener: UnixListener,
    admission: Admission,
    open: Rc<Cell<usize>>,
    /// Told when one ended.
    changed: Rc<Notify>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Connections {
    /// Listens in the pod's runtime directory. A socket that is there belongs to a dead server,
    /// since the directory's lock is ours.
    pub fn listen(pod: Rc<Pod>, changed: Rc<Notify>) -> Result<Self> {
        let listener = bind(pod.runtime_dir.as_fd()).map_err(|error| {
            let what = format!("the socket {}", pod.runtime_dir.path().join(SOCKET).display());
            Error::from_io(Code::RuntimeDirUnusable, what, &error)
        })?;
        let open = pod.connections.clone();
        let admission = Admission::new(pod.limits.connections, pod.limits.connections_kept);
        Ok(Self {
            pod,
            listener,
            admission,
            open,
            changed,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    /// Accepts connections. Never ends: a failed accept is that connection's loss alone.
    pub async fn accept(&self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AFTER_EXHAUSTION).await;
                }
            }
        }
    }

    fn admit(&self, stream: UnixStream) {
        if !crate::socket::is_of_this_user(&stream) {
            return;
        }
        let Some(place) = self.admission.enter() else {
            return tracing::warn!(code = %Code::Overloaded, open = self.open.get(), "a connection is refused");
        };
        let counted = Counted::new(&self.open, &self.changed);
        let (pod, closing) = (self.pod.clone(), self.closing.clone());
        self.tasks.spawn_local(async move {
            // Until it says something, a connection costs little more than its socket.
            if begins(&stream, &place, &closing).await {
                Box::pin(serve(stream, place, pod, closing)).await;
            }
            drop(counted);
        });
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.get()
    }

    /// Stops listening, and removes the socket.
    pub fn stop_listening(&self) {
        let _ = rustix::fs::unlinkat(self.pod.runtime_dir.as_fd(), SOCKET, AtFlags::empty());
    }

    /// Closes all connections, after what was to be sent was sent.
    pub async fn close(self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

fn bind(directory: std::os::fd::BorrowedFd<'_>) -> io::Result<UnixListener> {
    let _ = rustix::fs::unlinkat(directory, SOCKET, AtFlags::empty());
    let socket: OwnedFd = crate::socket::bind(directory, SOCKET, SocketType::STREAM)?;
    rustix::net::listen(&socket, BACKLOG)?;
    UnixListener::from_std(socket.into())
}

/// Waits for the first byte; false if the connection is to be closed before.
async fn begins(stream: &UnixStream, place: &Place, closing: &CancellationToken) -> bool {
    tokio::select! {
        readable = stream.readable() => readable.is_ok(),
        () = made_way(place) => false,
        () = closing.cancelled() => false,
    }
}

async fn made_way(place: &Place) {
    place.makes_way().await;
    tracing::warn!(code = %Code::Overloaded, "a connection that has said nothing makes way for another");
}

async fn serve(stream: UnixStream, place: Place, pod: Rc<Pod>, closing: CancellationToken) {
    let place = Rc::new(place);
    let speaking = Rc::downgrade(&place);
    let heard = move || {
        if let Some(place) = speaking.upgrade() {
            place.has_spoken();
        }
    };
    let network = Transport::new(stream, bounds(&pod), heard);
    let failed = network.failed();
    let service = Service::bootstrap(pod, network.outbox());
    let mut rpc = RpcSystem::new(Box::new(network), Some(service));
    // Dropping the system would leave its calls running; the disconnector ends them.
    let disconnector = rpc.get_disconnector();
    tokio::select! {
        ended = &mut rpc => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            return;
        }
        () = failed.notified() => {}
        () = made_way(&place) => {}
        () = closing.cancelled() => {
            // A caller that has asked for the end, or was ended by it, gets its answer before the connection goes.
            tokio::select! {
                _ = &mut rpc => return,
                () = answers_are_sent() => {}
            }
        }
    }
    let closed = async { tokio::join!(disconnector, rpc) };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
}

/// How long a client may take to read its last answers.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

fn bounds(pod: &Pod) -> Bounds {
    let limits = &pod.limits;
    Bounds {
        message_bytes: limits.message_bytes,
        message_timeout: limits.message_timeout,
        unread_bytes: limits.unread_bytes,
        unread_timeout: limits.unread_timeout,
        // Those in flight, and as many whose answers are on their way.
        open_questions: limits.calls_per_connection.saturating_mul(2),
    }
}

/// Counts an open connection for as long as it lives.
struct Counted {
    open: Rc<Cell<usize>>,
    changed: Rc<Notify>,
}

impl Counted {
    fn new(open: &Rc<Cell<usize>>, changed: &Rc<Notify>) -> Self {
        open.set(open.get() + 1);
        changed.notify_one();
        Self {
            open: open.clone(),
            changed: changed.clone(),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
        self.changed.notify_one();
    }
}
