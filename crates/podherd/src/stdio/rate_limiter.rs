//! Holding a container's output back: past its limit it isn't read, its pipe fills, and its processes wait as for any
//! slow reader. Nothing is lost, and nobody else waits.
//!
//! - `bucket` is the arithmetic: how much may be read at a moment, and when there will be more.
//! - [`RateLimiter`] gives the readers of one container their turns, in the order in which they ask.
//! - `holding` counts the time, and says when holding back begins and ends.
//!
//! Waiting is a timer for the moment at which enough has come into the bucket; there is none while nothing is held.

mod bucket;
mod holding;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::reader::CHUNK;
use bucket::Bucket;
use holding::{Held, Holding};

/// Limits what is read of one container: all its streams together.
#[derive(Debug)]
pub struct RateLimiter {
    bucket: RefCell<Bucket>,
    /// Whose turn it is to read. Fair: a stream that is flooded takes no turn from one that says a line.
    turn: Mutex<()>,
    holding: Rc<Holding>,
}

/// One reader's turn.
#[derive(Debug)]
pub struct Turn<'a> {
    limiter: &'a RateLimiter,
    allowed: usize,
    _turn: MutexGuard<'a, ()>,
}

impl RateLimiter {
    /// Allows `per_second` bytes, and `burst` at once. `tell` is called when holding back begins (true) and when it
    /// has ended (false), with the time for which it was held back by then in all; at most once a second each.
    pub fn new(per_second: u64, burst: u64, tell: impl Fn(bool, Duration) + 'static) -> Self {
        Self {
            bucket: RefCell::new(Bucket::new(per_second, burst, Instant::now())),
            turn: Mutex::new(()),
            holding: Holding::new(Box::new(tell)),
        }
    }

    /// Waits until something may be read. For one who has something to read: the wait counts as time for which the
    /// output was held back.
    pub async fn turn(&self) -> Turn<'_> {
        let mut held = None;
        let turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                held.get_or_insert_with(|| self.hold());
                self.turn.lock().await
            }
        };
        loop {
            let wait = self.bucket.borrow_mut().wait(Instant::now());
            let Some(wait) = wait else { break };
            held.get_or_insert_with(|| self.hold());
            tokio::time::sleep(wait).await;
        }
        let allowed = self.bucket.borrow_mut().available(Instant::now());
        Turn {
            limiter: self,
            allowed: usize::try_from(allowed).unwrap_or(usize::MAX).min(CHUNK),
            _turn: turn,
        }
    }

    /// How long the output was held back by now, in all. Two streams that wait at once count once.
    pub fn held_back(&self) -> Duration {
        self.holding.total()
    }

    /// The output has ended: nothing is held back any more.
    pub fn end(&self) {
        self.holding.end();
    }

    fn hold(&self) -> Held {
        Held::new(&self.holding)
    }
}

impl Turn<'_> {
    /// Bytes that may be read; at least one.
    pub fn allowed(&self) -> usize {
        self.allowed
    }

    /// So many were read; the next one has its turn.
    pub fn took(self, bytes: usize) {
        self.limiter.bucket.borrow_mut().take(bytes as u64);
    }
}
