//! Whole cgroups, with ordinary files in place of the kernel's. Real ones are in test/interface/stats.test.ts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CgroupStats, Version};
use crate::cgroup::hierarchy::Place;

/// Directories with files: one cgroup in each hierarchy.
struct Layout {
    directory: tempfile::TempDir,
    places: Vec<Place>,
}

impl Layout {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            places: Vec::new(),
        }
    }

    /// A hierarchy of these controllers; of none: version 2.
    fn with(mut self, controllers: &[&str], files: &[(&str, &str)]) -> Self {
        let directory: PathBuf = self.directory.path().join(self.places.len().to_string());
        write(&directory, files);
        self.places.push(Place {
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
            directory,
            counts_locally: false,
        });
        self
    }

    fn read(&self) -> CgroupStats {
        CgroupStats::read(&self.places)
    }
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(directory).unwrap();
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
}

const CPU_1: &[(&str, &str)] = &[
    ("cpuacct.usage", "300000123\n"),
    ("cpuacct.stat", "user 21\nsystem 9\n"),
    (
        "cpu.stat",
        "nr_periods 8\nnr_throttled 3\nthrottled_time 5000007\nnr_bursts 0\n",
    ),
];

const MEMORY_1: &[(&str, &str)] = &[
    ("memory.usage_in_bytes", "1000\n"),
    ("memory.max_usage_in_bytes", "1500\n"),
    ("memory.limit_in_bytes", "2000\n"),
    (
        "memory.stat",
        "cache 1\nrss 2\ninactive_file 3\nswap 4\ntotal_cache 500\ntotal_rss 300\ntotal_swap 40\ntotal_inactive_file 200\n",
    ),
];

const UNIFIED: &[(&str, &str)] = &[
    (
        "cpu.stat",
        "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
    ),
    (
        "cpu.pressure",
        "some avg10=2.00 avg60=0.00 avg300=0.00 total=11\n",
    ),
    ("memory.current", "5000\n"),
    ("memory.peak", "6000\n"),
    ("memory.max", "max\n"),
    ("memory.swap.current", "12\n"),
    ("memory.stat", "anon 3000\nfile 1500\ninactive_file 800\n"),
    ("pids.current", "6\n"),
    ("pids.max", "max\n"),
    (
        "io.stat",
        "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=1 rios=1 wios=1\n",
    ),
];

#[test]
fn version_1_counts_in_a_hierarchy_for_each_controller() {
    let stats = Layout::new()
        .with(&["name=systemd"], &[])
        .with(&["cpu", "cpuacct"], CPU_1)
        .with(&["memory"], MEMORY_1)
        .with(&["pids"], &[("pids.current", "6\n"), ("pids.max", "100\n")])
        .with(
            &["blkio"],
            &[
                ("blkio.throttle.io_service_bytes_recursive", "Total 0\n"),
                ("blkio.throttle.io_service_bytes", "Total 0\n"),
                (
                    "blkio.bfq.io_service_bytes_recursive",
                    "8:0 Read 4096\n8:0 Write 512\n8:0 Total 4608\nTotal 4608\n",
                ),
                ("blkio.bfq.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\n"),
            ],
        )
        .read();
    assert_eq!(stats.version, Some(Version::One));
    assert_eq!(stats.cpu.usage, Duration::from_nanos(300_000_123));
    assert_eq!(stats.cpu.user, Duration::from_millis(210));
    assert_eq!(stats.cpu.system, Duration::from_millis(90));
    assert_eq!((stats.cpu.periods, stats.cpu.throttled_periods), (8, 3));
    assert_eq!(stats.cpu.throttled, Duration::from_nanos(5_000_007));
    let memory = &stats.memory;
    assert_eq!((memory.usage, memory.working_set), (1000, 800));
    assert_eq!((memory.anonymous, memory.file, memory.swap), (300, 500, 40));
    assert_eq!((memory.peak, memory.limit), (1500, 2000));
    assert_eq!((stats.pids.current, stats.pids.limit), (6, 100));
    assert_eq!((stats.io.read_bytes, stats.io.write_bytes), (4096, 512));
    assert_eq!((stats.io.read_operations, stats.io.write_operations), (1, 2));
    assert!(
        !stats.cpu.pressure.available && !stats.memory.pressure.available && !stats.io.pressure.available
    );
}

