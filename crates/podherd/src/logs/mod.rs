//! What containers write, kept in log files and in journald.
//!
//! - [`ContainerLog`] is one container's log: chunks of its streams go in, records come out in every sink.
//! - `lines` finds the lines in chunks; `records` are the formats: CRI, JSON, journald; `timestamp` their times.
//! - `sink` holds the batches between the event loop and the writer thread, and their bound.
//! - `output` is where a sink's records go, touched by writer threads only: `file` (append, repair of a
//!   torn line, reopen, rotation) or `journald` (datagrams). `losses` counts what could not be written.
//! - `error` says why a log can't be opened, or what writing last failed with.
//!
//! A chunk travels: `write` encodes it, for each sink, into a batch of whole records → the batch waits in
//! its sink's queue → a writer thread writes it with one `write(2)` → its buffer is used for another batch.
//! While batches wait, new records join the last one; when [`BATCHES_IN_FLIGHT`] are full, `write` waits,
//! the container's pipe fills, and the container slows down. Nothing is dropped but what the
//! filesystem or journald refuses.

mod container_log;
mod error;
mod file;
mod journald;
mod lines;
mod losses;
mod output;
mod records;
mod sink;
#[cfg(test)]
mod tests;
mod timestamp;

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};

pub use container_log::ContainerLog;
pub use error::{LogError, LogErrorKind, LogOutcome};
pub use lines::LINE_BYTES;
pub use records::entry::ENTRY_BYTES;
pub use sink::BATCHES_IN_FLIGHT;
pub(crate) use timestamp::Timestamp;

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
pub enum LogTarget {
    /// A file.
    File(LogFileTarget),
    /// systemd-journald, one entry a line.
    Journald,
}

/// A log file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFileTarget {
    /// Its path; the newest records are always there.
    pub path: PathBuf,
    /// What a record looks like.
    pub format: LogFormat,
    /// Bytes that the file holds before it is renamed and a fresh one begun. A single record that is longer has a
    /// file of its own. None: no limit.
    pub max_size: Option<NonZeroU64>,
    /// Renamed files that are kept beside the newest one; the oldest beyond it are removed. None: all.
    pub max_files: Option<NonZeroU32>,
}

/// What a record of a log file looks like: one line for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// `TIME STREAM F|P CONTENT`, as the kubelet reads it.
    Cri,
    /// A JSON object: `timestamp`, `timestampNanos`, `pipe`, `partial`, `message` or `messageBase64`.
    Json,
}

impl LogTarget {
    /// The path of a log file; none of journald.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(&file.path),
            Self::Journald => None,
        }
    }

    /// The same, with at most so many older files of a log file kept.
    pub fn keeping(self, max_files: Option<NonZeroU32>) -> Self {
        match self {
            Self::File(file) => Self::File(LogFileTarget { max_files, ..file }),
            Self::Journald => Self::Journald,
        }
    }
}
