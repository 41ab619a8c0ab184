//! A log file. Every function here may wait for the disk: they are called by writer threads only.

mod append;
mod open;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{lstat, unlink};
use rustix::io::Errno;

use super::error::LogError;

/// An open log file, and what could not be written to it.
pub(super) struct LogFile {
    /// The container's id, for the server's own log.
    label: Arc<str>,
    path: PathBuf,
    file: OwnedFd,
    identity: Identity,
    /// This server made the file when it opened the log.
    created: bool,
    /// It can be cut back; not so `/dev/null`.
    regular: bool,
    /// The file's last byte is not a newline: the next record needs one before it.
    torn: bool,
    /// Bytes of output lost and not yet said so in the log.
    unsaid: u64,
    /// Bytes of output lost since the log was opened.
    dropped: u64,
    last_error: Option<Errno>,
}

/// What makes a path's file this file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl LogFile {
    /// Bytes of output lost since the log was opened.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The last failure to write.
    pub(super) fn last_error(&self) -> Option<LogError> {
        self.last_error.map(|errno| LogError::new(&self.path, errno))
    }

    /// Whether the file is new, made by [`LogFile::open`].
    pub(super) fn created(&self) -> bool {
        self.created
    }

    /// Opens the path anew, for a log that was renamed. On an error the old file goes on.
    pub(super) fn reopen(&mut self) -> Result<(), LogError> {
        let fresh = Self::open(self.path.clone(), Arc::clone(&self.label))?;
        self.created = self.created && fresh.identity == self.identity;
        self.file = fresh.file;
        self.identity = fresh.identity;
        self.regular = fresh.regular;
        self.torn = fresh.torn;
        Ok(())
    }

    /// Removes the file if opening the log made it and the path still names it.
    pub(super) fn remove_if_created(&mut self) {
        let same = |found| Identity::of(&found) == self.identity;
        if self.created && lstat(&self.path).is_ok_and(same) {
            self.created = false;
            if let Err(error) = unlink(&self.path) {
                let (container, path) = (&*self.label, self.path.display());
                tracing::warn!(container, code = "LOG_NOT_REMOVED", %path, %error, "log of an undone create stays");
            }
        }
    }
}

impl Identity {
    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}
