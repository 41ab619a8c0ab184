//! For how long output is held back, and who is told.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Holding back has ended when nothing was held for so long. A container that writes faster than it may is held
/// for a few milliseconds again and again, and that is one time of holding back, not a hundred a second.
pub const QUIET: Duration = Duration::from_secs(1);

/// The account of one container.
pub(super) struct Holding {
    /// Readers that wait now.
    waiting: Cell<usize>,
    /// Since when at least one does.
    since: Cell<Instant>,
    /// When the last one stopped.
    until: Cell<Instant>,
    /// Time in which at least one waited, up to `until`.
    total: Cell<Duration>,
    /// Told when none waits any more.
    released: Notify,
    /// Waits for the end of a time of holding back; there while there is one.
    episode: RefCell<Option<JoinHandle<()>>>,
    tell: Box<dyn Fn(bool, Duration)>,
}

/// One reader that waits; dropped, it no longer does.
pub(super) struct Held(Rc<Holding>);

impl Holding {
    pub(super) fn new(tell: Box<dyn Fn(bool, Duration)>) -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Self {
            waiting: Cell::new(0),
            since: Cell::new(now),
            until: Cell::new(now),
            total: Cell::default(),
            released: Notify::new(),
            episode: RefCell::default(),
            tell,
        })
    }

    pub(super) fn total(&self) -> Duration {
        let now = match self.waiting.get() {
            0 => Duration::ZERO,
            _ => self.since.get().elapsed(),
        };
        self.total.get() + now
    }

    /// Says that holding back has ended, if it was begun.
    pub(super) fn end(&self) {
        if let Some(episode) = self.episode.take() {
            episode.abort();
            (self.tell)(false, self.total());
        }
    }

    fn begin(self: &Rc<Self>) {
        if self.episode.borrow().is_some() {
            return;
        }
        (self.tell)(true, self.total());
        let episode = tokio::task::spawn_local(until_quiet(Rc::downgrade(self)));
        self.episode.replace(Some(episode));
    }
}

impl Held {
    pub(super) fn new(holding: &Rc<Holding>) -> Self {
        let waiting = holding.waiting.get();
        if waiting == 0 {
            holding.since.set(Instant::now());
            holding.begin();
        }
        holding.waiting.set(waiting + 1);
        Self(holding.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let holding = &self.0;
        let waiting = holding.waiting.get() - 1;
        holding.waiting.set(waiting);
        if waiting == 0 {
            let now = Instant::now();
            let held = now.saturating_duration_since(holding.since.get());
            holding.total.set(holding.total.get() + held);
            holding.until.set(now);
            holding.released.notify_one();
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(episode) = self.episode.take() {
            episode.abort();
        }
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holding")
            .field("total", &self.total())
            .finish_non_exhaustive()
    }
}

/// Ends a time of holding back once nothing was held for [`QUIET`]. Wakes at most that often.
async fn until_quiet(holding: Weak<Holding>) {
    loop {
        let quiet_at = {
            let Some(holding) = holding.upgrade() else { return };
            if holding.waiting.get() > 0 {
                // A reader that waits holds the account itself.
                holding.released.notified().await;
                continue;
            }
            holding.until.get() + QUIET
        };
        if quiet_at > Instant::now() {
            tokio::time::sleep_until(quiet_at).await;
            continue;
        }
        let Some(holding) = holding.upgrade() else { return };
        // Its own handle: aborting it here would only mark an end that comes anyway.
        holding.end();
        return;
    }
}
