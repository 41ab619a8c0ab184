//! Live output for those who follow it: attach clients, and the caller of an exec with streams.
//!
//! Nothing is kept for latecomers; that is the log's business. A chunk is copied once, however many
//! follow, and not at all when nobody does.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::reader::CHUNK;
use crate::logs::Stream;

/// Where the output of one container or exec is handed on. Clones are the same hub.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Bytes that a follower may be behind.
    bound: usize,
    /// Those that were dropped are swept out by the next chunk.
    followers: RefCell<Vec<Weak<Queue>>>,
    ended: Cell<bool>,
    /// Told when it has ended.
    told: Notify,
    /// Asked before each chunk for followers that are at the door.
    doors: RefCell<Vec<Rc<dyn Door>>>,
}

/// Where followers come from. One that has come before a chunk is read is given it, however busy the event loop
/// is: a client that is connected counts on that.
pub trait Door: std::fmt::Debug {
    /// Lets in who is there, without waiting.
    fn admit(&self);

    /// Whether anybody can still come.
    fn is_open(&self) -> bool;
}

/// What happens when a follower is more than the bound behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The output waits for it, and so does the process: for the one whose output it is.
    Held,
    /// The output waits for it [`GRACE`] at most until it has caught up; then it is cut off: for attach
    /// clients, of which there may be several.
    Free,
}

/// How long a free follower may hold up the output, in all, before it has taken everything once more. A burst
/// is mostly faster than any reader; a reader that is slow for good is not what the process waits for.
const GRACE: Duration = Duration::from_millis(250);

/// Chunks that wait for one follower. Each costs about 64 bytes beside its own.
const MOST_CHUNKS: usize = 16 << 10;

/// One reader of live output.
#[derive(Debug)]
pub struct Follower {
    queue: Rc<Queue>,
}

/// What a follower is given.
#[derive(Debug)]
pub enum Followed {
    /// A piece of output, up to 64 KiB.
    Output(Stream, Rc<[u8]>),
    /// All output was given.
    Ended,
    /// It was more than the bound behind, and is given nothing more.
    Behind,
}

#[derive(Debug)]
struct Queue {
    pace: Pace,
    /// The stream that it follows. None: both.
    only: Option<Stream>,
    bound: usize,
    chunks: RefCell<VecDeque<(Stream, Rc<[u8]>)>>,
    /// Of the chunks; a small one counts for what it costs to keep.
    bytes: Cell<usize>,
    state: Cell<QueueState>,
    /// What is left of [`GRACE`].
    grace: Cell<Duration>,
    /// Told when there is something for the follower.
    filled: Notify,
    /// Told when the follower has taken something, or has gone.
    emptied: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueueState {
    Open,
    /// The output has ended.
    Ended,
    /// The follower was cut off.
    Behind,
    /// The follower has gone.
    Dropped,
}

impl Hub {
    /// A hub whose followers may be `bound` bytes behind.
    pub fn new(bound: usize) -> Self {
        Self {
            shared: Rc::new(Shared {
                bound,
                followers: RefCell::default(),
                ended: Cell::new(false),
                told: Notify::new(),
                doors: RefCell::default(),
            }),
        }
    }

    /// A hub with its first follower, for output that has not begun.
    pub fn followed(bound: usize, pace: Pace) -> (Self, Follower) {
        let hub = Self::new(bound);
        let first = hub.enter(pace, None, bound);
        (hub, first)
    }

    /// Follows the output from now on. None: it has ended.
    pub fn follow(&self, pace: Pace) -> Option<Follower> {
        (!self.shared.ended.get()).then(|| self.enter(pace, None, self.shared.bound))
    }

    /// Follows one stream of the output: whoever follows each by itself is held up in each by itself.
    pub fn follow_stream(&self, stream: Stream, pace: Pace) -> Option<Follower> {
        let bound = match pace {
            // What waits here comes on top of what is on its way to whoever follows: a read is enough.
            Pace::Held => self.shared.bound.min(CHUNK),
            Pace::Free => self.shared.bound,
        };
        (!self.shared.ended.get()).then(|| self.enter(pace, Some(stream), bound))
    }

    fn enter(&self, pace: Pace, only: Option<Stream>, bound: usize) -> Follower {
        let queue = Rc::new(Queue {
            pace,
            only,
            bound,
            chunks: RefCell::default(),
            bytes: Cell::new(0),
            state: Cell::new(QueueState::Open),
            grace: Cell::new(GRACE),
            filled: Notify::new(),
            emptied: Notify::new(),
        });
        self.shared.followers.borrow_mut().push(Rc::downgrade(&queue));
        Follower { queue }
    }

    /// Asks `door` for followers from now on, until the output has ended.
    pub fn add_door(&self, door: Rc<dyn Door>) {
        let mut doors = self.shared.doors.borrow_mut();
        doors.retain(|door| door.is_open());
        doors.push(door);
    }

    /// Hands a chunk to all followers. Waits for those of [`Pace::Held`], and a moment for others.
    pub async fn publish(&self, stream: Stream, chunk: &[u8]) {
        self.admit();
        let mut followers = self.followers();
        followers.retain(|queue| queue.only.is_none_or(|only| only == stream));
        if followers.is_empty() {
            return;
        }
        let shared: Rc<[u8]> = chunk.into();
        for queue in followers {
            match queue.pace {
                Pace::Held => queue.until(|bytes| bytes < queue.bound).await,
                Pace::Free => queue.room_for(shared.len()).await,
            }
            queue.push(stream, &shared);
        }
    }

