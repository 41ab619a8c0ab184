//! Output that a sink could not take.

use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use super::error::reason;

/// The account of one sink: what was lost, and what of it has been said in the log itself.
pub(super) struct Losses {
    /// The container's id, for the server's own log.
    label: Arc<str>,
    /// Bytes of output lost and not yet said so in the log.
    unsaid: u64,
    /// Bytes of output lost since the log was opened.
    total: u64,
    last_error: Option<Errno>,
}

impl Losses {
    pub(super) fn new(label: Arc<str>) -> Self {
        Self {
            label,
            unsaid: 0,
            total: 0,
            last_error: None,
        }
    }

    /// The container's id.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Bytes of output lost since the log was opened.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing was written since the last loss.
    pub(super) fn are_going_on(&self) -> bool {
        self.unsaid > 0
    }

    /// The last failure.
    pub(super) fn last_error(&self) -> Option<Errno> {
        self.last_error
    }

    /// The words for the log when something was lost that it doesn't say yet.
    pub(super) fn notice(&self) -> Option<String> {
        (self.unsaid > 0).then(|| {
            let why = self.last_error.map_or_else(String::new, reason);
            format!("podherd: {} bytes of output were not logged: {why}", self.unsaid)
        })
    }

    /// Counts lost output; the first of a row goes to the server's own log.
    pub(super) fn lose(&mut self, path: &Path, bytes: u64, errno: Errno) {
        if self.unsaid == 0 {
            let (container, path, error) = (&*self.label, path.display(), reason(errno));
            tracing::warn!(container, code = "LOG_WRITE_FAILED", %path, %error, "output is not logged");
        }
        self.unsaid += bytes;
        self.total += bytes;
        self.last_error = Some(errno);
    }

    /// The log says now what was lost, if anything was.
    pub(super) fn said(&mut self, path: &Path) {
        let lost = std::mem::take(&mut self.unsaid);
        if lost > 0 {
            let (container, path) = (&*self.label, path.display());
            tracing::warn!(container, code = "LOG_WRITES_AGAIN", %path, lost, "output is logged again");
        }
    }
}
