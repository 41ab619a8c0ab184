//! A process that lives no longer than somebody's interest in it.

use crate::process::Process;
use crate::tree;

/// Kills its process with its descendants when dropped, unless that process has ended. The kill is
/// sent at once; the loop collects what ends of it.
#[derive(Debug)]
#[must_use = "dropping the guard kills the process"]
pub struct KillGuard(Option<Process>);

impl KillGuard {
    pub(crate) fn new(process: Process) -> Self {
        Self(Some(process))
    }

    /// Lets the process live on.
    pub fn disarm(mut self) -> Process {
        // Taken here or by the drop, and both consume the guard.
        self.0
            .take()
            .unwrap_or_else(|| unreachable!("a guard holds its process until it is consumed"))
    }
}

impl Drop for KillGuard {
    fn drop(&mut self) {
        if let Some(process) = self.0.take().filter(|process| process.exit().is_none()) {
            tree::kill(&process);
        }
    }
}
