//! Processor time.

use std::time::Duration;

use super::{Cgroups, Pressure, Source, text};

/// Processor time that all processes of a container have used, ended ones included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuStats {
    /// In all.
    pub usage: Duration,
    /// In programs. Version 1 tells it in whole clock ticks.
    pub user: Duration,
    /// In the kernel, for them; as `user`.
    pub system: Duration,
    /// Periods of its quota in which it wanted to run.
    pub periods: u64,
    /// Those of them in which it was stopped for the rest.
    pub throttled_periods: u64,
    /// How long it was stopped, each processor's time added.
    pub throttled: Duration,
    /// Waiting for a processor.
    pub pressure: Pressure,
}

impl CpuStats {
    pub(super) fn read(cgroups: Cgroups<'_>) -> Self {
        let mut stats = Self {
            pressure: Pressure::read(cgroups, "cpu.pressure"),
            ..Self::default()
        };
        match cgroups.source("cpuacct") {
            Some(Source::One(files)) => {
                stats.usage = Duration::from_nanos(files.number("cpuacct.usage"));
                let split = files.text("cpuacct.stat");
                stats.user = ticks(text::keyed(&split, "user"));
                stats.system = ticks(text::keyed(&split, "system"));
            }
            Some(Source::Two(files)) => {
                let split = files.text("cpu.stat");
                stats.usage = Duration::from_micros(text::keyed(&split, "usage_usec"));
                stats.user = Duration::from_micros(text::keyed(&split, "user_usec"));
                stats.system = Duration::from_micros(text::keyed(&split, "system_usec"));
            }
            None => {}
        }
        let (quota, throttled): (_, fn(&str) -> Duration) = match cgroups.source("cpu") {
            Some(Source::One(files)) => (files.text("cpu.stat"), |text| {
                Duration::from_nanos(text::keyed(text, "throttled_time"))
            }),
            Some(Source::Two(files)) => (files.text("cpu.stat"), |text| {
                Duration::from_micros(text::keyed(text, "throttled_usec"))
            }),
            None => return stats,
        };
        stats.periods = text::keyed(&quota, "nr_periods");
        stats.throttled_periods = text::keyed(&quota, "nr_throttled");
        stats.throttled = throttled(&quota);
        stats
    }
}

/// Clock ticks of user space (`sysconf(_SC_CLK_TCK)`).
fn ticks(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(per_second);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
