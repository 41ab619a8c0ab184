//! Processes and threads.

use super::{Cgroups, Source};

/// How many tasks (processes and their threads) are in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PidStats {
    /// Now.
    pub current: u64,
    /// The most that there may be; 0: any number.
    pub limit: u64,
}

impl PidStats {
    pub(super) fn read(cgroups: Cgroups<'_>) -> Self {
        match cgroups.source("pids") {
            // The same files in both versions.
            Some(Source::One(files) | Source::Two(files)) => Self {
                current: files.number("pids.current"),
                limit: files.limit("pids.max"),
            },
            None => Self::default(),
        }
    }
}
