//! What a container's cgroup counts: processor time, memory, processes, I/O, pressure.
//!
//! - [`CgroupStats::read`] asks each controller where it is: in version 1 if it is mounted there, else in version 2.
//! - `cpu`, `memory`, `pids`, `io`: one controller each, in both versions. `pressure`: version 2 alone.
//! - `text` reads the forms in which the kernel writes numbers. It has no errors: what is not there is 0.
//!
//! Nothing here waits: these files are made by the kernel when they are read. docs/stats.md says of each figure
//! which file it comes from.

mod cpu;
mod io;
mod memory;
mod pids;
mod pressure;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

use super::hierarchy::Place;
use super::kernel_file;

pub use cpu::CpuStats;
pub use io::IoStats;
pub use memory::MemoryStats;
pub use pids::PidStats;
pub use pressure::{Pressure, Stalled};

/// What the cgroups of one container count at a moment. What no controller counts is 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CgroupStats {
    /// Which version counts; with both, version 1 if it has any controller. None: there is no cgroup.
    pub version: Option<Version>,
    /// Processor time.
    pub cpu: CpuStats,
    /// Memory.
    pub memory: MemoryStats,
    /// Processes and threads.
    pub pids: PidStats,
    /// Reads from and writes to block devices.
    pub io: IoStats,
}

/// A version of cgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy for each controller, or for some of them.
    One,
    /// One hierarchy for all.
    Two,
}

impl CgroupStats {
    /// Reads what is in `places`, the container's own cgroups.
    pub(super) fn read(places: &[Place]) -> Self {
        let cgroups = Cgroups(places);
        Self {
            version: cgroups.version(),
            cpu: CpuStats::read(cgroups),
            memory: MemoryStats::read(cgroups),
            pids: PidStats::read(cgroups),
            io: IoStats::read(cgroups),
        }
    }
}

/// Where the controllers of one container are.
#[derive(Clone, Copy)]
struct Cgroups<'a>(&'a [Place]);

/// A controller's directory.
#[derive(Clone, Copy)]
enum Source<'a> {
    One(Files<'a>),
    Two(Files<'a>),
}

/// The files of one cgroup. One that is missing, or that can't be read, is empty.
#[derive(Clone, Copy)]
struct Files<'a>(&'a Path);

impl<'a> Cgroups<'a> {
    fn version(self) -> Option<Version> {
        // A hierarchy without a controller (`name=systemd`) counts nothing.
        let counts = |place: &Place| place.controllers.iter().any(|name| !name.contains('='));
        if self.0.iter().any(counts) {
            return Some(Version::One);
        }
        self.unified().map(|_| Version::Two)
    }

    fn source(self, controller: &str) -> Option<Source<'a>> {
        let old = self.0.iter().find(|place| place.has(controller));
        old.map(|place| Source::One(Files(&place.directory)))
            .or_else(|| self.unified().map(Source::Two))
    }

    fn unified(self) -> Option<Files<'a>> {
        let place = self.0.iter().find(|place| place.controllers.is_empty())?;
        Some(Files(&place.directory))
    }
}

impl Files<'_> {
    fn text(self, name: &str) -> String {
        kernel_file::read(self.0.join(name)).unwrap_or_default()
    }

    fn number(self, name: &str) -> u64 {
        text::number(&self.text(name))
    }

    /// A bound; 0: none.
    fn limit(self, name: &str) -> u64 {
        text::limit(&self.text(name))
    }
}
