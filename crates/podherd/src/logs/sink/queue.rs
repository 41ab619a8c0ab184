//! What waits to be written, and the writer thread's side of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::super::error::{LogError, LogOutcome};
use super::super::output::Output;
use crate::disk::{BATCH_BYTES, Hands, Lane, STALL};

/// Batches of one sink that are queued or being written, at most; [`BATCH_BYTES`] each, unless a single
/// record is longer. Past it, [`ContainerLog::write`](super::super::ContainerLog::write) waits. Enough for the event
/// loop to fill one while another is written; more would only be memory.
pub const BATCHES_IN_FLIGHT: usize = 4;

/// One thing for the writer thread to do, in the order in which it was asked for.
pub(super) enum Item {
    Batch(Batch),
    Reopen(oneshot::Sender<Result<(), LogError>>),
    Flush(oneshot::Sender<LogOutcome>),
}

/// Whole records.
pub(super) struct Batch {
    records: Vec<u8>,
    /// The next record has no room in it.
    full: bool,
}

/// Shared by the event loop's side of a sink and the jobs of its lane.
pub(super) struct SinkQueue {
    hands: Arc<Hands>,
    lane: Lane,
    /// Locked for moments only, by both sides.
    waiting: Mutex<Waiting>,
    /// Locked by jobs of the lane only, as long as the disk takes; never by the event loop.
    output: Mutex<Option<Output>>,
    /// A copy of the output's count, for whoever must not wait for the disk.
    dropped: AtomicU64,
    /// Its state, when it has ever lost something.
    losses: Mutex<Losses>,
    /// Told when that changes; shared by the sinks of a log.
    changed: Arc<Notify>,
    /// Told when a batch has been written.
    room: Notify,
}

#[derive(Default)]
struct Losses {
    outcome: LogOutcome,
    going_on: bool,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// A batch is in the writer thread's hands.
    writing: bool,
    /// A job of the lane will come for the items.
    scheduled: bool,
}

impl SinkQueue {
    pub(super) fn new(hands: &Arc<Hands>, lane: &Lane, changed: &Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            hands: Arc::clone(hands),
            lane: lane.clone(),
            waiting: Mutex::default(),
            output: Mutex::default(),
            dropped: AtomicU64::new(0),
            losses: Mutex::default(),
            changed: Arc::clone(changed),
            room: Notify::new(),
        })
    }

    pub(super) fn set_output(&self, output: Output) {
        *self.output() = Some(output);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn outcome(&self) -> LogOutcome {
        self.losses().outcome.clone()
    }

    pub(super) fn is_losing(&self) -> bool {
        self.losses().going_on
    }

    pub(super) fn remove_if_created(&self) {
        if let Some(output) = &mut *self.output() {
            output.remove_if_created();
        }
    }

    /// Queues the removal from any thread, before an opening of the same path that waits already. With no
    /// thread to be had the file stays.
    pub(super) fn queue_removal(queue: Arc<Self>) {
        let (hands, lane) = (Arc::clone(&queue.hands), queue.lane.clone());
        let _ = hands.queue_first(&lane, Box::new(move || queue.remove_if_created()));
    }

    /// The batch to append to: the last one that waits unless it is full, or an empty one; waits while
    /// [`BATCHES_IN_FLIGHT`] are full. The caller puts it back before it awaits anything.
    pub(super) async fn batch_with_room(&self) -> Vec<u8> {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Before the look at the queue, so that a batch written just after it is not missed.
            room.as_mut().enable();
            if let Some(batch) = self.open_batch() {
                return batch;
            }
            room.await;
        }
    }

    /// Queues what [`Self::batch_with_room`] gave; `full`: the next record had no room in it.
    pub(super) fn put(self: &Arc<Self>, records: Vec<u8>, full: bool) {
        if !records.is_empty() {
            self.push(Item::Batch(Batch { records, full }));
        }
    }

    pub(super) fn push(self: &Arc<Self>, item: Item) {
        let mut waiting = self.waiting();
        waiting.items.push_back(item);
        if !waiting.scheduled {
            waiting.scheduled = true;
            drop(waiting);
            self.schedule();
        }
    }

    fn open_batch(&self) -> Option<Vec<u8>> {
        let mut waiting = self.waiting();
        if let Some(Item::Batch(batch)) = waiting.items.back_mut()
            && !batch.full
        {
            let records = std::mem::take(&mut batch.records);
            waiting.items.pop_back();
            return Some(records);
        }
        let queued = waiting
            .items
            .iter()
            .filter(|item| matches!(item, Item::Batch(_)))
            .count();
        (queued + usize::from(waiting.writing) < BATCHES_IN_FLIGHT).then(|| self.hands.buffers().take())
    }

    /// Has the lane come for the items. Without a thread it is tried again until there is one: what was
    /// accepted is not given up.
    fn schedule(self: &Arc<Self>) {
        let job = Arc::clone(self);
        if self
            .hands
            .queue(&self.lane, Box::new(move || job.do_next()))
            .is_err()
        {
            let again = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(STALL).await;
                again.schedule();
            });
        }
    }

    /// One item; then the lane is queued again, behind the other lanes of the device.
    fn do_next(self: Arc<Self>) {
        let mut waiting = self.waiting();
        let Some(item) = waiting.items.pop_front() else {
            waiting.scheduled = false;
            return;
        };
        waiting.writing = matches!(item, Item::Batch(_));
        drop(waiting);
        let turn = Turn(&self);
        let mut output = self.output();
        // Set before the first item: items come after the opening, on the same lane.
        let Some(output) = &mut *output else { return };
        match item {
            Item::Batch(Batch { records, .. }) => {
                output.append(&records);
                // One that has grown for a long record is not kept.
                if records.capacity() <= BATCH_BYTES {
                    self.hands.buffers().give(records);
                }
            }
            Item::Reopen(done) => drop(done.send(output.reopen())),
            Item::Flush(done) => {
                output.settle();
                drop(done.send(output.outcome()));
            }
        }
        self.tell_of_losses(output);
        drop(turn);
    }

    /// Lets the event loop know when something was lost, and when writing works again.
    fn tell_of_losses(&self, output: &Output) {
        let (dropped, going_on) = (output.dropped(), output.is_losing());
        let before = self.dropped.swap(dropped, Ordering::Relaxed);
        if dropped == 0 {
            return;
        }
        let mut losses = self.losses();
        if dropped != before || going_on != losses.going_on {
            *losses = Losses {
                outcome: output.outcome(),
                going_on,
            };
            drop(losses);
            self.changed.notify_one();
        }
    }

    fn losses(&self) -> MutexGuard<'_, Losses> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn output(&self) -> MutexGuard<'_, Option<Output>> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of one item's turn, also when it panicked: the next items still have their turn.
struct Turn<'a>(&'a Arc<SinkQueue>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.writing = false;
        waiting.scheduled = !waiting.items.is_empty();
        let again = waiting.scheduled;
        if waiting.items.is_empty() {
            waiting.items = VecDeque::new();
        }
        drop(waiting);
        self.0.room.notify_waiters();
        if again {
            self.0.schedule();
        }
    }
}
