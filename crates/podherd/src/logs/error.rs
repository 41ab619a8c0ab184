//! Why a log can't be opened or written.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::disk::DiskError;

/// A log that can't be opened, or that could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind}: {}: {}", path.display(), reason(*source))]
pub struct LogError {
    /// What the reader can act on.
    pub kind: LogErrorKind,
    /// The log file, or journald's socket.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: Errno,
}

/// The reasons that a caller may want to tell apart. Displayed as the beginning of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LogErrorKind {
    /// The directory of the log file does not exist (`ENOENT`).
    MissingDirectory,
    /// A parent of the log file is not a directory (`ENOTDIR`).
    NotADirectory,
    /// The path is a directory, a symbolic link, a socket or a FIFO.
    NotAFile,
    /// No space, no inode or no quota is left (`ENOSPC`, `EDQUOT`).
    Full,
    /// The filesystem is read-only (`EROFS`).
    ReadOnly,
    /// Access is denied (`EACCES`, `EPERM`).
    Permission,
    /// journald does not listen at its socket.
    NoJournald,
    /// No writer thread can be started (`EAGAIN`).
    NoThread,
    /// Anything else, `EIO` for one.
    Other,
}

/// What became of everything that a log accepted.
#[derive(Clone, Debug, Default)]
pub struct LogOutcome {
    /// Bytes of output that are not in the log, since it was opened; of several sinks, of the one that
    /// lacks most.
    pub dropped_bytes: u64,
    /// The last failure, also when writing works again.
    pub last_error: Option<LogError>,
}

impl LogOutcome {
    /// Of a log with several sinks.
    pub(super) fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        outcomes.into_iter().fold(Self::default(), |worst, outcome| Self {
            dropped_bytes: worst.dropped_bytes.max(outcome.dropped_bytes),
            last_error: worst.last_error.or(outcome.last_error),
        })
    }
}

impl LogError {
    pub(super) fn new(path: &Path, source: Errno) -> Self {
        let kind = match source {
            Errno::NOENT => LogErrorKind::MissingDirectory,
            Errno::NOTDIR => LogErrorKind::NotADirectory,
            Errno::ISDIR | Errno::LOOP | Errno::NXIO => LogErrorKind::NotAFile,
            Errno::NOSPC | Errno::DQUOT => LogErrorKind::Full,
            Errno::ROFS => LogErrorKind::ReadOnly,
            Errno::ACCESS | Errno::PERM => LogErrorKind::Permission,
            _ => LogErrorKind::Other,
        };
        Self {
            kind,
            path: path.to_owned(),
            source,
        }
    }

    /// About journald's socket.
    pub(super) fn of_journald(path: &Path, source: Errno) -> Self {
        let kind = match source {
            Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED => LogErrorKind::NoJournald,
            Errno::ACCESS | Errno::PERM => LogErrorKind::Permission,
            _ => LogErrorKind::Other,
        };
        Self {
            kind,
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn from_disk(path: &Path, error: &DiskError) -> Self {
        match error {
            DiskError::NoThread(error) => {
                let source = Errno::from_io_error(error).unwrap_or(Errno::AGAIN);
                Self {
                    kind: LogErrorKind::NoThread,
                    path: path.to_owned(),
                    source,
                }
            }
            // A panic has no number; the message of it is in the server's log.
            DiskError::Panicked => Self::new(path, Errno::IO),
        }
    }
}

impl fmt::Display for LogErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingDirectory => "the log's directory does not exist",
            Self::NotADirectory => "a parent of the log is not a directory",
            Self::NotAFile => "the log's path is not a regular file",
            Self::Full => "no space is left for the log",
            Self::ReadOnly => "the log's filesystem is read-only",
            Self::Permission => "no permission to write the log",
            Self::NoJournald => "journald does not listen at its socket",
            Self::NoThread => "no thread can be started to write the log",
            Self::Other => "the log can't be written",
        })
    }
}

/// The kernel's words for an error, without its number.
pub(super) fn reason(error: Errno) -> String {
    let mut text = error.to_string();
    if let Some(number) = text.find(" (os error ") {
        text.truncate(number);
    }
    text
}
