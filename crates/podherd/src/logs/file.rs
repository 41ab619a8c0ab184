//! A log file. Every function here may wait for the disk: they are called by writer threads only.

mod append;
mod open;
mod retain;
mod rotate;

use std::num::{NonZeroU32, NonZeroU64};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{Stat, lstat, unlink};

use super::error::LogError;
use super::losses::Losses;
use super::timestamp::Timestamp;
use super::{LogFileTarget, LogFormat};
use open::Opened;

/// A log file's path, the file that is open of it, and what could not be written.
pub(super) struct LogFile {
    path: PathBuf,
    format: LogFormat,
    max_size: Option<NonZeroU64>,
    max_files: Option<NonZeroU32>,
    opened: Opened,
    losses: Losses,
    /// The latest time in the name of an older file: names of one log never go back, whatever the clock does.
    rotated_at: Option<Timestamp>,
    /// The last rotation failed, which was said.
    rotation_fails: bool,
    /// The last removal of older files failed, which was said.
    removal_fails: bool,
}

/// What makes a path's file this file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl LogFile {
    /// Opens a log to append to it, making it if it is not there. Nothing that is in it is touched.
    pub(super) fn open(target: LogFileTarget, label: Arc<str>) -> Result<Self, LogError> {
        let opened = Opened::append_to(&target.path).map_err(|errno| LogError::new(&target.path, errno))?;
        Ok(Self {
            path: target.path,
            format: target.format,
            max_size: target.max_size,
            max_files: target.max_files,
            opened,
            losses: Losses::new(label),
            rotated_at: None,
            rotation_fails: false,
            removal_fails: false,
        })
    }

    /// What could not be written.
    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// The last failure to write.
    pub(super) fn last_error(&self) -> Option<LogError> {
        let errno = self.losses.last_error()?;
        Some(LogError::new(&self.path, errno))
    }

    /// Whether the file is new, made by [`LogFile::open`].
    pub(super) fn created(&self) -> bool {
        self.opened.created
    }

    /// Opens the path anew, for a log that was renamed. On an error the old file goes on.
    pub(super) fn reopen(&mut self) -> Result<(), LogError> {
        let mut fresh = Opened::append_to(&self.path).map_err(|errno| LogError::new(&self.path, errno))?;
        // A file that a reopen made holds what its container wrote: no undo removes it.
        fresh.created = self.opened.created && fresh.identity == self.opened.identity;
        self.opened = fresh;
        Ok(())
    }

    /// Removes the file if opening the log made it and the path still names it.
    pub(super) fn remove_if_created(&mut self) {
        if !self.opened.created || !self.path_is_ours() {
            return;
        }
        self.opened.created = false;
        if let Err(error) = unlink(&self.path) {
            let (container, path) = (self.losses.label(), self.path.display());
            tracing::warn!(container, code = "LOG_NOT_REMOVED", %path, %error, "log of an undone create stays");
        }
    }

    /// Whether the path names the file that is open.
    fn path_is_ours(&self) -> bool {
        lstat(&self.path).is_ok_and(|found| Identity::of(&found) == self.opened.identity)
    }
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}
