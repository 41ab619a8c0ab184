//! An entry for journald in a batch: a byte for the stream and whether the line goes on, the content's
//! length, the content. The writer thread makes a datagram of it.

use super::super::Stream;
use super::super::lines::{Records, Tag, whole_characters};
use super::super::timestamp::Timestamp;
use crate::disk::BATCH_BYTES;

/// Content of an entry, in bytes, at most. It takes far more, but a line is held in memory until
/// its end is seen.
pub const ENTRY_BYTES: usize = 256 * 1024;

const HEAD_BYTES: usize = 5;

/// Entries for journald.
pub(in super::super) struct Entry;

/// An entry that was read back from a batch.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Parsed<'a> {
    pub(in super::super) stream: Stream,
    pub(in super::super) partial: bool,
    pub(in super::super) content: &'a [u8],
}

impl Records for Entry {
    const LINE_BYTES: usize = ENTRY_BYTES;

    type Head = Stream;

    /// It has times of its own: of the sending and of the receipt.
    fn head(stream: Stream, _: Timestamp) -> Stream {
        stream
    }

    /// A long entry has a batch of its own, which grows for it.
    fn fits(batch: &[u8], content: usize) -> bool {
        batch.is_empty() || batch.len() + HEAD_BYTES + content <= BATCH_BYTES
    }

    fn piece(held: &[u8], rest: &[u8]) -> usize {
        whole_characters(held, rest)
    }

    fn append(stream: &Stream, tag: Tag, held: &mut Vec<u8>, rest: &[u8], batch: &mut Vec<u8>) {
        let rest = match tag {
            Tag::Full => &rest[..rest.len() - 1],
            Tag::Partial => rest,
        };
        // At most ENTRY_BYTES.
        let length = (held.len() + rest.len()) as u32;
        batch.push(*stream as u8 | (tag as u8) << 1);
        batch.extend_from_slice(&length.to_le_bytes());
        batch.extend_from_slice(held);
        batch.extend_from_slice(rest);
    }
}

/// The entries of a batch.
pub(in super::super) fn parse(mut batch: &[u8]) -> impl Iterator<Item = Parsed<'_>> {
    std::iter::from_fn(move || {
        let (&flags, rest) = batch.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        batch = rest;
        Some(Parsed {
            stream: match flags & 1 {
                0 => Stream::Stdout,
                _ => Stream::Stderr,
            },
            partial: flags & 2 != 0,
            content,
        })
    })
}

impl Parsed<'_> {
    /// Bytes of output that it stands for.
    pub(in super::super) fn output_bytes(&self) -> u64 {
        (self.content.len() + usize::from(!self.partial)) as u64
    }
}