#[test]
fn version_2_counts_in_one_place() {
    let stats = Layout::new().with(&[], UNIFIED).read();
    assert_eq!(stats.version, Some(Version::Two));
    assert_eq!(stats.cpu.usage, Duration::from_micros(300));
    assert_eq!(
        (stats.cpu.user, stats.cpu.system),
        (Duration::from_micros(200), Duration::from_micros(100))
    );
    assert_eq!(stats.cpu.throttled, Duration::from_micros(7));
    assert!(stats.cpu.pressure.available && !stats.io.pressure.available);
    let memory = &stats.memory;
    assert_eq!((memory.usage, memory.working_set), (5000, 4200));
    assert_eq!((memory.anonymous, memory.file, memory.swap), (3000, 1500, 12));
    assert_eq!((memory.peak, memory.limit), (6000, 0));
    assert_eq!((stats.pids.current, stats.pids.limit), (6, 0));
    assert_eq!((stats.io.read_bytes, stats.io.write_bytes), (4097, 8193));
    assert_eq!((stats.io.read_operations, stats.io.write_operations), (2, 3));
}

#[test]
fn version_1_decides_where_both_are_mounted() {
    let both = Layout::new().with(&[], UNIFIED).with(&["memory"], MEMORY_1);
    let stats = both.read();
    assert_eq!(stats.version, Some(Version::One));
    assert_eq!(stats.memory.usage, 1000);
    // What version 1 does not have is read where it is.
    assert_eq!(stats.cpu.usage, Duration::from_micros(300));
    assert_eq!(stats.pids.current, 6);
    assert!(stats.cpu.pressure.available);
    // A version 2 for systemd's own use has no files of controllers.
    let stats = Layout::new()
        .with(&["memory"], MEMORY_1)
        .with(&["cpu", "cpuacct"], CPU_1)
        .with(&["name=systemd"], &[])
        .with(&[], &[("cpu.stat", "usage_usec 1\n")])
        .read();
    assert_eq!(stats.cpu.usage, Duration::from_nanos(300_000_123));
    assert_eq!(stats.pids.current, 0);
}

#[test]
fn what_is_missing_or_malformed_is_0_and_no_error() {
    assert_eq!(Layout::new().read(), CgroupStats::default());
    let named = Layout::new().with(&["name=systemd"], &[]).read();
    assert_eq!(named, CgroupStats::default());
    let empty = Layout::new()
        .with(&["cpu", "cpuacct"], &[])
        .with(&["memory"], &[])
        .read();
    let nothing = CgroupStats {
        version: Some(Version::One),
        ..CgroupStats::default()
    };
    assert_eq!(empty, nothing);
    let odd = Layout::new()
        .with(
            &["memory"],
            &[
                ("memory.usage_in_bytes", "many\n"),
                ("memory.stat", "total_rss\ntotal_cache x\n\n total_swap 5"),
                ("memory.limit_in_bytes", "-1\n"),
                ("memory.max_usage_in_bytes", ""),
            ],
        )
        .read();
    assert_eq!(odd, nothing);
    // Less used than is inactive: the two are read one after the other.
    let files = [
        ("memory.current", "10\n"),
        ("memory.stat", "anon 1\ninactive_file 20\n"),
    ];
    assert_eq!(Layout::new().with(&[], &files).read().memory.working_set, 0);
    // It has gone.
    let gone = Layout::new().with(&[], UNIFIED);
    fs::remove_dir_all(&gone.places[0].directory).unwrap();
    assert_eq!(gone.read().memory.usage, 0);
}
