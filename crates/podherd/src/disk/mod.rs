//! Everything that may wait for a disk, off the event loop's thread.
//!
//! - [`Disk`] is the way in: [`Disk::run`] hands a job to a writer thread.
//! - [`Lane`] keeps the jobs of one log, one container, one journal in their order.
//! - `hands` decides which thread does what: one thread at a time for each device, a further one
//!   when a job has not come back for [`STALL`], and an end for every thread with nothing to do.
//! - `device` finds the device of a path; since that too may wait for the disk, it is a thread's work.
//! - `buffers` are the batch buffers that busy logs share; the threads free them when it is quiet.
//!
//! A job travels: `run` queues it on its lane → the lane becomes ready on its device → a thread takes
//! the lane, does its first job, puts the lane back at the end of the device's queue if it has more.

mod buffers;
mod device;
mod hands;
mod lane;
#[cfg(test)]
pub(crate) mod scratch;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use buffers::BATCH_BYTES;
pub(crate) use hands::Hands;
pub use lane::Lane;
use lane::Lanes;

/// How long a job may take before another thread goes on with the other lanes of its device.
pub const STALL: Duration = Duration::from_millis(100);

/// How long a thread waits for the next job before it ends.
pub const THREAD_IDLE: Duration = Duration::from_secs(10);

/// Threads that can be at work on one device at once: more would only wait for the same disk.
pub const THREADS_PER_DEVICE: usize = 4;

/// Threads that can be finding the device of a path at once. More than for one device, since it is not
/// known yet whether they wait for the same one.
pub const THREADS_LOOKING: usize = 16;

/// Threads altogether. Second threads for a stalled device are begun only up to half of it, so that
/// stalled devices leave a first thread for those that work.
pub const THREADS: usize = 64;

/// The writer threads of a server. Clones are the same threads.
///
/// The last clone's drop lets the threads finish what is queued and end.
#[derive(Clone)]
pub struct Disk {
    lanes: Rc<Lanes>,
    guard: Rc<EndThreads>,
}

/// Tells the threads to end when no [`Disk`] is left to give them work.
struct EndThreads(Arc<Hands>);

impl Drop for EndThreads {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Why a job has no result.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is no writer thread and none can be started (`EAGAIN`: a limit on threads). The job has
    /// not run and will not.
    #[error("no writer thread can be started: {0}")]
    NoThread(#[source] io::Error),
    /// The job panicked; its thread and its lane go on.
    #[error("a disk job ended in a panic")]
    Panicked,
}

impl Disk {
    /// A set of writer threads; none is started before the first job.
    pub fn new() -> Self {
        Self::with_thread_idle(THREAD_IDLE)
    }

    fn with_thread_idle(thread_idle: Duration) -> Self {
        let hands = Arc::new(Hands::new(thread_idle));
        let lanes = Rc::default();
        Self {
            lanes,
            guard: Rc::new(EndThreads(hands)),
        }
    }

    /// An order-keeping sequence of jobs on files at or under `path`. Touches no disk.
    ///
    /// The device is found when the first job runs, and stays: a filesystem that is mounted over the
    /// path later changes which thread writes, never what is written.
    pub fn lane(&self, path: &Path) -> Lane {
        self.lanes.get(path)
    }

    /// A new sequence of jobs that wait for journald, on threads of their own: one that hangs holds no disk.
    pub fn journald_lane(&self) -> Lane {
        Lane::of_journald()
    }

    /// Runs `job` on a writer thread of the lane's device, after the earlier jobs of the same lane.
    ///
    /// The job is queued by the call itself, not by the first poll, and runs to its end even when the
    /// returned future is dropped; its result is then dropped on the writer thread.
    pub fn run<T, F>(&self, lane: &Lane, job: F) -> impl Future<Output = Result<T, DiskError>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let queued = self.guard.0.queue(lane, Box::new(move || drop(done.send(job()))));
        async move {
            queued.map_err(DiskError::NoThread)?;
            result.await.map_err(|_| DiskError::Panicked)
        }
    }

    /// Writer threads that exist now, stalled ones included.
    pub fn threads(&self) -> usize {
        self.guard.0.threads()
    }

    /// The part that threads and background tasks may hold: queues jobs without keeping the threads
    /// from ending with the server.
    pub(crate) fn hands(&self) -> &Arc<Hands> {
        &self.guard.0
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}
