//! CRI records from chunks of a stream, however it was cut into chunks.

use memchr::memchr;

use super::Stream;
use super::timestamp::{TIMESTAMP_BYTES, Timestamp};
use crate::disk::BATCH_BYTES;

/// Content of a record, in bytes, at most: a longer line becomes several `P` records and an `F`.
pub const LINE_BYTES: usize = 16 * 1024;

/// `TIME stdout F `: both stream names have the same length, so every record's head does.
const HEAD_BYTES: usize = TIMESTAMP_BYTES + " stdout F ".len();

/// The longest record.
pub(super) const RECORD_BYTES: usize = HEAD_BYTES + LINE_BYTES + 1;

/// Whether a record ends its line.
#[derive(Clone, Copy)]
enum Tag {
    /// `F`: the line's end.
    Full,
    /// `P`: more of the line follows in the next record of the stream.
    Partial,
}

/// The unfinished lines of one sink.
#[derive(Default)]
pub(super) struct Encoder {
    /// A line's bytes until its end is seen, at most [`LINE_BYTES`]; without memory when there is none.
    held: [Vec<u8>; 2],
}

impl Encoder {
    /// Appends the records of `chunk` to `batch`, as far as they surely fit, and returns how many bytes
    /// of the chunk are done with. Bytes after the last newline are held for the next chunk.
    ///
    /// One time for all: the bytes were read at once.
    pub(super) fn encode(
        &mut self,
        stream: Stream,
        time: Timestamp,
        chunk: &[u8],
        batch: &mut Vec<u8>,
    ) -> usize {
        let heads = [head(stream, time, Tag::Full), head(stream, time, Tag::Partial)];
        let held = &mut self.held[stream as usize];
        let mut rest = chunk;
        while !rest.is_empty() && fits(batch) {
            let room = LINE_BYTES - held.len();
            // One byte past the room: a newline there makes the line a whole record still.
            let look = &rest[..rest.len().min(room + 1)];
            if let Some(newline) = memchr(b'\n', look) {
                append(batch, &heads[0], held, &rest[..=newline]);
                rest = &rest[newline + 1..];
            } else if look.len() > room {
                append(batch, &heads[1], held, &rest[..room]);
                batch.push(b'\n');
                rest = &rest[room..];
            } else {
                held.extend_from_slice(rest);
                rest = &[];
            }
        }
        if held.is_empty() {
            *held = Vec::new();
        }
        chunk.len() - rest.len()
    }

    /// Whether an unfinished line of the stream is held.
    pub(super) fn holds(&self, stream: Stream) -> bool {
        !self.held[stream as usize].is_empty()
    }

    /// Closes an unfinished line with an `F` record. The batch must have room for it.
    pub(super) fn end(&mut self, stream: Stream, time: Timestamp, batch: &mut Vec<u8>) {
        let mut held = std::mem::take(&mut self.held[stream as usize]);
        if !held.is_empty() {
            append(batch, &head(stream, time, Tag::Full), &mut held, b"\n");
        }
    }
}

/// Whether any record has room in the batch without making it grow.
pub(super) fn fits(batch: &[u8]) -> bool {
    batch.len() + RECORD_BYTES <= BATCH_BYTES
}

/// One whole record of the server's own, on stderr.
pub(super) fn notice(text: &str) -> Vec<u8> {
    let mut record = head(Stream::Stderr, Timestamp::now(), Tag::Full).to_vec();
    record.extend_from_slice(text.as_bytes());
    record.push(b'\n');
    record
}

/// Bytes of output in whole records: their content, and a newline for each line that ends.
pub(super) fn output_bytes(records: &[u8]) -> u64 {
    let tag = HEAD_BYTES - 2;
    let of = |record: &[u8]| {
        let newline = usize::from(record.get(tag) == Some(&b'F'));
        (record.len().saturating_sub(HEAD_BYTES + 1) + newline) as u64
    };
    records.split_inclusive(|&byte| byte == b'\n').map(of).sum()
}

fn head(stream: Stream, time: Timestamp, tag: Tag) -> [u8; HEAD_BYTES] {
    let mut head = [b' '; HEAD_BYTES];
    head[..TIMESTAMP_BYTES].copy_from_slice(&time.0);
    head[TIMESTAMP_BYTES..].copy_from_slice(match (stream, tag) {
        (Stream::Stdout, Tag::Full) => b" stdout F ",
        (Stream::Stdout, Tag::Partial) => b" stdout P ",
        (Stream::Stderr, Tag::Full) => b" stderr F ",
        (Stream::Stderr, Tag::Partial) => b" stderr P ",
    });
    head
}

fn append(batch: &mut Vec<u8>, head: &[u8; HEAD_BYTES], held: &mut Vec<u8>, tail: &[u8]) {
    batch.extend_from_slice(head);
    if !held.is_empty() {
        batch.extend_from_slice(held);
        held.clear();
    }
    batch.extend_from_slice(tail);
}
