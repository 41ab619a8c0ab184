//! Moments as they are told.

use std::time::SystemTime;

use crate::logs::Timestamp;

/// RFC 3339 with nanoseconds, in UTC: `2024-05-01T12:00:00.000000000Z`.
pub fn rfc3339(at: SystemTime) -> String {
    String::from_utf8_lossy(&Timestamp::at(at).rfc3339()).into_owned()
}
