//! What is known of a container's life and of its end.

use std::time::SystemTime;

use podherd_reaper::{Exit, Status};

/// Where a container is in its life; it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The runtime's `create` runs.
    Creating,
    /// Made, and waiting for `start`.
    Created,
    /// Its command runs.
    Running,
    /// Its init has ended, and its output is in the log.
    Exited,
    /// Forgotten: its creation failed, or it was deleted. Only those who still wait for it see this.
    Gone,
}

/// What watchers of a container see, always as a whole.
#[derive(Clone, Debug)]
pub struct State {
    /// Where it is in its life.
    pub phase: Phase,
    /// When `start` had succeeded, if it came through this server.
    pub started_at: Option<SystemTime>,
    /// Set from [`Phase::Exited`] on.
    pub exit: Option<ExitState>,
}

/// The end of a container. Code and signal are separate.
#[derive(Clone, Debug)]
pub struct ExitState {
    /// How it ended. None: nobody can know, see `unknown`.
    pub status: Option<Status>,
    /// Why the status is not known.
    pub unknown: Option<Unknown>,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
    /// Whether all of its output was read, and written where it was to be logged.
    pub log_complete: bool,
    /// Bytes of output that its log could not take.
    pub dropped_log_bytes: u64,
    /// Whether the record on disk was written in time.
    pub journaled: bool,
    /// When the end was seen.
    pub at: SystemTime,
}

/// Why an exit status is not known. It is never made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It ended while no server watched it.
    EndedUnwatched,
    /// The kernel gave no status.
    StatusUnavailable,
}

impl ExitState {
    /// The state after `exit` was collected.
    pub fn known(exit: &Exit, oom_killed: bool, log_complete: bool, dropped_log_bytes: u64) -> Self {
        Self {
            status: Some(exit.status),
            unknown: None,
            oom_killed,
            log_complete,
            dropped_log_bytes,
            journaled: exit.recorded,
            at: exit.at,
        }
    }

    /// The state of a process whose end could not be had, now.
    pub fn not_known() -> Self {
        Self {
            status: None,
            unknown: Some(Unknown::StatusUnavailable),
            oom_killed: false,
            log_complete: false,
            dropped_log_bytes: 0,
            journaled: false,
            at: SystemTime::now(),
        }
    }
}

/// The code that exit files and `execSyncContainer` use: 128 + n for signal n, as in a shell.
pub fn shell_code(status: Status) -> i32 {
    match status {
        Status::Exited(code) => code,
        Status::Signaled { signal, .. } => 128 + signal,
    }
}
