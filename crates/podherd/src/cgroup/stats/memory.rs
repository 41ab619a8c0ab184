//! Memory.

use super::{Cgroups, Files, Pressure, Source, text};

/// Memory of a container, with that of its processes in cgroups below its own. In bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStats {
    /// With the page cache.
    pub usage: u64,
    /// Usage without the file pages that were not used lately, never below 0: what the kubelet counts when it
    /// decides whom to evict.
    pub working_set: u64,
    /// Memory without a file behind it.
    pub anonymous: u64,
    /// Page cache, that of tmpfs and of shared memory included.
    pub file: u64,
    /// Swapped out.
    pub swap: u64,
    /// The largest usage so far. In version 2 since Linux 5.19, else 0.
    pub peak: u64,
    /// The container's own bound; 0: none.
    pub limit: u64,
    /// Waiting for memory.
    pub pressure: Pressure,
}

impl MemoryStats {
    pub(super) fn read(cgroups: Cgroups<'_>) -> Self {
        let stats = match cgroups.source("memory") {
            Some(Source::One(files)) => version_1(files),
            Some(Source::Two(files)) => version_2(files),
            None => Self::default(),
        };
        Self {
            pressure: Pressure::read(cgroups, "memory.pressure"),
            ..stats
        }
    }
}

/// `total_…` is with the cgroups below (cgroup-v1/memory.rst, "stat file").
fn version_1(files: Files<'_>) -> MemoryStats {
    let parts = files.text("memory.stat");
    let usage = files.number("memory.usage_in_bytes");
    MemoryStats {
        usage,
        working_set: usage.saturating_sub(text::keyed(&parts, "total_inactive_file")),
        anonymous: text::keyed(&parts, "total_rss"),
        file: text::keyed(&parts, "total_cache"),
        swap: text::keyed(&parts, "total_swap"),
        peak: files.number("memory.max_usage_in_bytes"),
        limit: files.limit("memory.limit_in_bytes"),
        pressure: Pressure::default(),
    }
}

fn version_2(files: Files<'_>) -> MemoryStats {
    let parts = files.text("memory.stat");
    let usage = files.number("memory.current");
    MemoryStats {
        usage,
        working_set: usage.saturating_sub(text::keyed(&parts, "inactive_file")),
        anonymous: text::keyed(&parts, "anon"),
        file: text::keyed(&parts, "file"),
        swap: files.number("memory.swap.current"),
        peak: files.number("memory.peak"),
        limit: files.limit("memory.max"),
        pressure: Pressure::default(),
    }
}