    /// All output was published: followers are told when they have taken it.
    pub fn end(&self) {
        self.admit();
        self.shared.doors.take();
        self.shared.ended.set(true);
        for queue in self.followers() {
            queue.leave(QueueState::Ended);
        }
        self.shared.told.notify_waiters();
    }

    /// Waits until [`Hub::end`] was called.
    pub async fn ended(&self) {
        let told = self.shared.told.notified();
        if !self.shared.ended.get() {
            told.await;
        }
    }

    /// Cuts off the followers for whom the output waits.
    pub fn cut_off_held(&self) {
        for queue in self.followers() {
            if queue.pace == Pace::Held {
                queue.cut_off();
            }
        }
    }

    /// Whether this is the same hub.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }

    fn admit(&self) {
        if !self.shared.doors.borrow().is_empty() {
            // A copy: a door may lead to another one.
            let doors = self.shared.doors.borrow().clone();
            doors.iter().for_each(|door| door.admit());
        }
    }

    fn followers(&self) -> Vec<Rc<Queue>> {
        let mut followers = self.shared.followers.borrow_mut();
        if followers.is_empty() {
            return Vec::new();
        }
        followers.retain(|queue| {
            queue
                .upgrade()
                .is_some_and(|queue| queue.state.get() == QueueState::Open)
        });
        followers.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Follower {
    /// The next piece of output, or how it ended.
    pub async fn next(&self) -> Followed {
        loop {
            let filled = self.queue.filled.notified();
            if let Some((stream, chunk)) = self.queue.pop() {
                return Followed::Output(stream, chunk);
            }
            match self.queue.state.get() {
                QueueState::Open => filled.await,
                QueueState::Behind => return Followed::Behind,
                QueueState::Ended | QueueState::Dropped => return Followed::Ended,
            }
        }
    }

    /// Waits until there is something for [`Follower::take`], or no more will come.
    pub async fn ready(&self) {
        loop {
            let filled = self.queue.filled.notified();
            if !self.queue.chunks.borrow().is_empty() || self.queue.state.get() != QueueState::Open {
                return;
            }
            filled.await;
        }
    }

    /// What waits now, as far as it fits into `room` bytes with at least one chunk; none when nothing waits.
    pub fn take(&self, room: usize) -> Vec<Rc<[u8]>> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        loop {
            let next = self.queue.chunks.borrow().front().map(|(_, chunk)| chunk.len());
            bytes += match next {
                Some(next) if taken.is_empty() || bytes + next <= room => next,
                _ => return taken,
            };
            taken.extend(self.queue.pop().map(|(_, chunk)| chunk));
        }
    }

    /// Waits until it is cut off; for ever, when the output ends before.
    pub async fn cut_off(&self) {
        if !self.over().await {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until no more output will come. True: because it was cut off, and not because the output has ended.
    pub async fn over(&self) -> bool {
        loop {
            let told = self.queue.emptied.notified();
            match self.queue.state.get() {
                QueueState::Open => told.await,
                state => return state == QueueState::Behind,
            }
        }
    }

    /// Waits until it is less than half the bound behind. Who takes a client's input only then keeps a
    /// client that echoes itself (`cat`) from being cut off by its own slowness.
    pub async fn caught_up(&self) {
        self.queue.until(|bytes| bytes < self.queue.bound / 2).await;
    }

    /// Takes no more, as if dropped.
    pub fn leave(&self) {
        self.queue.leave(QueueState::Dropped);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Queue {
    fn push(&self, stream: Stream, chunk: &Rc<[u8]>) {
        if self.state.get() != QueueState::Open {
            return;
        }
        let bytes = self.bytes.get() + self.cost(chunk);
        if self.pace == Pace::Free && bytes > self.bound && self.bytes.get() > 0 {
            return self.cut_off();
        }
        self.bytes.set(bytes);
        self.chunks.borrow_mut().push_back((stream, chunk.clone()));
        self.filled.notify_one();
    }

    fn pop(&self) -> Option<(Stream, Rc<[u8]>)> {
        let mut chunks = self.chunks.borrow_mut();
        let taken = chunks.pop_front()?;
        if chunks.is_empty() {
            *chunks = VecDeque::new();
            self.grace.set(GRACE);
        }
        self.bytes.set(self.bytes.get() - self.cost(&taken.1));
        self.emptied.notify_waiters();
        Some(taken)
    }

    /// At most so many chunks wait, whatever their size: a program may write single bytes.
    fn cost(&self, chunk: &[u8]) -> usize {
        chunk.len().max(self.bound / MOST_CHUNKS)
    }

    /// Waits for room, for as long as the grace lasts.
    async fn room_for(&self, count: usize) {
        let has_room = |bytes| bytes == 0 || bytes + count <= self.bound;
        if has_room(self.bytes.get()) {
            return;
        }
        let began = Instant::now();
        let _ = tokio::time::timeout(self.grace.get(), self.until(has_room)).await;
        self.grace.set(self.grace.get().saturating_sub(began.elapsed()));
    }

    /// Waits while the follower takes and `enough` does not hold of the bytes that wait for it.
    async fn until(&self, enough: impl Fn(usize) -> bool) {
        loop {
            let emptied = self.emptied.notified();
            if enough(self.bytes.get())
                || matches!(self.state.get(), QueueState::Behind | QueueState::Dropped)
            {
                return;
            }
            emptied.await;
        }
    }

    fn cut_off(&self) {
        self.chunks.take();
        self.bytes.set(0);
        self.leave(QueueState::Behind);
    }

    fn leave(&self, state: QueueState) {
        self.state.set(state);
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }
}
