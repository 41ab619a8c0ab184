//! Who does which job: the threads, and the queue of ready lanes of each device.

mod board;
mod thread;
mod watchdog;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::buffers::Buffers;
use super::lane::{Job, Lane};
use board::Board;

/// The threads and their work. Held by [`Disk`](super::Disk), by each thread, and by log sinks.
pub(crate) struct Hands {
    board: Mutex<Board>,
    /// Where threads without work wait; one notification for each call counted on the board.
    call: Condvar,
    buffers: Buffers,
    /// How long a thread waits for the next job before it ends.
    thread_idle: Duration,
    /// The event loop, which looks after stalled jobs; unset while no job came from a runtime.
    event_loop: OnceLock<Handle>,
}

impl Hands {
    pub(super) fn new(thread_idle: Duration) -> Self {
        Self {
            board: Mutex::new(Board::default()),
            call: Condvar::new(),
            buffers: Buffers::default(),
            thread_idle,
            event_loop: OnceLock::new(),
        }
    }

    /// Queues a job on its lane, from any thread. An error means that the job was dropped: no thread
    /// is there, and none can be started.
    pub(crate) fn queue(self: &Arc<Self>, lane: &Lane, job: Job) -> io::Result<()> {
        self.queue_with(lane, |jobs| jobs.push_back(job))
    }

    /// Like [`Self::queue`], before the jobs of the lane that wait already: to undo what an earlier job
    /// did before a later one finds it.
    pub(crate) fn queue_first(self: &Arc<Self>, lane: &Lane, job: Job) -> io::Result<()> {
        self.queue_with(lane, |jobs| jobs.push_front(job))
    }

    /// The spare batch buffers.
    pub(crate) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    pub(crate) fn threads(&self) -> usize {
        self.board().threads
    }

    pub(super) fn close(&self) {
        self.board().closed = true;
        self.call.notify_all();
    }

    fn queue_with(self: &Arc<Self>, lane: &Lane, push: impl FnOnce(&mut VecDeque<Job>)) -> io::Result<()> {
        if self.event_loop.get().is_none()
            && let Ok(here) = Handle::try_current()
        {
            self.event_loop.get_or_init(|| here);
        }
        let mut board = self.board();
        let mut state = lane.state();
        push(&mut state.jobs);
        if state.taken {
            return Ok(());
        }
        state.taken = true;
        let place = state.place;
        drop(state);
        board.ready(place, lane.clone());
        let Err(error) = self.attend(&mut board) else {
            return Ok(());
        };
        if board.threads > 0 {
            return Ok(());
        }
        let dropped = board.clear();
        drop(board);
        drop(dropped);
        Err(error)
    }

    /// Sees to it that somebody comes for every lane that can be taken now, and that the watchdog
    /// looks after those that wait behind a job. An error means that a thread could not be started.
    fn attend(self: &Arc<Self>, board: &mut Board) -> io::Result<()> {
        let now = Instant::now();
        let mut outcome = Ok(());
        while board.coming < board.takeable(now) {
            if board.call_one() {
                self.call.notify_one();
                continue;
            }
            if !board.may_start(now) {
                break;
            }
            outcome = self.start_thread();
            if outcome.is_err() {
                break;
            }
            board.threads += 1;
            board.coming += 1;
        }
        if board.coming < board.waiting() {
            self.watch(board);
        }
        outcome
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
