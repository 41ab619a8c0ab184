//! One sink of a container's log: the batches between the event loop and the writer thread.

mod queue;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::error::{LogError, LogOutcome};
use super::output::Output;
use super::records::Encoder;
use super::timestamp::Timestamp;
use super::{LogTarget, Stream};
use crate::disk::{Disk, Lane};
pub use queue::BATCHES_IN_FLIGHT;
use queue::{Item, SinkQueue};

/// The event loop's side of a sink.
pub(super) struct Sink {
    /// What an error names.
    place: PathBuf,
    lane: Lane,
    disk: Disk,
    /// Borrowed between two awaits only, so that the streams' tasks can share it.
    encoder: RefCell<Encoder>,
    queue: Arc<SinkQueue>,
}

impl Sink {
    /// Opens the target on its writer thread. A file that this made is removed again when the
    /// future is dropped, and when the returned [`Undo`] is.
    pub(super) async fn open(
        disk: &Disk,
        label: Arc<str>,
        target: LogTarget,
        changed: &Arc<Notify>,
    ) -> Result<(Self, Option<Undo>), LogError> {
        let place = target.place().to_owned();
        let lane = target.lane(disk);
        let queue = SinkQueue::new(disk.hands(), &lane, changed);
        let encoder = RefCell::new(Encoder::of(&target));
        let job = {
            let queue = Arc::clone(&queue);
            move || -> Result<Option<Undo>, LogError> {
                let output = Output::open(target, label)?;
                let created = output.created();
                queue.set_output(output);
                Ok(created.then(|| Undo(Some(queue))))
            }
        };
        let opened = disk.run(&lane, job).await;
        let undo = opened.map_err(|error| LogError::from_disk(&place, &error))??;
        Ok((
            Self {
                place,
                lane,
                disk: disk.clone(),
                encoder,
                queue,
            },
            undo,
        ))
    }

    pub(super) async fn write(&self, stream: Stream, time: Timestamp, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let mut batch = self.queue.batch_with_room().await;
            let done = self.encoder.borrow_mut().encode(stream, time, rest, &mut batch);
            rest = &rest[done..];
            self.queue.put(batch, !rest.is_empty());
        }
    }

    pub(super) async fn end(&self, stream: Stream) {
        // Most streams end with a newline: no reason to map a batch.
        while self.encoder.borrow().holds(stream) {
            let mut batch = self.queue.batch_with_room().await;
            let mut encoder = self.encoder.borrow_mut();
            encoder.end(stream, Timestamp::now(), &mut batch);
            self.queue.put(batch, encoder.holds(stream));
        }
    }

    pub(super) async fn flush(&self) -> LogOutcome {
        let (done, result) = oneshot::channel();
        self.queue.push(Item::Flush(done));
        self.answer(result).await.unwrap_or_else(|error| LogOutcome {
            dropped_bytes: self.queue.dropped(),
            last_error: Some(error),
        })
    }

    pub(super) async fn reopen(&self) -> Result<(), LogError> {
        let (done, result) = oneshot::channel();
        self.queue.push(Item::Reopen(done));
        self.answer(result).await?
    }

    /// Queues the removal of a file that opening the sink made, and returns its end.
    pub(super) fn remove_if_created(&self) -> impl Future<Output = ()> + use<> {
        let queue = Arc::clone(&self.queue);
        let removed = self.disk.run(&self.lane, move || queue.remove_if_created());
        async move { removed.await.unwrap_or_default() }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    pub(super) fn outcome(&self) -> LogOutcome {
        self.queue.outcome()
    }

    pub(super) fn is_losing(&self) -> bool {
        self.queue.is_losing()
    }

    async fn answer<T>(&self, result: oneshot::Receiver<T>) -> Result<T, LogError> {
        result
            .await
            .map_err(|_| LogError::from_disk(&self.place, &crate::disk::DiskError::Panicked))
    }
}

impl Drop for Sink {
    /// The file is closed where it was written: on a network filesystem a close waits too.
    fn drop(&mut self) {
        let queue = Arc::clone(&self.queue);
        drop(self.disk.run(&self.lane, move || drop(queue)));
    }
}

/// Removes a log file that was made by a call which did not come to its end.
pub(super) struct Undo(Option<Arc<SinkQueue>>);

impl Undo {
    /// Lets the file stay.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            SinkQueue::queue_removal(queue);
        }
    }
}
