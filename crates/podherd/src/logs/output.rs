//! Where the records of a sink go. Everything here may wait: writer threads only.

use std::path::Path;
use std::sync::Arc;

use super::LogTarget;
use super::error::{LogError, LogOutcome};
use super::file::LogFile;
use super::journald::{JournaldLog, of_the_machine};
use crate::disk::{Disk, Lane};
use crate::journald::SOCKET;

/// A log file, or journald.
pub(super) enum Output {
    File(LogFile),
    Journald(JournaldLog),
}

/// Either one's method of that name.
macro_rules! each {
    ($output:expr, $inner:ident => $result:expr) => {
        match $output {
            Output::File($inner) => $result,
            Output::Journald($inner) => $result,
        }
    };
}

impl Output {
    pub(super) fn open(target: LogTarget, label: Arc<str>) -> Result<Self, LogError> {
        match target {
            LogTarget::File(target) => LogFile::open(target, label).map(Self::File),
            LogTarget::Journald => JournaldLog::open(of_the_machine(), label).map(Self::Journald),
        }
    }

    /// Writes a batch of whole records; what can't be written is lost and counted.
    pub(super) fn append(&mut self, records: &[u8]) {
        each!(self, inner => inner.append(records));
    }

    /// Says in the log how much was lost, if that has not been said and it can be.
    pub(super) fn settle(&mut self) {
        each!(self, inner => inner.settle());
    }

    /// Opens a file's path anew; journald has nothing to reopen.
    pub(super) fn reopen(&mut self) -> Result<(), LogError> {
        match self {
            Self::File(file) => file.reopen(),
            Self::Journald(_) => Ok(()),
        }
    }

    /// Whether opening made a file.
    pub(super) fn created(&self) -> bool {
        matches!(self, Self::File(file) if file.created())
    }

    /// Removes a file that opening made, if the path still names it.
    pub(super) fn remove_if_created(&mut self) {
        if let Self::File(file) = self {
            file.remove_if_created();
        }
    }

    /// Bytes of output lost since the log was opened.
    pub(super) fn dropped(&self) -> u64 {
        each!(self, inner => inner.losses().total())
    }

    /// Whether output was lost and none was written since.
    pub(super) fn is_losing(&self) -> bool {
        each!(self, inner => inner.losses().are_going_on())
    }

    pub(super) fn outcome(&self) -> LogOutcome {
        LogOutcome {
            dropped_bytes: self.dropped(),
            last_error: each!(self, inner => inner.last_error()),
        }
    }
}

impl LogTarget {
    /// The order-keeping sequence of this target's jobs.
    pub(super) fn lane(&self, disk: &Disk) -> Lane {
        match self {
            Self::File(file) => disk.lane(&file.path),
            Self::Journald => disk.journald_lane(),
        }
    }

    /// What an error names.
    pub(super) fn place(&self) -> &Path {
        self.path().unwrap_or(Path::new(SOCKET))
    }
}
