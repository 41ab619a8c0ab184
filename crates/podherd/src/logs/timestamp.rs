//! The time of a record.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Length of a time in RFC 3339, in bytes.
pub(crate) const RFC3339_BYTES: usize = 30;

/// A moment since 1970, by the system's clock. An earlier one is taken for 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Timestamp {
    pub(crate) seconds: u64,
    pub(crate) nanos: u32,
}

impl Timestamp {
    /// The time now.
    pub(super) fn now() -> Self {
        Self::at(SystemTime::now())
    }

    pub(crate) fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: since.as_secs(),
            nanos: since.subsec_nanos(),
        }
    }

    /// The least later moment.
    pub(super) fn next(self) -> Self {
        match self.nanos {
            999_999_999 => Self {
                seconds: self.seconds + 1,
                nanos: 0,
            },
            nanos => Self {
                seconds: self.seconds,
                nanos: nanos + 1,
            },
        }
    }

    /// RFC 3339 with nine digits of a second, in UTC (`Z`).
    ///
    /// UTC and not the local zone: the reader of a log needs no zone file of this machine, and a server
    /// that lives through a change of summer time can't write the wrong offset. All digits are always
    /// there, so that records have a fixed length and sort as text. A year past 9999 is written as 1970.
    pub(crate) fn rfc3339(self) -> [u8; RFC3339_BYTES] {
        let date = self.date();
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        digits(&mut text[0..4], date.year().unsigned_abs().into());
        digits(&mut text[5..7], u8::from(date.month()).into());
        digits(&mut text[8..10], date.day().into());
        digits(&mut text[11..13], date.hour().into());
        digits(&mut text[14..16], date.minute().into());
        digits(&mut text[17..19], date.second().into());
        digits(&mut text[20..29], self.nanos.into());
        text
    }

    /// `YYYYMMDD-HHMMSS.NNNNNNNNN` in UTC: what a rotated file's name ends with. Up to the point it is the
    /// suffix that the kubelet gives to the logs that it rotates itself, so that both sort together.
    pub(super) fn suffix(self) -> String {
        let date = self.date();
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = (date.hour(), date.minute(), date.second());
        let nanos = self.nanos;
        format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}.{nanos:09}")
    }

    fn date(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.seconds).unwrap_or(0);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Writes `value` in decimal with leading zeros; what does not fit is cut off at the left.
pub(super) fn digits(field: &mut [u8], mut value: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}
