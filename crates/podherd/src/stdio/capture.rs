//! The output of an exec, kept in memory for its caller: bounded per stream and for the server as
//! a whole, and read to its end past the bound, so that the process never blocks on it.

use std::cell::Cell;
use std::rc::Rc;

/// The bytes that all captures of the server may hold together.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Rc<Cell<usize>>,
    /// Of one stream.
    per_stream: usize,
}

impl Budget {
    /// `total` bytes for all streams, `per_stream` for each.
    pub fn new(total: usize, per_stream: usize) -> Self {
        Self {
            left: Rc::new(Cell::new(total)),
            per_stream,
        }
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

/// What was read of one stream. Dropping it gives its bytes back to the budget.
#[derive(Debug)]
pub struct Captured {
    bytes: Vec<u8>,
    /// Bytes that were read and not kept.
    pub cut: u64,
    budget: Budget,
}

impl Captured {
    /// Nothing yet, of this budget.
    pub fn new(budget: &Budget) -> Self {
        Self {
            bytes: Vec::new(),
            cut: 0,
            budget: budget.clone(),
        }
    }

    /// The bytes kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps what the bounds allow of `chunk`, and counts the rest.
    pub fn push(&mut self, chunk: &[u8]) {
        let room = self
            .budget
            .per_stream
            .saturating_sub(self.bytes.len())
            .min(self.budget.left.get());
        let kept = chunk.len().min(room);
        self.bytes.extend_from_slice(&chunk[..kept]);
        self.budget.left.set(self.budget.left.get() - kept);
        self.cut += (chunk.len() - kept) as u64;
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.budget.left.set(self.budget.left.get() + self.bytes.len());
    }
}
