//! The time of a record.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Length of a timestamp, in bytes.
pub(super) const TIMESTAMP_BYTES: usize = 30;

/// RFC 3339 with nine digits of a second, in UTC (`Z`).
///
/// UTC and not the local zone: the reader of a log needs no zone file of this machine, and a server
/// that lives through a change of summer time can't write the wrong offset. All digits are always
/// there, so that records have a fixed length and sort as text.
#[derive(Clone, Copy)]
pub(super) struct Timestamp(pub(super) [u8; TIMESTAMP_BYTES]);

impl Timestamp {
    /// The time now, by the system's clock.
    pub(super) fn now() -> Self {
        Self::at(SystemTime::now())
    }

    /// A clock outside the years 1970 to 9999 is written as 1970.
    pub(super) fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
        let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        digits(&mut text[0..4], date.year().unsigned_abs());
        digits(&mut text[5..7], u32::from(u8::from(date.month())));
        digits(&mut text[8..10], u32::from(date.day()));
        digits(&mut text[11..13], u32::from(date.hour()));
        digits(&mut text[14..16], u32::from(date.minute()));
        digits(&mut text[17..19], u32::from(date.second()));
        digits(&mut text[20..29], since.subsec_nanos());
        Self(text)
    }
}

/// Writes `value` in decimal with leading zeros; what does not fit is cut off at the left.
fn digits(field: &mut [u8], mut value: u32) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}
