//! How a process ended.

use std::time::SystemTime;

/// The end of a process.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its pid, which may be another's by now.
    pub pid: u32,
    /// How it ended.
    pub status: Status,
    /// When the end was seen.
    pub at: SystemTime,
    /// True only if a record was asked for ([`crate::Process::record_before_reap`]) and was written
    /// in time.
    pub recorded: bool,
}

/// What the kernel says of an end (`waitid(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ended by itself, with this code, 0 to 255.
    Exited(i32),
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel dumped a core.
        core_dumped: bool,
    },
}
