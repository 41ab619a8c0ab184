//! What containers write, kept in log files.
//!
//! - [`ContainerLog`] is one container's log: chunks of its streams go in, records come out in every sink.
//! - `encoder` turns chunks into CRI records; `timestamp` writes their times.
//! - `sink` holds the batches between the event loop and the writer thread, and their bound.
//! - `file` is the file itself, touched by writer threads only: append, repair of a torn line, reopen.
//! - `error` says why a log can't be opened, or what writing last failed with.
//!
//! A chunk travels: `write` encodes it into a batch of whole records → the batch waits in its sink's
//! queue → a writer thread writes it with one `write(2)` → its buffer is used for another batch.
//! While batches wait, new records join the last one; when [`BATCHES_IN_FLIGHT`] are full, `write` waits,
//! the container's pipe fills, and the container slows down. Nothing is dropped but what the
//! filesystem refuses.

mod container_log;
mod encoder;
mod error;
mod file;
mod sink;
#[cfg(test)]
mod tests;
mod timestamp;

use std::path::PathBuf;

pub use container_log::ContainerLog;
pub use encoder::LINE_BYTES;
pub use error::{LogError, LogErrorKind, LogOutcome};
pub use sink::BATCHES_IN_FLIGHT;

/// One of a container's output streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// Where a container's output is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogTarget {
    /// The log file, in the CRI format (Kubernetes' `kuberuntime` log format): one line a record,
    /// `TIME STREAM F|P CONTENT`.
    pub path: PathBuf,
}
