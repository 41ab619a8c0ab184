//! One record of a log, in either format (docs/logs.md).

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64;
use serde::Deserialize;

use crate::commands::time::{parse_rfc3339, rfc3339};
use crate::logs::Stream;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// RFC 3339; empty for a line of neither format.
    pub time: String,
    /// Which stream it came from.
    pub stream: Stream,
    /// The line goes on in the stream's next record.
    pub partial: bool,
    /// Without the newline.
    pub content: Vec<u8>,
}

/// A line of the JSON format; one of conmon-rs has the first three keys only.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    timestamp: f64,
    timestamp_nanos: Option<Cow<'a, str>>,
    pipe: Cow<'a, str>,
    #[serde(default)]
    partial: bool,
    message: Option<Cow<'a, str>>,
    message_base64: Option<Cow<'a, str>>,
}

impl Record {
    /// Reads a line without its newline. What has neither format is output as it stands.
    pub fn parse(line: &[u8]) -> Self {
        let known = match line.first() {
            Some(b'{') => Self::parse_json(line),
            _ => Self::parse_cri(line),
        };
        known.unwrap_or_else(|| Self {
            time: String::new(),
            stream: Stream::Stdout,
            partial: false,
            content: line.to_vec(),
        })
    }

    /// `TIME STREAM F|P CONTENT`.
    fn parse_cri(line: &[u8]) -> Option<Self> {
        let mut fields = line.splitn(4, |&byte| byte == b' ');
        let time = std::str::from_utf8(fields.next()?).ok()?;
        let stream = stream(fields.next()?)?;
        // Tags may be followed by others, as `F:…`.
        let partial = match fields.next()?.first()? {
            b'F' => false,
            b'P' => true,
            _ => return None,
        };
        Some(Self {
            time: time.to_owned(),
            stream,
            partial,
            content: fields.next().unwrap_or_default().to_vec(),
        })
    }

    fn parse_json(line: &[u8]) -> Option<Self> {
        let json: Json<'_> = serde_json::from_slice(line).ok()?;
        let since = match json.timestamp_nanos.and_then(|text| text.parse().ok()) {
            Some(nanos) => Duration::from_nanos(nanos),
            None => Duration::try_from_secs_f64(json.timestamp).ok()?,
        };
        let content = match (json.message, json.message_base64) {
            (Some(text), _) => text.into_owned().into_bytes(),
            (None, Some(code)) => BASE64.decode(code.as_bytes()).ok()?,
            (None, None) => return None,
        };
        Some(Self {
            time: rfc3339(UNIX_EPOCH + since),
            stream: stream(json.pipe.as_bytes())?,
            partial: json.partial,
            content,
        })
    }

    /// When it was written. None: it does not say.
    pub fn at(&self) -> Option<SystemTime> {
        parse_rfc3339(&self.time)
    }
}

fn stream(name: &[u8]) -> Option<Stream> {
    match name {
        b"stdout" => Some(Stream::Stdout),
        b"stderr" => Some(Stream::Stderr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_formats() {
        let cri = Record::parse(b"2024-05-01T12:00:00.000000001Z stderr P a b ");
        assert_eq!(
            (cri.stream, cri.partial, &*cri.content),
            (Stream::Stderr, true, &b"a b "[..])
        );
        assert_eq!(Record::parse(b"2024-05-01T12:00:00Z stdout F ").content, b"");
        let json = Record::parse(
            br#"{"timestamp":1714564800,"timestampNanos":"1714564800000000001","pipe":"stderr","partial":true,"message":"a\u0001\"b"}"#,
        );
        assert_eq!(
            (json.stream, json.partial, &*json.content),
            (Stream::Stderr, true, &b"a\x01\"b"[..])
        );
        assert_eq!(json.time, "2024-05-01T12:00:00.000000001Z");
        let bytes = Record::parse(br#"{"timestamp":1,"pipe":"stdout","messageBase64":"/w=="}"#);
        assert_eq!((bytes.content, bytes.partial), (vec![0xff], false));
    }

    #[test]
    fn a_line_of_another_format_is_output() {
        for line in [&b"hello world"[..], b"{", b"", b"2024 stdout X y", b"{\"a\":1}"] {
            let record = Record::parse(line);
            assert_eq!((record.content.as_slice(), record.at()), (line, None));
        }
    }
}
