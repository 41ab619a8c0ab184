//! The batch buffers of busy logs.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Capacity of a batch buffer, in bytes: what one `write(2)` of a log is made of. At this size an
/// allocator maps and unmaps pages of their own, so a freed buffer is memory given back to the system,
/// and a small batch touches one page.
pub const BATCH_BYTES: usize = 128 * 1024;

/// Buffers kept for the next batch while logs are busy, for all logs together.
const KEPT: usize = 8;

/// Spare buffers, shared by all logs. A writer thread with nothing to do frees them.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// An empty buffer of at least [`BATCH_BYTES`] capacity.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.spare()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(BATCH_BYTES))
    }

    /// Takes a buffer back; it is freed when enough are kept already.
    pub(crate) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut spare = self.spare();
        if spare.len() < KEPT && buffer.capacity() >= BATCH_BYTES {
            spare.push(buffer);
        }
    }

    /// Frees every spare buffer.
    pub(super) fn free(&self) {
        let freed = std::mem::take(&mut *self.spare());
        drop(freed);
    }

    /// How many are kept now.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.spare().len()
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
