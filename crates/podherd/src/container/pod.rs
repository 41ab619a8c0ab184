//! What all containers of a server share.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use podherd_reaper::Reaper;
use rustix::fs::{Mode, OFlags};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Store;
use crate::attach::AttachSockets;
use crate::cgroup::{Hierarchies, OomEvents};
use crate::cli::Limits;
use crate::disk::Disk;
use crate::error::{Code, Error, Result};
use crate::events::Events;
use crate::fd_socket::FdSocket;
use crate::journal::Journal;
use crate::namespaces::Namespaces;
use crate::runtime::Runtime;
use crate::sessions::Sessions;
use crate::stdio::{Budget, BufferPool};
use crate::streaming::Streaming;

/// One pod: the shared context of everything that callers ask for.
pub struct Pod {
    /// Owns every process.
    pub reaper: Reaper,
    /// The OCI runtime.
    pub runtime: Runtime,
    /// Where sockets, pid files and the journal are.
    pub runtime_dir: RuntimeDir,
    /// The bounds that the server was started with.
    pub limits: Limits,
    /// Writer threads.
    pub disk: Disk,
    /// The record on disk.
    pub journal: Journal,
    /// Mounted cgroup hierarchies.
    pub hierarchies: Hierarchies,
    /// Events of OOM kills in them.
    pub oom_events: OomEvents,
    /// The containers.
    pub containers: Store,
    /// What has happened to them.
    pub events: Events,
    /// The pod's namespaces.
    pub namespaces: Namespaces,
    /// Buffers for reading output.
    pub buffers: BufferPool,
    /// Memory for the output of execs.
    pub exec_output: Budget,
    /// The attach sockets that listen.
    pub attach: AttachSockets,
    /// Descriptors that callers have sent ahead.
    pub fd_socket: FdSocket,
    /// How many sessions there are.
    pub sessions: Sessions,
    /// The streaming server, which listens while it is needed.
    pub streaming: Streaming,
    /// Everything that must have ended before the server may: calls being undone, containers
    /// being watched.
    pub tasks: TaskTracker,
    /// Cancelled when the server ends: calls in flight are undone, new ones refused.
    pub ending: CancellationToken,
    /// Told when a caller wants the server to end.
    pub asked_to_end: Notify,
    /// When the server began to listen.
    pub started_at: SystemTime,
    /// Told of each call and of each container's end; the server waits on it to find itself quiet.
    pub asked: Notify,
    /// Numbers the files and cgroups that the server makes.
    pub next_name: Cell<u64>,
    /// Numbers the execs.
    pub next_exec: Cell<u64>,
    /// How many connections are open.
    pub connections: Rc<Cell<usize>>,
}

impl Pod {
    /// Runs what a caller asked for in a task of its own. When the caller vanishes (its future is
    /// dropped) or the server ends, `work` sees its token cancelled and undoes what it has made; it is
    /// never dropped half-way. A panic ends this call alone.
    pub async fn call<T, F>(self: &Rc<Self>, work: impl FnOnce(CancellationToken) -> F) -> Result<T>
    where
        T: 'static,
        F: Future<Output = Result<T>> + 'static,
    {
        self.asked.notify_one();
        if self.ending.is_cancelled() {
            return Err(self.cancelled());
        }
        let token = self.ending.child_token();
        let _cancelled_with_the_caller = token.clone().drop_guard();
        // Boxed at once: a large future that is moved from frame to frame is what deepens the stack.
        let work = Box::pin(work(token));
        self.tasks.spawn_local(work).await.unwrap_or_else(|error| {
            tracing::error!(code = %Code::Internal, %error, "a call panicked");
            Err(Error::new(
                Code::Internal,
                "a fault of the server ended this call; its log has more",
            ))
        })
    }

    /// Runs the steps of a call until they end, the caller has gone, the server ends, or they panic.
    pub async fn guard<T>(
        &self,
        cancelled: &CancellationToken,
        steps: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            result = AssertUnwindSafe(steps).catch_unwind() => result.unwrap_or_else(|_| {
                tracing::error!(code = %Code::Internal, "a step of a call panicked; the call is undone");
                Err(Error::new(Code::Internal, "a fault of the server ended this call; its log has more"))
            }),
            () = cancelled.cancelled() => Err(self.cancelled()),
        }
    }

    /// The error of a call whose token was cancelled.
    pub fn cancelled(&self) -> Error {
        if self.ending.is_cancelled() {
            Error::new(Code::ShuttingDown, "the server is ending")
        } else {
            Error::new(Code::Cancelled, "the caller has gone; the call was undone")
        }
    }

    /// The time that a client has for the last of its output: `most`, and only the drain limit once the server
    /// ends.
    pub async fn patience(&self, most: Duration) {
        let ending = async {
            self.ending.cancelled().await;
            tokio::time::sleep(self.limits.drain_timeout).await;
        };
        tokio::select! {
            () = tokio::time::sleep(most) => {}
            () = ending => {}
        }
    }

    /// The number of a new exec, from 1.
    pub fn exec_id(&self) -> u64 {
        self.next_exec.replace(self.next_exec.get() + 1)
    }

    /// A number that names one file or cgroup of this server.
    pub fn unique(&self) -> u64 {
        let number = self.next_name.get();
        self.next_name.set(number + 1);
        number
    }
}

/// The server's runtime directory, held open.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
    descriptor: OwnedFd,
}

impl RuntimeDir {
    /// Opens the directory, which must exist.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let descriptor = rustix::fs::open(&path, flags, Mode::empty())?;
        Ok(Self { path, descriptor })
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for RuntimeDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
