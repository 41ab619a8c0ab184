//! What a writer thread does from start to end.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::super::device::device_of;
use super::super::lane::{Lane, Place};
use super::Hands;
use super::board::Board;

/// Address space for a thread's stack; only touched pages are memory.
const STACK_BYTES: usize = 128 * 1024;

/// How long a thread waits before it frees the spare buffers: longer than the pauses of a busy log.
const BUFFERS_IDLE: Duration = Duration::from_millis(200);

impl Hands {
    /// Starts one thread; the caller counts it. Nobody joins it: it ends when idle or closed, and a
    /// write that the kernel holds must not hold the server's end.
    pub(super) fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let hands = Arc::clone(self);
        Builder::new()
            .name("podherd-disk".into())
            .stack_size(STACK_BYTES)
            .spawn(move || hands.work())?;
        Ok(())
    }

    fn work(self: Arc<Self>) {
        let mut board = self.board();
        board.coming -= 1;
        loop {
            let began = Instant::now();
            if let Some((place, lane)) = board.take(began) {
                // What can't be attended to now, for want of a thread, is the watchdog's.
                let _ = self.attend(&mut board);
                drop(board);
                let more = do_one(&lane, place);
                board = self.board();
                board.came_back(place, began);
                let mut state = lane.state();
                state.taken = more || !state.jobs.is_empty();
                let (again, place) = (state.taken, state.place);
                drop(state);
                if again {
                    board.ready(place, lane);
                }
                continue;
            }
            board = match self.wait_for_call(board) {
                Some(called) => called,
                None => return,
            };
        }
    }

    /// Waits until called. `None` is the end of the thread, which is counted out by then.
    fn wait_for_call<'a>(&'a self, mut board: MutexGuard<'a, Board>) -> Option<MutexGuard<'a, Board>> {
        board.idle += 1;
        let since = Instant::now();
        let mut freed = false;
        loop {
            if board.calls > 0 {
                board.calls -= 1;
                board.coming -= 1;
                return Some(board);
            }
            let waited = since.elapsed();
            if board.closed || waited >= self.thread_idle {
                board.idle -= 1;
                board.threads -= 1;
                drop(board);
                self.buffers.free();
                return None;
            }
            if !freed && waited >= BUFFERS_IDLE {
                freed = true;
                self.buffers.free();
            }
            let limit = if freed { self.thread_idle } else { BUFFERS_IDLE };
            let wait = self.call.wait_timeout(board, limit.saturating_sub(waited));
            board = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Does the lane's next job, or finds its device first. Says whether the job is still to be done.
fn do_one(lane: &Lane, place: Place) -> bool {
    if place == Place::Unknown {
        let found = device_of(lane.path());
        lane.state().place = Place::Device(found);
        return true;
    }
    let job = lane.state().jobs.pop_front();
    if let Some(job) = job {
        // The job's own drop of its result channel tells its caller; the thread must go on.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
    false
}
