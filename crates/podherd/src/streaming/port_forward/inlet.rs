//! What the client has sent for one connection and the connection has not taken yet.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

/// Bytes that wait for one connection before nothing more is read from the client, for any of them: its
/// messages can't be read out of their order.
const BOUND: usize = 256 << 10;

/// How long a connection that has ended its output may take nothing, when there is more for it than the bound.
/// Without it, one that will never take any more would stop all others of its session.
const STALLED: Duration = Duration::from_secs(10);

/// How long a connection may take nothing of what a client had sent before it went.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// A queue with one who fills it (the session) and one who empties it (the connection's task).
#[derive(Debug, Default)]
pub struct Inlet {
    queue: RefCell<VecDeque<Bytes>>,
    bytes: Cell<usize>,
    /// The client sends nothing more.
    finished: Cell<bool>,
    /// The connection takes nothing more, or has all.
    closed: Cell<bool>,
    /// The connection is to end, whatever is in the queue.
    aborted: Cell<bool>,
    output_ended: Cell<bool>,
    /// Told when there is something to take, or the queue was finished or aborted.
    filled: Notify,
    /// Told when something was taken, or the other states have changed.
    taken: Notify,
}

impl Inlet {
    /// Adds what the client has sent. To be followed by [`Inlet::room`].
    pub fn push(&self, bytes: Bytes) {
        if !(bytes.is_empty() || self.finished.get() || self.closed.get() || self.aborted.get()) {
            self.bytes.set(self.bytes.get() + bytes.len());
            self.queue.borrow_mut().push_back(bytes);
            self.filled.notify_one();
        }
    }

    /// The client sends nothing more: the connection gets the end of its input after what is in the queue.
    pub fn finish(&self) {
        self.finished.set(true);
        self.filled.notify_one();
    }

    /// The connection is to end at once.
    pub fn abort(&self) {
        self.aborted.set(true);
        self.queue.take();
        self.bytes.set(0);
        self.filled.notify_one();
        self.taken.notify_waiters();
    }

    /// Waits until there is room for more.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            if self.bytes.get() < BOUND || self.closed.get() || self.aborted.get() {
                return;
            }
            if !self.output_ended.get() {
                taken.await;
            } else if tokio::time::timeout(STALLED, taken).await.is_err() {
                return self.abort();
            }
        }
    }

    /// The client has gone: waits until the connection has what it had sent before, or takes no more of it.
    pub async fn drained(&self) {
        self.finish();
        loop {
            let taken = self.taken.notified();
            let done = self.closed.get() || self.aborted.get();
            if done || tokio::time::timeout(LAST_PATIENCE, taken).await.is_err() {
                return;
            }
        }
    }

    /// The next piece for the connection. None: there is nothing more.
    pub async fn next(&self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.queue.borrow_mut().pop_front() {
                self.bytes.set(self.bytes.get() - bytes.len());
                self.taken.notify_waiters();
                return Some(bytes);
            }
            if self.finished.get() || self.aborted.get() {
                return None;
            }
            self.filled.notified().await;
        }
    }

    /// Waits until the connection is to end at once.
    pub async fn aborted(&self) {
        loop {
            let taken = self.taken.notified();
            if self.aborted.get() {
                return;
            }
            taken.await;
        }
    }

    /// The connection has all, or takes nothing more: what still comes for it is dropped.
    pub fn close(&self) {
        self.closed.set(true);
        self.queue.take();
        self.bytes.set(0);
        self.taken.notify_waiters();
    }

    /// The connection sends nothing more; it may still take something.
    pub fn output_ended(&self) {
        self.output_ended.set(true);
        self.taken.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn full() -> Inlet {
        let inlet = Inlet::default();
        inlet.push(Bytes::from(vec![1; BOUND]));
        inlet
    }

    #[tokio::test(flavor = "current_thread")]
    async fn gives_what_came_in_order_and_then_the_end() {
        let inlet = Inlet::default();
        inlet.push(Bytes::from_static(b"a"));
        inlet.push(Bytes::from_static(b"b"));
        inlet.finish();
        inlet.push(Bytes::from_static(b"too late"));
        assert_eq!(inlet.next().await.as_deref(), Some(&b"a"[..]));
        assert_eq!(inlet.next().await.as_deref(), Some(&b"b"[..]));
        assert_eq!(inlet.next().await, None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn has_room_again_once_something_was_taken() {
        let inlet = full();
        let mut room = Box::pin(inlet.room());
        assert!(room.as_mut().now_or_never().is_none());
        inlet.next().await;
        assert!(room.as_mut().now_or_never().is_some());
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn waits_for_a_connection_as_long_as_it_has_output() {
        let inlet = full();
        let waited = tokio::time::timeout(Duration::from_secs(3600), inlet.room()).await;
        assert!(waited.is_err());
        inlet.output_ended();
        inlet.room().await;
        assert!(inlet.aborted().now_or_never().is_some());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_closed_one_drops_what_comes_and_stops_nobody() {
        let inlet = full();
        inlet.close();
        inlet.push(Bytes::from(vec![1; 2 * BOUND]));
        assert!(inlet.room().now_or_never().is_some());
        assert!(inlet.drained().now_or_never().is_some());
    }
}
