//! The JSON format: one object a line (JSON Lines), with `timestamp`, `pipe` and `message` as conmon-rs
//! names them, and what those three can't say.
//!
//! `timestamp` is a number of Unix seconds; `timestampNanos` a string of Unix nanoseconds, which a JSON
//! number can't hold exactly in most readers; `partial` is there, and true, on a piece whose line goes on
//! in the next record of its pipe; `messageBase64` stands in place of `message` for bytes that are not UTF-8.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::borrow::Cow;

use super::super::Stream;
use super::super::lines::{LINE_BYTES, Records, Tag, whole_characters};
use super::super::timestamp::{Timestamp, digits};
use crate::disk::BATCH_BYTES;

/// `{"timestamp":SECONDS,"timestampNanos":"NANOSECONDS","pipe":"stdout",` with the longest numbers.
const HEAD_BYTES: usize = r#"{"timestamp":,"timestampNanos":"","pipe":"stdout","#.len() + 20 + 29;
/// All that a record has beside its head and its content.
const REST_BYTES: usize = r#""partial":true,"messageBase64":""}"#.len() + 1;
/// A control character is written `\u0000`.
const MOST_PER_BYTE: usize = 6;

/// JSON Lines.
pub(in super::super) struct Json;

/// The head of the records of a chunk.
pub(in super::super) struct Head {
    bytes: [u8; HEAD_BYTES],
    length: usize,
}

impl Records for Json {
    const LINE_BYTES: usize = LINE_BYTES;

    type Head = Head;

    fn head(stream: Stream, time: Timestamp) -> Head {
        let mut head = Head {
            bytes: [0; HEAD_BYTES],
            length: 0,
        };
        head.push(br#"{"timestamp":"#);
        head.push_number(time.seconds);
        head.push(br#","timestampNanos":""#);
        if time.seconds > 0 {
            head.push_number(time.seconds);
            let mut nanos = [0; 9];
            digits(&mut nanos, time.nanos.into());
            head.push(&nanos);
        } else {
            head.push_number(time.nanos.into());
        }
        head.push(match stream {
            Stream::Stdout => br#"","pipe":"stdout","#,
            Stream::Stderr => br#"","pipe":"stderr","#,
        });
        head
    }

    fn fits(batch: &[u8], content: usize) -> bool {
        batch.len() + HEAD_BYTES + REST_BYTES + MOST_PER_BYTE * content <= BATCH_BYTES
    }

    fn piece(held: &[u8], rest: &[u8]) -> usize {
        whole_characters(held, rest)
    }

    fn append(head: &Head, tag: Tag, held: &mut Vec<u8>, rest: &[u8], batch: &mut Vec<u8>) {
        batch.extend_from_slice(&head.bytes[..head.length]);
        let rest = match tag {
            Tag::Full => &rest[..rest.len() - 1],
            Tag::Partial => {
                batch.extend_from_slice(br#""partial":true,"#);
                rest
            }
        };
        // Whether it is text can be told of the whole only.
        let content = if held.is_empty() {
            rest
        } else {
            held.extend_from_slice(rest);
            held
        };
        if std::str::from_utf8(content).is_ok() {
            batch.extend_from_slice(br#""message":""#);
            escape(content, batch);
        } else {
            batch.extend_from_slice(br#""messageBase64":""#);
            base64(content, batch);
        }
        batch.extend_from_slice(b"\"}\n");
    }
}

impl Head {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn push_number(&mut self, number: u64) {
        let length = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        digits(&mut self.bytes[self.length..self.length + length], number);
        self.length += length;
    }
}

pub(super) fn notice(text: &str) -> Vec<u8> {
    let mut record = Vec::new();
    let head = Json::head(Stream::Stderr, Timestamp::now());
    let mut held = text.as_bytes().to_vec();
    Json::append(&head, Tag::Full, &mut held, b"\n", &mut record);
    record
}

/// The part of a record that says how much output it holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(default)]
    partial: bool,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message_base64: Option<&'a str>,
}

pub(super) fn output_bytes(record: &[u8]) -> u64 {
    let Ok(content) = serde_json::from_slice::<Content<'_>>(record) else {
        return 0;
    };
    let bytes = match (&content.message, content.message_base64) {
        (Some(text), _) => text.len(),
        (None, Some(code)) => {
            code.len() / 4 * 3 - code.bytes().rev().take_while(|&byte| byte == b'=').count()
        }
        (None, None) => 0,
    };
    (bytes + usize::from(!content.partial)) as u64
}

/// Appends text as the inside of a JSON string (RFC 8259, section 7).
fn escape(text: &[u8], batch: &mut Vec<u8>) {
    let mut plain = 0;
    for (index, &byte) in text.iter().enumerate() {
        let short = ESCAPES[byte as usize];
        if short == 0 {
            continue;
        }
        batch.extend_from_slice(&text[plain..index]);
        plain = index + 1;
        if short == b'u' {
            let hex = |digit: u8| b"0123456789abcdef"[digit as usize];
            batch.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
        } else {
            batch.extend_from_slice(&[b'\\', short]);
        }
    }
    batch.extend_from_slice(&text[plain..]);
}

/// For each byte what stands after the backslash, `u` for a code; 0 for a byte that stands for itself.
static ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0c] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

fn base64(bytes: &[u8], batch: &mut Vec<u8>) {
    let start = batch.len();
    batch.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    let written = STANDARD.encode_slice(bytes, &mut batch[start..]);
    // The length is exact, so that the error, a slice too short, can't be.
    debug_assert!(written.is_ok());
}
