//! Moments as they are told and given.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

use crate::logs::Timestamp;

/// RFC 3339 with nanoseconds, in UTC: `2024-05-01T12:00:00.000000000Z`.
pub fn rfc3339(at: SystemTime) -> String {
    String::from_utf8_lossy(&Timestamp::at(at).rfc3339()).into_owned()
}

/// The moment of a text in RFC 3339.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    Some(OffsetDateTime::parse(text, &Rfc3339).ok()?.into())
}

/// A moment on the command line: RFC 3339, Unix seconds, or how long ago (`90s`, `10m`, `2h`, `1d`).
pub fn moment(text: &str) -> Result<SystemTime, String> {
    if let Some(at) = parse_rfc3339(text) {
        return Ok(at);
    }
    let number = |text: &str| {
        let number: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(number).ok()
    };
    if let Some(since) = number(text) {
        return UNIX_EPOCH
            .checked_add(since)
            .ok_or_else(|| format!("{text:?} is too far away"));
    }
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let ago = units
        .iter()
        .find_map(|(unit, seconds)| Some(number(text.strip_suffix(unit)?)?.saturating_mul(*seconds)));
    ago.and_then(|ago| SystemTime::now().checked_sub(ago))
        .ok_or_else(|| {
            format!("{text:?} is no moment: RFC 3339, Unix seconds, or how long ago, as 90s, 10m, 2h, 1d")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_in_three_spellings() {
        let at = UNIX_EPOCH + Duration::new(1_714_564_800, 250_000_000);
        assert_eq!(moment("2024-05-01T12:00:00.25Z"), Ok(at));
        assert_eq!(moment("2024-05-01T14:00:00.25+02:00"), Ok(at));
        assert_eq!(moment("1714564800.25"), Ok(at));
        let then = moment("10m").unwrap();
        let ago = SystemTime::now().duration_since(then).unwrap();
        assert!(
            ago >= Duration::from_secs(600) && ago < Duration::from_secs(660),
            "{ago:?}"
        );
        for wrong in ["", "yesterday", "-5m", "5w", "2024-05-01"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rfc3339(at), "2024-05-01T12:00:00.250000000Z");
    }
}
