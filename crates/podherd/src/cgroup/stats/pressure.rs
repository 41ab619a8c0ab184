//! Pressure stall information: how much time was lost waiting. See Documentation/accounting/psi.rst of the kernel.

use std::time::Duration;

use super::{Cgroups, text};

/// Time in which processes of a container waited for one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressure {
    /// Whether the kernel tells it. Version 1 does not, nor a kernel that was built or started without it.
    pub available: bool,
    /// At least one process waited.
    pub some: Stalled,
    /// All that had something to do waited.
    pub full: Stalled,
}

/// One line of a pressure file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stalled {
    /// Percent of the last 10 seconds.
    pub average_10: f64,
    /// Percent of the last minute.
    pub average_60: f64,
    /// Percent of the last five minutes.
    pub average_300: f64,
    /// In all.
    pub total: Duration,
}

impl Pressure {
    /// Of the container's cgroup of version 2, also where version 1 counts the rest.
    pub(super) fn read(cgroups: Cgroups<'_>, file: &str) -> Self {
        let text = cgroups.unified().map(|files| files.text(file));
        text.map_or_else(Self::default, |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let line = |kind: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
        };
        let some = line("some");
        Self {
            available: some.is_some(),
            some: some.map_or_else(Stalled::default, Stalled::parse),
            // Before Linux 5.13 the file of processors had no such line.
            full: line("full").map_or_else(Stalled::default, Stalled::parse),
        }
    }
}

impl Stalled {
    fn parse(line: &str) -> Self {
        let average = |key| {
            let percent = line
                .split_ascii_whitespace()
                .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok());
            percent.filter(|percent: &f64| percent.is_finite()).unwrap_or(0.0)
        };
        Self {
            average_10: average("avg10"),
            average_60: average("avg60"),
            average_300: average("avg300"),
            total: Duration::from_micros(text::paired_sum(line, "total")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_are_read() {
        let text = "some avg10=1.50 avg60=0.20 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.10 avg300=99.99 total=18446744073709551615\n";
        let pressure = Pressure::parse(text);
        assert!(pressure.available);
        assert_eq!(pressure.some.average_10, 1.5);
        assert_eq!(pressure.some.average_60, 0.2);
        assert_eq!(pressure.some.average_300, 0.01);
        assert_eq!(pressure.some.total, Duration::from_micros(123_456));
        assert_eq!(pressure.full.average_300, 99.99);
        assert_eq!(pressure.full.total, Duration::from_micros(u64::MAX));
    }

    #[test]
    fn what_is_missing_or_malformed_is_0() {
        assert_eq!(Pressure::parse(""), Pressure::default());
        assert_eq!(Pressure::parse("someone avg10=5\n"), Pressure::default());
        let pressure = Pressure::parse("some avg10=NaN avg60=inf avg300 total=-4\n");
        assert!(pressure.available);
        assert_eq!(
            (&pressure.some, &pressure.full),
            (&Stalled::default(), &Stalled::default())
        );
    }
}
