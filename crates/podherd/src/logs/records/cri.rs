//! The CRI format: `TIME STREAM F|P CONTENT` and a newline.

use super::super::Stream;
use super::super::lines::{LINE_BYTES, Records, Tag};
use super::super::timestamp::{RFC3339_BYTES, Timestamp};
use crate::disk::BATCH_BYTES;

/// `TIME stdout F `: both stream names have the same length, so every record's head does.
const HEAD_BYTES: usize = RFC3339_BYTES + " stdout F ".len();

/// Records as the kubelet reads them.
pub(in super::super) struct Cri;

/// The head of a full record, and of a partial one.
pub(in super::super) struct Heads([[u8; HEAD_BYTES]; 2]);

impl Records for Cri {
    const LINE_BYTES: usize = LINE_BYTES;

    type Head = Heads;

    fn head(stream: Stream, time: Timestamp) -> Heads {
        let time = time.rfc3339();
        Heads([head(stream, &time, Tag::Full), head(stream, &time, Tag::Partial)])
    }

    fn fits(batch: &[u8], content: usize) -> bool {
        batch.len() + HEAD_BYTES + content < BATCH_BYTES
    }

    /// Readers put the pieces' bytes together: it does not matter where a character is cut.
    fn piece(held: &[u8], rest: &[u8]) -> usize {
        held.len() + rest.len()
    }

    fn append(heads: &Heads, tag: Tag, held: &mut Vec<u8>, rest: &[u8], batch: &mut Vec<u8>) {
        batch.extend_from_slice(&heads.0[tag as usize]);
        if !held.is_empty() {
            batch.extend_from_slice(held);
        }
        batch.extend_from_slice(rest);
        if tag == Tag::Partial {
            batch.push(b'\n');
        }
    }
}

pub(super) fn notice(text: &str) -> Vec<u8> {
    let mut record = head(Stream::Stderr, &Timestamp::now().rfc3339(), Tag::Full).to_vec();
    record.extend_from_slice(text.as_bytes());
    record.push(b'\n');
    record
}

pub(super) fn output_bytes(record: &[u8]) -> u64 {
    let newline = usize::from(record.get(HEAD_BYTES - 2) == Some(&b'F'));
    (record.len().saturating_sub(HEAD_BYTES + 1) + newline) as u64
}

fn head(stream: Stream, time: &[u8; RFC3339_BYTES], tag: Tag) -> [u8; HEAD_BYTES] {
    let mut head = [b' '; HEAD_BYTES];
    head[..RFC3339_BYTES].copy_from_slice(time);
    head[RFC3339_BYTES..].copy_from_slice(match (stream, tag) {
        (Stream::Stdout, Tag::Full) => b" stdout F ",
        (Stream::Stdout, Tag::Partial) => b" stdout P ",
        (Stream::Stderr, Tag::Full) => b" stderr F ",
        (Stream::Stderr, Tag::Partial) => b" stderr P ",
    });
    head
}
