//! What can go wrong, for callers to branch on.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program could not be started. Its text begins with the program's path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {context}{source}", path.display())]
pub struct SpawnError {
    pub(crate) kind: SpawnErrorKind,
    pub(crate) path: PathBuf,
    /// Empty, or which step failed, with a colon.
    pub(crate) context: String,
    pub(crate) source: io::Error,
}

/// Why a program could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnErrorKind {
    /// There is no such file (`ENOENT`, `ENOTDIR`), its interpreter included.
    NotFound,
    /// It is there and can't be executed (`EACCES`, `ENOEXEC`).
    NotExecutable,
    /// The machine or a limit has no room (`EAGAIN`, `ENOMEM`, `EMFILE`, `ENFILE`). Trying again later may help.
    ResourcesExhausted,
    /// Anything else; the cause says what.
    Other,
}

impl SpawnError {
    /// Why, for a caller to branch on.
    pub fn kind(&self) -> SpawnErrorKind {
        self.kind
    }

    /// The program as it was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kernel's own answer.
    pub fn io_error(&self) -> &io::Error {
        &self.source
    }
}

impl SpawnErrorKind {
    /// The kind of an errno from `clone(2)` or `execve(2)`.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Self::NotFound,
            Some(libc::EACCES | libc::ENOEXEC) => Self::NotExecutable,
            Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => Self::ResourcesExhausted,
            _ => Self::Other,
        }
    }
}

/// A signal could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The process has ended.
    #[error("the process has ended")]
    Ended,
    /// The number is not a signal's, or the process may not be signalled.
    #[error("signalling failed: {0}")]
    Refused(#[source] io::Error),
}

/// A pid could not be turned into a watched process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No child with this pid lives, and none that was meant ended since the claim was opened.
    #[error("no such process is or was a child of ours")]
    NotFound,
    /// The process lives and has another parent.
    #[error("the process is not a child of ours")]
    NotOurChild,
    /// Somebody watches this very process already.
    #[error("the process is watched already")]
    AlreadyWatched,
    /// No pidfd could be had.
    #[error("the process could not be watched: no descriptor or memory left")]
    ResourcesExhausted,
}

/// Killed processes were not gone in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{survived} killed processes were not gone within {} s", within.as_secs_f64())]
pub struct KillError {
    /// How many.
    pub survived: usize,
    /// The time that they had.
    pub within: Duration,
}
