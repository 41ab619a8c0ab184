//! Reads from and writes to block devices.

use super::{Cgroups, Files, Pressure, Source, text};

/// What a container has read and written, all devices added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IoStats {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written. Version 1 counts what is written back later from the page cache for nobody.
    pub write_bytes: u64,
    /// Reads.
    pub read_operations: u64,
    /// Writes.
    pub write_operations: u64,
    /// Waiting for I/O.
    pub pressure: Pressure,
}

/// Where version 1 counts: which of them does depends on the kernel and on each device's scheduler. The first that
/// has counted anything is taken, since two of them would count the same I/O twice.
const COUNTERS: [(&str, &str); 4] = [
    (
        "blkio.throttle.io_service_bytes_recursive",
        "blkio.throttle.io_serviced_recursive",
    ),
    ("blkio.throttle.io_service_bytes", "blkio.throttle.io_serviced"),
    (
        "blkio.bfq.io_service_bytes_recursive",
        "blkio.bfq.io_serviced_recursive",
    ),
    ("blkio.bfq.io_service_bytes", "blkio.bfq.io_serviced"),
];

impl IoStats {
    pub(super) fn read(cgroups: Cgroups<'_>) -> Self {
        let stats = match cgroups.source("blkio") {
            Some(Source::One(files)) => version_1(files),
            Some(Source::Two(files)) => version_2(files),
            None => Self::default(),
        };
        Self {
            pressure: Pressure::read(cgroups, "io.pressure"),
            ..stats
        }
    }
}

fn version_1(files: Files<'_>) -> IoStats {
    let counted = COUNTERS.iter().find_map(|(bytes, operations)| {
        let (bytes, operations) = (files.text(bytes), files.text(operations));
        let stats = IoStats {
            read_bytes: text::operation_sum(&bytes, "Read"),
            write_bytes: text::operation_sum(&bytes, "Write"),
            read_operations: text::operation_sum(&operations, "Read"),
            write_operations: text::operation_sum(&operations, "Write"),
            pressure: Pressure::default(),
        };
        (stats != IoStats::default()).then_some(stats)
    });
    counted.unwrap_or_default()
}

fn version_2(files: Files<'_>) -> IoStats {
    let text = files.text("io.stat");
    IoStats {
        read_bytes: text::paired_sum(&text, "rbytes"),
        write_bytes: text::paired_sum(&text, "wbytes"),
        read_operations: text::paired_sum(&text, "rios"),
        write_operations: text::paired_sum(&text, "wios"),
        pressure: Pressure::default(),
    }
}
